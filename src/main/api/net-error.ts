/**
 * The error class of run-time failures.
 *
 * Used on the calling thread.
 */

import type { Fault } from "../../ring/fault-text.js";
import { endInCaller } from "./user-stack.js";

/** The host, address and port that an error concerns. */
export type Where = Pick<Fault, "host" | "address" | "port">;

/**
 * A failure of the network, of the system, or of the networking thread. Programming mistakes are `TypeError`s and
 * `RangeError`s.
 */
export class NetError extends Error {
  override readonly name = "NetError";
  /** The system's or Node's code: `ECONNREFUSED`, `ENOTFOUND`, `ETIMEDOUT`, `CERT_HAS_EXPIRED`, … */
  readonly code: string;
  /** The system call that failed, or `undefined`. */
  readonly syscall: string | undefined;
  /** The host name that the error concerns, or `undefined`. */
  readonly host: string | undefined;
  /** The IP or path that the error concerns, or `undefined`. */
  readonly address: string | undefined;
  /** The port that the error concerns, or `undefined`. */
  readonly port: number | undefined;
  /** Set by `writeAll` when it times out: the number of bytes taken. */
  declare bytesWritten?: number;

  constructor(fault: Fault, cause?: unknown) {
    super(fault.message, cause === undefined ? undefined : { cause });
    this.code = fault.code;
    this.syscall = fault.syscall;
    this.host = fault.host;
    this.address = fault.address;
    this.port = fault.port;
    endInCaller(this);
  }
}

/** Why the handles of a closed runtime have failed. */
export const RUNTIME_CLOSED: Fault = { code: "ERR_RUNTIME_CLOSED", message: "the runtime was closed" };

/** The same fault, with the host, address and port that it lacks. */
export function located(fault: Fault, { host, address, port }: Where): Fault {
  return {
    ...fault,
    host: fault.host ?? host,
    address: fault.address ?? address,
    port: fault.port ?? port,
  };
}

/** The fault of a wait that timed out. */
export function timedOut(what: string, timeout: number, detail = ""): Fault {
  return outOfTime(`${what} timed out after ${timeout} ms${detail}`, timeout);
}

/** The fault of a read that timed out before it had all its bytes. */
export function readTimedOut(what: string, timeout: number, there: number, wanted: number): Fault {
  const text = `${what} timed out after ${timeout} ms: received ${there} of ${wanted} bytes; they remain readable`;
  return outOfTime(text, timeout);
}

/** The fault of a search for a delimiter that took too long. */
export function searchTimedOut(what: string, timeout: number, searched: number, there: number): Fault {
  const text = `${what} timed out after ${timeout} ms: searched ${searched} of ${there} bytes; all remain readable, and the next call continues the search`;
  return outOfTime(text, timeout);
}

/** Node's names for the servers of an event loop. */
const SERVERS = new Set(["TCPServerWrap", "PipeServerWrap"]);

/** Adds a hint at the most common mistake: the peer runs in the event loop of the thread that blocks. */
function outOfTime(message: string, timeout: number): Fault {
  const blocked = timeout !== 0 && process.getActiveResourcesInfo?.().some((name) => SERVERS.has(name));
  const hint = "; this thread's own event loop runs a server, which can't answer while the thread blocks";
  return { code: "ETIMEDOUT", message: blocked ? message + hint : message };
}

/** The error of calls on a handle that was closed here. */
export function closedHere(what: string, where: Where = {}): NetError {
  return new NetError(located({ code: "ERR_SOCKET_CLOSED", message: `the ${what} is closed` }, where));
}
