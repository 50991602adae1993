/**
 * Failures of socket calls, by errno name. The numbers belong to the program's ABI, so they are not here.
 *
 * Used on the calling thread.
 */

import { NetError } from "../main/index.js";

/** A socket call failed: `code` is the name of its errno value, `EAGAIN` for example. */
export class PosixError extends Error {
  readonly code: string;

  constructor(code: string, message: string = code) {
    super(message);
    this.name = "PosixError";
    this.code = code;
  }
}

/** Codes of this package and of resolvers that have no errno value. */
const SYNONYMS: Record<string, string> = {
  ENOTFOUND: "EHOSTUNREACH",
  EAI_AGAIN: "EHOSTUNREACH",
  ERR_SOCKET_CLOSED: "EBADF",
  ERR_RUNTIME_CLOSED: "ENETDOWN",
  ERR_WORKER_START: "ENETDOWN",
  ERR_WORKER_DIED: "ENETDOWN",
};

/**
 * The errno name for an error that a call threw: the system's code, or EIO for any other code. Rethrows `error` if it
 * is not a call's failure but a bug.
 */
export function errnoOf(error: unknown): string {
  if (error instanceof PosixError) return error.code;
  if (error instanceof NetError || isSystemError(error)) {
    const code = SYNONYMS[error.code] ?? error.code;
    return /^E[A-Z0-9]+$/.test(code) ? code : "EIO";
  }
  throw error;
}

/** Whether it is an error of the system, as Node's calls throw it. */
function isSystemError(error: unknown): error is { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
