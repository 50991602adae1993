/**
 * Waits that another thread may cancel.
 *
 * Runs on the calling thread.
 */

import { isCancelled, takeCancel } from "../../ring/cancellation.js";
import { located, NetError, type Where } from "../api/net-error.js";
import type { TimeLeft } from "./deadline.js";

/** The words by which other threads cancel a wait; null where there are none. */
export type Cancellations = readonly Int32Array[] | null;

/** What an error concerns. */
interface Place {
  readonly where: Where;
}

/** The calling thread, as a wait uses it. */
interface Waiter {
  wait<T>(interest: number, deadline: TimeLeft, met: (target: T) => boolean, target: T): boolean;
}

/**
 * Blocks as `Caller.wait`. Throws a `NetError` with code `ERR_CANCELLED` if `met(target)` does not hold and one of `words` asks for the end
 * of the wait; `place` says what it concerns.
 */
export function waitUnlessCancelled<T>(
  caller: Waiter,
  interest: number,
  deadline: TimeLeft,
  met: (target: T) => boolean,
  target: T,
  words: Cancellations,
  place?: Place,
): boolean {
  if (words === null) return caller.wait(interest, deadline, met, target);
  let found = false;
  const foundOrCancelled = (each: T): boolean => {
    found = met(each);
    return found || words.some(isCancelled);
  };
  caller.wait(interest, deadline, foundOrCancelled, target);
  if (!found) throwIfCancelled(words, place);
  return found;
}

/**
 * Takes the requests to cancel, all of them, because each was meant for the wait that ends now; throws a `NetError` with code
 * `ERR_CANCELLED` if there was one.
 */
export function throwIfCancelled(words: Cancellations, place?: Place): void {
  if (words === null) return;
  let cancelled = false;
  for (const word of words) if (takeCancel(word)) cancelled = true;
  if (!cancelled) return;
  const fault = { code: "ERR_CANCELLED", message: "the wait was cancelled by another thread" };
  throw new NetError(located(fault, place?.where ?? {}));
}
