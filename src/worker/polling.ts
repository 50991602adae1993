/**
 * Decides whether the networking thread goes on polling when it has nothing to do, or sleeps in its event loop.
 *
 * Runs on the networking thread. Waking an idle core costs most of a short round trip, so after request-and-response
 * traffic the thread polls for a while. Polling takes a core from whoever else wants it, so it stops by itself.
 */

export class Polling {
  /** Longest polling after the last activity, in ms. */
  readonly #cap: number;
  #lastActivity = 0;

  constructor(busyPollMicroseconds: number) {
    this.#cap = busyPollMicroseconds / 1000;
  }

  /** A client had work, or a socket had news for a client. */
  active(): void {
    if (this.#cap > 0) this.#lastActivity = performance.now();
  }

  /** Whether to look again at once. */
  get wanted(): boolean {
    return this.#cap > 0 && performance.now() - this.#lastActivity < this.#cap;
  }
}
