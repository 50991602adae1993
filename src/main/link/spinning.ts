/**
 * Decides how long a thread that has to wait spins before it sleeps (the caller's side of Agrona's `IdleStrategy`).
 *
 * Runs on the calling thread. The counterpart of the networking thread's `Polling`: falling asleep and being woken costs more than a
 * short wait. It does not spin where waits are long, where bytes move in bulk (the other threads need the core), and
 * for a while after it was interrupted, which means that more threads are runnable than there are cores.
 */

import { MovingAverage } from "../../ring/moving-average.js";
import { now } from "./clock.js";

/** The longest spinning, in ms, whatever `busyPoll` allows. */
const LONGEST_MS = 0.05;
/** More bytes than this since the last wait are bulk. */
const BULK_BYTES = 16 * 1024;
/** Two checks are well below a µs apart; if it was this long, in ms, the thread was interrupted. */
const INTERRUPTED_MS = 0.02;
/** Waits without spinning after an interruption: counted, unlike `Polling`'s back-off, since a caller may wait once a second or a million times. */
const BACK_OFF_WAITS = 64;
/** Checks between two readings of the clock. */
const LOOKS = 8;

export class Spinning {
  #cap = 0;
  #bytes = 0;
  /** Moving average of how long waits take, in ms; one wait counts as at most twice the cap. */
  readonly #usual = new MovingAverage(0);
  #backOff = 0;

  /** Allows spinning for up to `microseconds`. */
  allow(microseconds: number): void {
    this.#cap = Math.max(this.#cap, Math.min(microseconds / 1000, LONGEST_MS));
  }

  /** The program has read or written `bytes`. */
  onActivity(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Checks `met(target)` until it holds or it is time to sleep; `left` is the longest it may take, in ms. Returns the last answer. */
  spin<T>(met: (target: T) => boolean, target: T, left: number): boolean {
    const bulk = this.#bytes > BULK_BYTES;
    this.#bytes = 0;
    if (this.#backOff > 0) {
      this.#backOff--;
      return false;
    }
    if (bulk || this.#usual.value > this.#cap) return false;
    const begin = now();
    const end = begin + Math.min(this.#cap, left);
    for (let last = begin; last < end; ) {
      for (let i = 0; i < LOOKS; i++) {
        if (met(target)) return true;
      }
      const then = now();
      if (then - last > INTERRUPTED_MS) this.#backOff = BACK_OFF_WAITS;
      last = then;
    }
    return false;
  }

  /** A wait has taken `milliseconds`, spinning included. */
  waited(milliseconds: number): void {
    this.#usual.add(milliseconds, 2 * this.#cap);
  }
}
