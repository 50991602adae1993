/**
 * Limits how many connections this thread may have attached that the networking thread has not yet moved to it, so that
 * no queue between the two overflows: see `slot-queue.ts`.
 *
 * Runs on the calling thread.
 */

import { ATTACHED, MAX_ATTACHING } from "../../ring/layout.js";

export class AttachWindow {
  readonly #words: Int32Array;
  readonly #drain: () => void;
  #begun = 0;
  /** Attached connections whose entries were taken out of the queue. */
  #settled = 0;

  /** `drain` empties the queue from the networking thread. */
  constructor(linkWords: Int32Array, drain: () => void) {
    this.#words = linkWords;
    this.#drain = drain;
  }

  /** Whether one more connection may be attached; drains the queue if it must to find out. */
  hasRoom(): boolean {
    if (this.#isOpen) return true;
    const moved = Atomics.load(this.#words, ATTACHED); // partner: CallerLink.attached
    this.#drain(); // their entries were queued before they were counted
    this.#settled = moved;
    return this.#isOpen;
  }

  /** Counts one more attached connection. */
  begin(): void {
    this.#begun = (this.#begun + 1) | 0;
  }

  get #isOpen(): boolean {
    return ((this.#begun - this.#settled) | 0) < MAX_ATTACHING;
  }
}
