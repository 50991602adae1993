/** The time that one call may take. Used on the calling thread. */

export class TimeLeft {
  readonly #end: number;

  /** `timeout` in ms; a negative one means no limit. */
  constructor(timeout: number) {
    this.#end = timeout < 0 ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  }

  /** From a socket's own timeout, where 0 means no limit. */
  static of(socketTimeout: number): TimeLeft {
    return new TimeLeft(socketTimeout > 0 ? socketTimeout : -1);
  }

  /** The ms that are left, at least 0; Infinity without a limit. */
  get ms(): number {
    return Math.max(this.#end - performance.now(), 0);
  }
}
