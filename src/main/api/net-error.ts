/**
 * The one error class of run-time failures.
 *
 * Used on the calling thread.
 */

import type { Fault } from "../../ring/fault-text.js";

/**
 * A failure of the network, of the system, or of the networking thread. Programming mistakes are `TypeError`s and
 * `RangeError`s.
 */
export class NetError extends Error {
  override readonly name = "NetError";
  /** The system's or Node's code: `ECONNREFUSED`, `ENOTFOUND`, `ETIMEDOUT`, `CERT_HAS_EXPIRED`, … */
  readonly code: string;
  /** The system call that failed, where there was one. */
  readonly syscall: string | undefined;
  /** The IP or path that it was about, where there was one. */
  readonly address: string | undefined;
  /** The port that it was about, where there was one. */
  readonly port: number | undefined;
  /** Set by `writeAll` when its time is up: the bytes that were taken. */
  declare bytesWritten?: number;

  constructor(fault: Fault, cause?: unknown) {
    super(fault.message, cause === undefined ? undefined : { cause });
    this.code = fault.code;
    this.syscall = fault.syscall;
    this.address = fault.address;
    this.port = fault.port;
  }
}

/** Why everything of a runtime has failed that was closed. */
export const RUNTIME_CLOSED: Fault = { code: "ERR_RUNTIME_CLOSED", message: "the runtime was closed" };

/** The error of a wait that ran out. */
export function timedOut(what: string, timeout: number, detail = ""): NetError {
  return new NetError({ code: "ETIMEDOUT", message: `${what} timed out after ${timeout} ms${detail}` });
}

/** The error of a read that timed out before it had all its bytes. */
export function readTimedOut(what: string, timeout: number, there: number, wanted: number): NetError {
  const text = `${what} timed out after ${timeout} ms: received ${there} of ${wanted} bytes; they remain readable`;
  return new NetError({ code: "ETIMEDOUT", message: text });
}

/** The error of a search for a delimiter that took too long. */
export function searchTimedOut(what: string, timeout: number, searched: number, there: number): NetError {
  const text = `${what} timed out after ${timeout} ms: ${searched} of ${there} bytes are searched; all stay, and the next call goes on from there`;
  return new NetError({ code: "ETIMEDOUT", message: text });
}

/** The error of any call on a handle that was closed here. */
export function closedHere(what: string): NetError {
  return new NetError({ code: "ERR_SOCKET_CLOSED", message: `the ${what} is closed` });
}
