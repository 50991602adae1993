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

/** What `send` throws; the `HttpError` is its `cause`. Wrong arguments stay as they are. */
export function failure(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error;
  const name = error.code === "ETIMEDOUT" ? "TimeoutError" : "NetworkError";
  return Object.defineProperty(new DOMException(error.message, name), "cause", { value: error, configurable: true });
}
