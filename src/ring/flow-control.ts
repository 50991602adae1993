/**
 * Back-pressure on the receive side: a networking thread stops reading when a ring is full, and goes on when its caller
 * has made room.
 *
 * `tryPause` runs on the networking thread, `tryResume` on the caller's.
 *
 * The worker sets the slot's RX_PAUSED word and then checks the room once more; the caller publishes its read
 * position and then checks RX_PAUSED. At least one of the two sees the other's store, so a paused connection is
 * always resumed. Both take the word back with an atomic exchange, so that exactly one of them resumes.
 */

import type { ByteProducer } from "./byte-ring.js";
import { RX_PAUSED } from "./layout.js";

/**
 * Reading goes on when this part of the ring is free: often enough to keep the pipe full, rarely enough to be cheap.
 */
export function resumeThreshold(capacity: number): number {
  return capacity >> 1;
}

/**
 * Says that the worker stops reading into `ring`. Returns false when there was room again in the meantime, and the
 * worker should go on at once; true when the caller will queue the slot once there is room.
 */
export function tryPause(slot: Int32Array, ring: ByteProducer): boolean {
  Atomics.store(slot, RX_PAUSED, 1); // partner: tryResume (load)
  if (ring.free < resumeThreshold(ring.capacity)) return true;
  // The caller may have seen the word already: then it has queued the slot, and the worker resumes when it gets there.
  return Atomics.exchange(slot, RX_PAUSED, 0) === 0; // partner: tryResume (exchange)
}

/**
 * Called after the caller has published its read position, with the bytes it still has not read. Returns whether the
 * worker had stopped and there is room now: the caller then queues the slot and rings.
 */
export function tryResume(slot: Int32Array, unread: number, capacity: number): boolean {
  if (Atomics.load(slot, RX_PAUSED) === 0) return false; // partner: tryPause (store)
  if (capacity - unread < resumeThreshold(capacity)) return false;
  return Atomics.exchange(slot, RX_PAUSED, 0) === 1; // partner: tryPause (exchange)
}
