/**
 * Cancels a wait from another thread.
 *
 * `cancellerOf` runs on the thread that waits, `cancel` on any thread.
 */

import { CANCELLATION_BYTES, requestCancel } from "../../ring/cancellation.js";
import { SignalWaker } from "../../ring/signal.js";
import { thisCaller } from "../link/caller.js";

/**
 * What `canceller()` returns. It can be posted to any thread of the process, any number of times. Treat it as opaque.
 */
export interface Canceller {
  /** Marks the object as a canceller. */
  readonly ringnet: "canceller";
  /** @internal Set by `cancel`. */
  readonly word: SharedArrayBuffer;
  /** @internal Wakes the thread that waits. */
  readonly caller: SharedArrayBuffer;
}

/** A word by which other threads cancel a wait. */
export function cancellationWord(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(CANCELLATION_BYTES));
}

/** What posts to the thread that cancels the waits of this thread by `word`. */
export function cancellerOf(word: Int32Array): Canceller {
  return { ringnet: "canceller", word: word.buffer as SharedArrayBuffer, caller: thisCaller().memory };
}

/**
 * Cancels the call that waits on the handle or poller, or else the next one that would wait: the call throws a `NetError` with
 * code `ERR_CANCELLED`, and nothing is lost. A call that need not wait returns as usual. Throws a `TypeError` if
 * `canceller` was not returned by `canceller()`.
 */
export function cancel(canceller: Canceller): void {
  if (canceller?.ringnet !== "canceller") throw new TypeError("canceller must be what canceller() returned");
  requestCancel(new Int32Array(canceller.word), new SignalWaker(new Int32Array(canceller.caller)));
}
