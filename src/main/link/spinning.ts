/**
 * Decides how long a waiting thread spins before it sleeps (as Agrona's `IdleStrategy`).
 *
 * Runs on the calling thread. The counterpart of the networking thread's `Polling`: going to sleep and being woken
 * costs more than a short wait. It does not spin if waits are long, if bytes move in bulk (other threads need the
 * core), or for a while after it was interrupted, which means that there are more runnable threads than cores.
 */

import { MovingAverage } from "../../ring/moving-average.js";
import { now } from "./clock.js";

/** The longest time to spin, in ms, whatever `busyPoll` allows. */
const LONGEST_MS = 0.05;
/** More bytes than this since the last wait are bulk. */
const BULK_BYTES = 16 * 1024;
/** Checks are well below a µs apart; a longer gap than this, in ms, means that the thread was interrupted. */
const INTERRUPTED_MS = 0.02;
/**
 * Waits without spinning after an interruption. Counted, unlike `Polling`'s back-off: a caller may wait once a second
 * or a million times.
 */
const BACK_OFF_WAITS = 64;
/** Checks between two readings of the clock. */
const CHECKS = 8;

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

  /** Checks `met(target)` until it holds or it is time to sleep, for at most `left` ms. Returns the last answer. */
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
      for (let i = 0; i < CHECKS; i++) {
        if (met(target)) return true;
      }
      const then = now();
      if (then - last > INTERRUPTED_MS) this.#backOff = BACK_OFF_WAITS;
      last = then;
    }
    return false;
  }

  /** Call it after a wait; `milliseconds` is how long the wait took, spinning included. */
  waited(milliseconds: number): void {
    this.#usual.add(milliseconds, 2 * this.#cap);
  }
}
