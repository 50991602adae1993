/**
 * Wakes a sleeping caller once for many pieces of a stream or many datagrams, as interrupt coalescing in network cards
 * does. A wake-up costs more than a piece.
 *
 * Runs on the networking thread.
 */

import type { Slot } from "./slot.js";

export class WakeCoalescing {
  readonly #slot: Slot;
  /** This many bytes are worth a wake-up in any case. */
  readonly #enough: number;
  /** Bytes that a sleeping caller was not woken for. */
  #pendingBytes = 0;
  /** Whether more of them came in this turn. */
  #grown = false;
  /** Whether `#afterTurn` is scheduled. */
  #turnAhead = false;

  /** For news of `slot` whose ring holds `capacity` bytes. */
  constructor(slot: Slot, capacity: number) {
    this.#slot = slot;
    this.#enough = capacity >> 2;
  }

  /**
   * There are `count` more bytes in the ring. Wakes a sleeping caller immediately unless `more` are likely to follow;
   * then once they fill a quarter of the ring, or a turn of the event loop brings no more.
   */
  arrived(count: number, more: boolean): void {
    this.#slot.queue();
    if (!this.#slot.awaited) {
      this.#pendingBytes = 0; // it checks before it sleeps
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
