/**
 * Cancelling: another thread ends the caller's wait, through a word that the caller has shared.
 *
 * `requestCancel` runs on any thread, `isCancelled` and `takeCancel` on the caller's, which checks the word as part of
 * its condition.
 *
 * Why no request is lost: it is news for the eventcount (`signal.ts`), like any other. The word is stored before the
 * announcement is read, and the caller checks the word once more after it has announced itself. The word stays set
 * until a wait takes it, so a request that comes before a wait ends that wait.
 */

import type { SignalWaker } from "./signal.js";

/** Bytes of memory for the word: a cache line of its own. */
export const CANCELLATION_BYTES = 64;

/** Requests the end of the caller's wait. */
export function requestCancel(word: Int32Array, waker: Pick<SignalWaker, "wakeAnyway">): void {
  Atomics.store(word, 0, 1); // partner: isCancelled, takeCancel
  waker.wakeAnyway();
}

/** Whether there is a request that no wait has taken yet. */
export function isCancelled(word: Int32Array): boolean {
  return Atomics.load(word, 0) === 1; // partner: requestCancel
}

/** Takes the request, for the wait that it ends; returns whether there was one. */
export function takeCancel(word: Int32Array): boolean {
  return Atomics.exchange(word, 0, 0) === 1; // partner: requestCancel
}
