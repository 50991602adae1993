/**
 * The error of ringnet/sync-fetch. Its `type` is one of node-fetch's.
 *
 * Runs on the calling thread.
 */

export type FetchErrorType =
  | "system"
  | "request-timeout"
  | "body-timeout"
  | "max-size"
  | "max-redirect"
  | "no-redirect"
  | "invalid-redirect"
  | "invalid-json";

/** A request or a body that has failed. `code` and `errno` come from its `cause`. */
export class FetchError extends Error {
  readonly type: string | undefined;
  readonly code?: string | undefined;
  readonly errno?: string | undefined;

  constructor(message: string, type?: FetchErrorType | (string & {}), systemError?: { code?: string | undefined }) {
    super(message, systemError === undefined ? {} : { cause: systemError });
    this.type = type;
    if (systemError !== undefined) {
      this.code = systemError.code;
      this.errno = systemError.code;
    }
  }

  override get name(): string {
    return "FetchError";
  }

  get [Symbol.toStringTag](): string {
    return "FetchError";
  }
}
