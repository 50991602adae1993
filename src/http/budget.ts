/**
 * How much time a call or a request has left.
 *
 * Runs on the calling thread.
 */

import { now } from "./clock.js";

/** Milliseconds (0: only look; -1 or Infinity: for ever), or a deadline that says how many are left. */
export type Timeout = number | { readonly left: number };

export class Budget {
  readonly #deadline: { readonly left: number } | null;
  readonly #end: number;
  /** For messages: the number of ms it began with. */
  readonly milliseconds: number;

  /** Throws a `TypeError` or `RangeError` that names `name`. */
  constructor(timeout: Timeout | undefined, name = "timeout") {
    this.#deadline = null;
    this.#end = Number.POSITIVE_INFINITY;
    this.milliseconds = Number.POSITIVE_INFINITY;
    if (timeout === undefined || timeout === -1) return;
    if (typeof timeout === "object" && timeout !== null && typeof timeout.left === "number") {
      this.#deadline = timeout;
      this.milliseconds = Math.max(0, Math.round(timeout.left));
      return;
    }
    if (typeof timeout !== "number")
      throw new TypeError(`${name} must be a number or a deadline, not ${typeof timeout}`);
    if (Number.isNaN(timeout) || timeout < 0) {
      throw new RangeError(`${name} must be -1, 0 or a number of milliseconds, not ${timeout}`);
    }
    this.milliseconds = timeout;
    if (timeout !== Number.POSITIVE_INFINITY) this.#end = timeout === 0 ? 0 : now() + timeout;
  }

  /** Milliseconds left; 0 or less when the time is up. */
  get left(): number {
    if (this.#deadline !== null) return this.#deadline.left;
    return this.#end === 0 || this.#end === Number.POSITIVE_INFINITY ? this.#end : this.#end - now();
  }
}
