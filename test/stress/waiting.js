/**
 * The waits of the threads in the stress runs: as a caller of the package waits, and with a report of wake-ups that never came.
 *
 * Test code.
 */

import { SignalSleeper } from "../../build/ring/signal.js";
import { dawdle } from "./stream.js";

/** A wake-up that has not come after this many ms never will; the other thread may be kept from running, but not for so long. */
const SLICE_MS = 10_000;
/** Silent slices after which the other thread counts as stuck. */
const SLICES = 3;

export class Waiting {
  /** How often it really slept, and how often a wake-up was spurious. */
  sleeps = 0;
  vain = 0;
  #sleeper;
  #random;

  constructor(callerBlock, random) {
    this.#sleeper = new SignalSleeper(callerBlock);
    this.#random = random;
  }

  /** Blocks until `condition` holds. Sometimes it spins for a while before it sleeps. */
  until(interest, condition) {
    if (condition()) return;
    for (let checks = this.#random(4) === 0 ? this.#random(2000) : 0; checks > 0; checks--) if (condition()) return;
    for (let silent = 0; ; ) {
      const ticket = this.#sleeper.prepareWait(interest);
      if (condition()) {
        this.#sleeper.cancelWait();
        return;
      }
      dawdle(this.#random);
      const begin = performance.now();
      this.#sleeper.wait(ticket, SLICE_MS);
      const late = performance.now() - begin >= SLICE_MS;
      this.#sleeper.cancelWait();
      this.sleeps++;
      if (condition()) {
        if (late) throw new Error("a wake-up was lost: the awaited change was there");
        return;
      }
      if (!late) this.vain++;
      else if (++silent === SLICES) throw new Error(`nothing happened for ${(SLICES * SLICE_MS) / 1000} s`);
    }
  }
}
