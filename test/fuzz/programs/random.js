/**
 * Random numbers that a seed determines (mulberry32), so that a failure can be reproduced.
 */

export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  fraction() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number below `end`. @param {number} end */
  below(end) {
    return Math.floor(this.fraction() * end);
  }

  /** True with the probability `part`. @param {number} part */
  chance(part) {
    return this.fraction() < part;
  }

  /** One of a list. @template T @param {readonly T[]} list @returns {T} */
  of(list) {
    return list[this.below(list.length)];
  }

  /** A size from 1 to `most`, small ones as likely as large ones. @param {number} most */
  size(most) {
    return Math.max(1, Math.min(most, Math.floor(2 ** (this.fraction() * (Math.log2(most) + 1)))));
  }

  /** One of `[weight, value]`s. @template T @param {readonly (readonly [number, T])[]} pairs @returns {T} */
  weighted(pairs) {
    let at = this.fraction() * pairs.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of pairs) {
      at -= weight;
      if (at < 0) return value;
    }
    return pairs[0][1];
  }
}
