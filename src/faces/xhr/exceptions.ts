/**
 * The exceptions of ringnet/xhr: `DOMException`s, as the standard names them.
 *
 * Runs on the calling thread.
 */

import { HttpError } from "../../http/index.js";

export function refused(name: "InvalidStateError" | "SecurityError" | "SyntaxError", message: string): DOMException {
  return new DOMException(message, name);
}

export function notSupported(message: string): DOMException {
  return new DOMException(message, "NotSupportedError");
}

/** The exception of `send` for an `HttpError`, which becomes its `cause`. Other errors are returned unchanged. */
export function failure(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error;
  const name = error.code === "ETIMEDOUT" ? "TimeoutError" : "NetworkError";
  return Object.defineProperty(new DOMException(error.message, name), "cause", { value: error, configurable: true });
}
