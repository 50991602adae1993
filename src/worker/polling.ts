/**
 * Decides whether the networking thread keeps polling when it has nothing to do, or sleeps in its event loop (its side
 * of Agrona's `IdleStrategy`).
 *
 * Runs on the networking thread.
 *
 * Waking a sleeping thread costs most of a short round trip, so while requests and responses follow each other the
 * thread keeps polling. It does not poll if that gains nothing, or takes a core from a thread that needs it:
 * - bytes move in bulk: the thread is busy anyway, and the peer or the caller needs the other core;
 * - the next activity usually comes later than polling may last;
 * - the thread was interrupted while it polled: there are more runnable threads than cores.
 */

import { MovingAverage } from "../ring/moving-average.js";

/** More bytes than this in one turn of the event loop are bulk. */
const BULK_BYTES = 16 * 1024;
/** A polling turn takes some µs; if it took longer than this, in ms, the thread was interrupted. */
const INTERRUPTED_MS = 0.25;
/** After an interruption the thread does not poll for this long, in ms. */
const BACK_OFF_MS = 20;

export class Polling {
  /** The longest time to poll after an activity, in ms. */
  readonly #cap: number;
  #bytes = 0;
  #active = false;
  #bulk = false;
  #lastActivity = 0;
  /** Moving average of the time between two activities, in ms; one gap counts as at most twice the cap. */
  readonly #gap: MovingAverage;
  #lastTurn = 0;
  #polled = false;
  #backOffUntil = 0;

  constructor(busyPollMicroseconds: number) {
    this.#cap = busyPollMicroseconds / 1000;
    this.#gap = new MovingAverage(2 * this.#cap);
  }

  /** Whether it may ever poll. */
  get enabled(): boolean {
    return this.#cap > 0;
  }

  /** Call it when a caller had work, or a socket moved `bytes`. */
  activity(bytes: number): void {
    this.#active = true;
    this.#bytes += bytes;
  }

  /** Call it once in a turn of the event loop, after its work. Returns whether to poll again immediately. */
  decide(): boolean {
    const now = performance.now();
    if (this.#polled && now - this.#lastTurn > INTERRUPTED_MS && !this.#active) this.#backOffUntil = now + BACK_OFF_MS;
    this.#lastTurn = now;
    if (this.#active) {
      this.#gap.add(now - this.#lastActivity, 2 * this.#cap);
      this.#bulk = this.#bytes > BULK_BYTES;
      this.#lastActivity = now;
      this.#active = false;
      this.#bytes = 0;
    }
    const soon = this.#gap.value < this.#cap && now - this.#lastActivity < this.#cap;
    this.#polled = soon && !this.#bulk && now >= this.#backOffUntil;
    return this.#polled;
  }
}
