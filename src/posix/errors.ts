/**
 * Failures of socket calls, by the names of errno values. Numbers belong to the program's ABI, so they are not here.
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

/** Codes of this package and of resolvers that no C library knows. */
const SYNONYMS: Record<string, string> = {
  ENOTFOUND: "EHOSTUNREACH",
  EAI_AGAIN: "EHOSTUNREACH",
  ERR_SOCKET_CLOSED: "EBADF",
  ERR_RUNTIME_CLOSED: "ENETDOWN",
  ERR_WORKER_START: "ENETDOWN",
  ERR_WORKER_DIED: "ENETDOWN",
};

/**
 * The name of the errno value for what a call threw: the system's code, EIO for a code that is not the system's. Throws `error` again where it is
 * not a failure of a call but a defect.
 */
export function errnoOf(error: unknown): string {
  if (error instanceof PosixError) return error.code;
  if (error instanceof NetError || isSystemError(error)) {
    const code = SYNONYMS[error.code] ?? error.code;
    return /^E[A-Z0-9]+$/.test(code) ? code : "EIO";
  }
  throw error;
}

/** Whether it is what Node's own calls throw for a failure of the system. */
function isSystemError(error: unknown): error is { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
