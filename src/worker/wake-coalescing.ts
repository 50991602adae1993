/**
 * Wakes a sleeping caller once for many pieces of a stream or a flood of datagrams: what network cards call interrupt coalescing. A
 * wake-up costs more than a piece.
 *
 * Runs on the networking thread.
 */

import type { Slot } from "./slot.js";

export class WakeCoalescing {
  readonly #slot: Slot;
  /** So many bytes are worth a wake-up whatever else comes. */
  readonly #enough: number;
  /** Bytes that a sleeping caller was not woken for, whether there were more of them in this turn, and whether one is ahead. */
  #pendingBytes = 0;
  #grown = false;
  #turnAhead = false;

  /** For news of `slot` whose ring holds `capacity` bytes. */
  constructor(slot: Slot, capacity: number) {
    this.#slot = slot;
    this.#enough = capacity >> 2;
  }

  /**
   * `count` bytes more are in the ring. A caller that sleeps is woken at once unless there is `more` to come; then once a quarter of the
   * ring has come, or a turn of the event loop brought no more.
   */
  arrived(count: number, more: boolean): void {
    this.#slot.queue();
    if (!this.#slot.awaited) {
      this.#pendingBytes = 0; // it looks before it sleeps
      return;
    }
    this.#pendingBytes += count;
    if (this.#pendingBytes >= this.#enough || !(more || this.#turnAhead)) {
      this.#pendingBytes = 0;
      this.#slot.wakeCaller();
      return;
    }
    this.#grown = true;
    if (this.#turnAhead) return;
    this.#turnAhead = true;
    setImmediate(this.#afterTurn);
  }

  readonly #afterTurn = (): void => {
    if (this.#grown && this.#pendingBytes > 0) {
      this.#grown = false;
      setImmediate(this.#afterTurn);
      return;
    }
    this.#turnAhead = this.#grown = false;
    if (this.#pendingBytes === 0) return;
    this.#pendingBytes = 0;
    this.#slot.wakeCaller();
  };
}
