/**
 * A point in time by which calls must return.
 *
 * Runs on the calling thread.
 */

import { now } from "./clock.js";

/** The longest finite timeout in ms: about 285,000 years, the range of exact milliseconds. */
const LONGEST = Number.MAX_SAFE_INTEGER;

/**
 * The timeout of a blocking call: milliseconds (0: poll once; -1 and Infinity: no limit), or a `Deadline`, which
 * several calls can share.
 */
export type Timeout = number | Deadline;

/** The milliseconds left of something. */
export interface TimeLeft {
  readonly left: number;
}

/** One time budget for many calls, which take it wherever they take a timeout. It starts when it is made. */
export class Deadline {
  /** The milliseconds it was made with. */
  readonly timeout: number;
  readonly #end: number;

  /**
   * `timeout` in ms from now: 0 expires immediately, -1 and Infinity never. Throws a `TypeError` or `RangeError` on any
   * other value that is not a positive number.
   */
  constructor(timeout: number) {
    checkMilliseconds("timeout", timeout);
    this.timeout = timeout;
    if (timeout === 0) this.#end = 0;
    else if (timeout === -1 || timeout > LONGEST) this.#end = Number.POSITIVE_INFINITY;
    else this.#end = now() + timeout;
  }

  /**
   * The deadline of a call: a given `Deadline` itself, or a new one in this many milliseconds. Throws as the
   * constructor; `name` is the argument's name in the error.
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
