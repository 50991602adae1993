/**
 * A point in time by which calls must have returned, however many pieces arrive until then.
 *
 * Runs on the calling thread.
 */

import { now } from "./clock.js";

/** Longest timeout in ms that is not "for ever": about 285,000 years, the range of exact milliseconds. */
const LONGEST = Number.MAX_SAFE_INTEGER;

/**
 * What calls that block take: milliseconds for this call (0: poll once; -1 and Infinity: no limit), or a `Deadline`, which several calls can
 * share.
 */
export type Timeout = number | Deadline;

/** Something that says how many ms are left. */
export interface TimeLeft {
  readonly left: number;
}

/** One budget of time for many calls: they take it wherever they take a timeout. It runs from the moment it is made. */
export class Deadline {
  /** The ms that it was made with. */
  readonly timeout: number;
  readonly #end: number;

  /**
   * `timeout` in ms from now: 0 is over at once, -1 and Infinity never. Throws a `TypeError` or `RangeError` on anything else that is not a
   * number from 0.
   */
  constructor(timeout: number) {
    checkMilliseconds("timeout", timeout);
    this.timeout = timeout;
    if (timeout === 0) this.#end = 0;
    else if (timeout === -1 || timeout > LONGEST) this.#end = Number.POSITIVE_INFINITY;
    else this.#end = now() + timeout;
  }

  /**
   * The deadline of a call that takes a `Timeout`: a `Deadline` as it is, milliseconds from now on. Throws as the constructor; `name` is what the
   * error calls the argument.
   */
  static of(timeout: Timeout, name = "timeout"): Deadline {
    if (timeout instanceof Deadline) return timeout;
    checkMilliseconds(name, timeout);
    return new Deadline(timeout);
  }

  /** Milliseconds left: 0 when the time is up, `Infinity` without a limit. */
  get left(): number {
    if (this.#end === 0 || this.#end === Number.POSITIVE_INFINITY) return this.#end;
    return Math.max(0, this.#end - now());
  }

  /** Whether the time is up. */
  get expired(): boolean {
    return this.left === 0;
  }
}

function checkMilliseconds(name: string, timeout: unknown): void {
  if (typeof timeout !== "number") {
    const given = typeof timeout === "object" ? Object.prototype.toString.call(timeout) : String(timeout);
    throw new TypeError(`${name} must be a number of milliseconds or a Deadline, not ${given}`);
  }
  if (Number.isNaN(timeout) || (timeout < 0 && timeout !== -1)) {
    throw new RangeError(`${name} must be -1, 0 or a number of milliseconds, not ${timeout}`);
  }
}
