/**
 * Cancelling: a thread that the caller has given a word to ends the caller's wait.
 *
 * `requestCancel` runs on any thread, `isCancelled` and `takeCancel` on the caller's, which checks the word as part of what it waits for.
 *
 * Why no request is lost: it is news as any other of an eventcount (`signal.ts`). It is stored before the announcement is read, and the caller
 * checks the word once more after it has announced itself. The word stays set until a wait takes it, so a request that comes before the
 * wait ends the next one.
 */

import type { SignalWaker } from "./signal.js";

/** Bytes of the memory that the word has for itself: a cache line. */
export const CANCELLATION_BYTES = 64;

/** Asks for the end of the caller's wait. */
export function requestCancel(word: Int32Array, waker: Pick<SignalWaker, "wakeAnyway">): void {
  Atomics.store(word, 0, 1); // partner: isCancelled, takeCancel
  waker.wakeAnyway();
}

/** Whether that was asked for, and no wait has taken it yet. */
export function isCancelled(word: Int32Array): boolean {
  return Atomics.load(word, 0) === 1; // partner: requestCancel
}

/** Takes the request, for the wait that ends with it; returns whether there was one. */
export function takeCancel(word: Int32Array): boolean {
  return Atomics.exchange(word, 0, 0) === 1; // partner: requestCancel
}
