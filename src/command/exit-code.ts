/**
 * Exit codes (curl's, where it has one) and the errors that carry them.
 *
 * Used on the calling thread.
 */

import { NetError } from "../main/index.js";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  resolve: 6,
  connect: 7,
  status: 22,
  write: 23,
  timeout: 28,
  tls: 35,
  transfer: 56,
} as const;

export class CommandError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }

  /** The error with its exit code. Mistakes in arguments are `usage`. */
  static of(error: unknown): CommandError {
    if (error instanceof CommandError) return error;
    const { message } = error as Error;
    if (error instanceof NetError) return new CommandError(codeOf(error), `${error.code}: ${message}`);
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS")) return new CommandError(EXIT.usage, message);
    if (error instanceof TypeError || error instanceof RangeError) return new CommandError(EXIT.usage, message);
    if (typeof code === "string") return new CommandError(EXIT.write, message); // a file
    throw error;
  }
}

function codeOf(error: NetError & { stage?: string }): number {
  // The cause, if the networking thread had not started by then.
  if (error.code === "ETIMEDOUT" || (error.cause as NetError | undefined)?.code === "ETIMEDOUT") return EXIT.timeout;
  if (error.stage === "resolve" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") return EXIT.resolve;
  if (error.stage === "TLS" || /^(ERR_SSL|ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(error.code))
    return EXIT.tls;
  if (
    error.stage === "connect" ||
    error.stage === "proxy" ||
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ERR_PROXY)$/.test(error.code)
  ) {
    return EXIT.connect;
  }
  return EXIT.transfer;
}
