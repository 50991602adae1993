/**
 * Flow control of the receive side: a networking thread pauses reading when a ring is full, and resumes when its caller
 * has made room.
 *
 * `tryPause` runs on the networking thread, `tryResume` on the caller's.
 *
 * The worker sets the slot's RX_PAUSED word and then checks the room once more; the caller publishes its read
 * position and then checks RX_PAUSED. At least one of the two sees the other's store, so a paused connection is
 * always resumed. Both clear the word with an atomic exchange, so that exactly one of them resumes.
 */

import { RX_PAUSED } from "./layout.js";

/**
 * Reading resumes when this part of the ring is free: often enough to keep bytes flowing, rarely enough to be cheap.
 */
export function resumeThreshold(capacity: number): number {
  return capacity >> 1;
}

/**
 * Announces that the worker pauses reading into `ring`. Returns true if it may: the caller will queue the slot once
 * there is room. Returns false if there is room again: the worker should go on reading. `free` loads the caller's read
 * position.
 */
export function tryPause(slot: Int32Array, ring: { readonly free: number; readonly capacity: number }): boolean {
  Atomics.store(slot, RX_PAUSED, 1); // partner: tryResume (load)
  if (ring.free < resumeThreshold(ring.capacity)) return true;
  // The caller may have cleared the word: then it has queued the slot, and the worker resumes when it services the
  // slot.
  return Atomics.exchange(slot, RX_PAUSED, 0) === 0; // partner: tryResume (exchange)
}

/**
 * Called after the caller has published its read position, with the number of bytes still unread. Returns whether the
 * worker has paused and there is room now: the caller then queues the slot and rings.
 */
export function tryResume(slot: Int32Array, unread: number, capacity: number): boolean {
  if (Atomics.load(slot, RX_PAUSED) === 0) return false; // partner: tryPause (store)
  if (capacity - unread < resumeThreshold(capacity)) return false;
  return Atomics.exchange(slot, RX_PAUSED, 0) === 1; // partner: tryPause (exchange)
}
