/**
 * `wasi:sockets/network.error-code` and `wasi:io/error.error`.
 *
 * Used on the calling thread.
 */

import { NetError } from "../main/index.js";
import { errnoOf } from "../posix/index.js";

export type ErrorCode =
  | "unknown"
  | "access-denied"
  | "not-supported"
  | "invalid-argument"
  | "out-of-memory"
  | "timeout"
  | "concurrency-conflict"
  | "not-in-progress"
  | "would-block"
  | "invalid-state"
  | "new-socket-limit"
  | "address-not-bindable"
  | "address-in-use"
  | "remote-unreachable"
  | "connection-refused"
  | "connection-reset"
  | "connection-aborted"
  | "datagram-too-large"
  | "name-unresolvable"
  | "temporary-resolver-failure"
  | "permanent-resolver-failure";

const BY_CODE: Record<string, ErrorCode> = {
  ERR_ACCESS_DENIED: "access-denied",
  EACCES: "access-denied",
  EPERM: "access-denied",
  EOPNOTSUPP: "not-supported",
  ENOTSUP: "not-supported",
  EAFNOSUPPORT: "invalid-argument",
  EINVAL: "invalid-argument",
  EDESTADDRREQ: "invalid-argument",
  ENOMEM: "out-of-memory",
  ENOBUFS: "out-of-memory",
  ETIMEDOUT: "timeout",
  EALREADY: "concurrency-conflict",
  EAGAIN: "would-block",
  EMFILE: "new-socket-limit",
  ENFILE: "new-socket-limit",
  EADDRNOTAVAIL: "address-not-bindable",
  EADDRINUSE: "address-in-use",
  EHOSTUNREACH: "remote-unreachable",
  EHOSTDOWN: "remote-unreachable",
  ENETUNREACH: "remote-unreachable",
  ENETDOWN: "remote-unreachable",
  ENONET: "remote-unreachable",
  ECONNREFUSED: "connection-refused",
  ECONNRESET: "connection-reset",
  EPIPE: "connection-reset",
  ECONNABORTED: "connection-aborted",
  EMSGSIZE: "datagram-too-large",
};

/** The code for an error that a call of the package threw. Rethrows `error` if it is a bug. */
export function errorCodeOf(error: unknown): ErrorCode {
  const errno = errnoOf(error); // rethrows a bug
  return BY_CODE[(error as { code: string }).code] ?? BY_CODE[errno] ?? "unknown";
}

/** Runs `call` and throws the code of its failure, as jco expects the payload of `result::err`. */
export function withErrorCode<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw errorCodeOf(error);
  }
}

/** `wasi:io/error.error`: why a stream failed. */
export class IoError {
  /** The error of this package or of preview2-shim. */
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }

  toDebugString(): string {
    return this.cause instanceof Error ? this.cause.message : String(this.cause);
  }
}

/** The error of a stream whose call has thrown `error`. Rethrows `error` if it is a bug. */
export function ioErrorOf(error: unknown): IoError {
  if (error instanceof IoError) return error;
  errnoOf(error); // rethrows a bug
  return new IoError(error);
}

/** `network-error-code`: undefined if the failure has nothing to do with the network. */
export function networkErrorCode({ cause }: IoError): ErrorCode | undefined {
  const code = cause instanceof NetError ? errorCodeOf(cause) : "unknown";
  return code === "unknown" ? undefined : code;
}
