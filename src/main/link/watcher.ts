/**
 * What connects a handle to the pollers that watch it: a watcher for each pair, and each poller's list of candidates.
 *
 * Runs on the calling thread.
 */

/** The watchers of a poller that may be ready. The array never shrinks: one that is cut and grows again is garbage. */
export class Candidates {
  readonly #list: (Watcher | null)[] = [];
  count = 0;

  at(index: number): Watcher {
    return this.#list[index] as Watcher;
  }

  add(watcher: Watcher): void {
    this.#list[this.count++] = watcher;
  }

  /** Keeps the first `kept`, which `keep` moved there. */
  cut(kept: number): void {
    for (let i = kept; i < this.count; i++) this.#list[i] = null; // a watcher that was deleted can be collected
    this.count = kept;
  }

  keep(watcher: Watcher, index: number): void {
    this.#list[index] = watcher;
  }
}

/** One handle in one poller. Channels refer to it, so it refers to neither: both can be collected when the program forgets them. */
export class Watcher {
  readonly candidates: Candidates;
  #listed = false;
  /** READABLE and WRITABLE bits. */
  interest: number;
  /** The handle was closed, and the poller has not reported that yet. */
  closed = false;

  constructor(candidates: Candidates, interest: number) {
    this.candidates = candidates;
    this.interest = interest;
  }

  /** The handle may be ready. */
  candidate(): void {
    if (this.#listed) return;
    this.#listed = true;
    this.candidates.add(this);
  }

  /** It is off the list of candidates. */
  unlisted(): void {
    this.#listed = false;
  }

  handleClosed(): void {
    this.closed = true;
    this.candidate();
  }
}
