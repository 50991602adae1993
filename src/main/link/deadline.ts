/**
 * A point in time by which a call must have returned, however many pieces arrive until then.
 *
 * Used on the calling thread.
 */

import { now } from "./clock.js";

/** Longest timeout in ms that is not "for ever": about 285,000 years, the range of exact milliseconds. */
const LONGEST = Number.MAX_SAFE_INTEGER;

export class Deadline {
  readonly timeout: number;
  readonly #end: number;

  /** `timeout` in ms: 0 polls once, -1 and Infinity wait without a limit. Throws on anything else below 0. */
  constructor(timeout: number) {
    if (typeof timeout !== "number") throw new TypeError(`timeout must be a number, not ${String(timeout)}`);
    if (Number.isNaN(timeout) || (timeout < 0 && timeout !== -1)) {
      throw new RangeError(`timeout must be -1, 0 or a number of milliseconds, not ${timeout}`);
    }
    this.timeout = timeout;
    if (timeout === 0) this.#end = 0;
    else if (timeout === -1 || timeout > LONGEST) this.#end = Number.POSITIVE_INFINITY;
    else this.#end = now() + timeout;
  }

  /** Milliseconds left; 0 or less when the time is up. */
  get left(): number {
    if (this.#end === 0 || this.#end === Number.POSITIVE_INFINITY) return this.#end;
    return this.#end - now();
  }
}
