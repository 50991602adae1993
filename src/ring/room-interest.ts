/**
 * Write interest: a caller that finds too little room in the send ring asks to be woken, once, when there is more.
 *
 * `metOrAsk` runs on the caller's thread, `takeRoomInterest` on the networking thread.
 *
 * The caller sets the slot's ROOM_WANTED word and then checks the ring once more. The networking thread publishes the
 * read position and then checks the word; if it is set, the thread clears it, queues the slot and wakes the caller. So without interest a
 * write that the kernel has taken costs only one load of a word, and a caller that sleeps until an answer comes is not
 * woken because its request was sent.
 *
 * Why no wake-up is lost: if the networking thread finds the word clear, the caller's store comes later in the single
 * order of all atomic operations, and its check later still, so it sees the room. If it finds the word set, it queues
 * the slot and wakes the caller, which asks again if the room is gone by then. Only the caller sets the word and only
 * the networking thread clears it, so a caller that finds it set need not store: the word is cleared after that load,
 * and the slot is queued after that.
 */

import { ROOM_WANTED } from "./layout.js";

/** Whether `met(target)`, a condition on the room, holds. If not, declares write interest and checks once more. */
export function metOrAsk<T>(slot: Int32Array, met: (target: T) => boolean, target: T): boolean {
  if (met(target)) return true;
  askForRoom(slot);
  return met(target);
}

function askForRoom(slot: Int32Array): void {
  if (Atomics.load(slot, ROOM_WANTED) === 1) return; // partner: takeRoomInterest
  Atomics.store(slot, ROOM_WANTED, 1); // partner: takeRoomInterest
}

/** Takes the interest; returns whether there was any. The read position must have been published. */
export function takeRoomInterest(slot: Int32Array): boolean {
  if (Atomics.load(slot, ROOM_WANTED) === 0) return false; // partner: askForRoom
  Atomics.store(slot, ROOM_WANTED, 0); // partner: askForRoom
  return true;
}
