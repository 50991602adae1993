/**
 * Cancelling a wait from another thread.
 *
 * `cancellerOf` runs on the thread that waits, `cancel` on any.
 */

import { CANCELLATION_BYTES, requestCancel } from "../../ring/cancellation.js";
import { SignalWaker } from "../../ring/signal.js";
import { thisCaller } from "../link/caller.js";
import type { Channel } from "../link/channel.js";

/** What `canceller()` returns. It can be posted to any thread of the process, any number of times. Treat it as opaque. */
export interface Canceller {
  /** What it is. */
  readonly ringnet: "canceller";
  /** Set by `cancel`. */
  readonly word: SharedArrayBuffer;
  /** Wakes the thread that waits. */
  readonly caller: SharedArrayBuffer;
}

/** The canceller of a handle: each time the same word. */
export function cancellerOf(channel: Channel): Canceller {
  channel.cancellation ??= new Int32Array(new SharedArrayBuffer(CANCELLATION_BYTES));
  return {
    ringnet: "canceller",
    word: channel.cancellation.buffer as SharedArrayBuffer,
    caller: thisCaller().memory,
  };
}

/**
 * Ends the wait that the handle's thread is in, or else the next one on that handle: the call throws a `NetError` with code `ERR_CANCELLED`, and
 * nothing is lost. A call that has what it needs returns it and is not cancelled. Throws a `TypeError` if `canceller` is none.
 */
export function cancel(canceller: Canceller): void {
  if (canceller?.ringnet !== "canceller") throw new TypeError("canceller must be what canceller() returned");
  requestCancel(new Int32Array(canceller.word), new SignalWaker(new Int32Array(canceller.caller)));
}
