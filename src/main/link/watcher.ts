/**
 * Connects handles to the pollers that watch them: a watcher for each pair, and each poller's list of candidates.
 *
 * Runs on the calling thread.
 */

/** Bit of an interest: bytes or the end to read, a client to accept, a datagram, a new status, an error. */
export const READABLE = 1;
/** Bit of an interest: room to write, or an error that a write would throw. */
export const WRITABLE = 2;

/** The watchers of a poller that may be ready. The array never shrinks: shrinking and growing it would make garbage. */
export class Candidates {
  readonly #list: (Watcher | null)[] = [];
  count = 0;

  at(index: number): Watcher {
    return this.#list[index] as Watcher;
  }

  add(watcher: Watcher): void {
    this.#list[this.count++] = watcher;
  }

  /** Drops all but the first `kept`, which `keep` has moved there. */
  cut(kept: number): void {
    for (let i = kept; i < this.count; i++) this.#list[i] = null; // so that a deleted watcher can be collected
    this.count = kept;
  }

  keep(watcher: Watcher, index: number): void {
    this.#list[index] = watcher;
  }
}

/**
 * One handle in one poller. Channels refer to it, so it refers to neither: both can be garbage-collected when the
 * program drops them.
 */
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

  /** Call it when the watcher was removed from the candidates. */
  unlisted(): void {
    this.#listed = false;
  }

  handleClosed(): void {
    this.closed = true;
    this.candidate();
  }
}
