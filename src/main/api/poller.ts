/**
 * Waiting for many handles at once.
 *
 * Runs on the calling thread. Each watched handle has a `Watcher`; when the networking thread queues the handle's slot,
 * its watchers become candidates of their pollers. A poller checks only its candidates, so the cost of a wait depends
 * on the ready handles, not on all that are watched. Ready handles stay candidates (level-triggered). The others are
 * dropped until their slot is queued again: no news is lost, because the slot's flag is lowered before the handle is
 * checked (see `SlotQueueConsumer`).
 */

import { ANYTHING } from "../../ring/signal.js";
import { type Caller, thisCaller } from "../link/caller.js";
import { throwIfCancelled, waitUnlessCancelled } from "../link/cancelled-wait.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import { Candidates, Watcher } from "../link/watcher.js";
import { type Canceller, cancellationWord, cancellerOf } from "./canceller.js";
import { Composite, TimedComposites } from "./composite.js";
import { Handle } from "./handle.js";
import { type Interest, interestBits } from "./interest.js";
import { mustBeSource, waitWithTimers } from "./poll.js";
import type { PollSource } from "./pollable.js";

/** A set of handles and pollables to wait for. They can be added, removed and closed at any time. */
export class Poller<T extends PollSource = Handle> {
  readonly #caller = thisCaller();
  readonly #watchers = new Map<T, Watcher>();
  readonly #sources = new Map<Watcher, Handle | Composite>();
  readonly #candidates = new Candidates();
  #composites = 0;
  readonly #timed = new TimedComposites();
  /** The error a pollable has thrown. */
  #failure: { readonly error: unknown } | null = null;
  readonly #ready: T[] = [];
  #readyCount = 0;
  /** Returned when nothing is ready, so that `#ready` keeps its memory. */
  readonly #none: T[] = [];
  #cancellations: readonly [Int32Array] | null = null;

  /** The number of watched handles. */
  get size(): number {
    return this.#watchers.size;
  }

  /**
   * Watches a handle for `interest`, by default `{ readable: true }`. Adding it again does nothing (see `modify`).
   * Throws a `TypeError` if it is not a handle or pollable, or if the interest has unknown names.
   */
  add(handle: T, interest?: Interest): this {
    mustBeSource(handle);
    const bits = interestBits("interest", interest);
    if (this.#watchers.has(handle)) return this;
    const watcher = new Watcher(this.#candidates, bits);
    this.#watchers.set(handle, watcher);
    if (handle instanceof Handle) {
      this.#sources.set(watcher, handle);
      handle.watch(watcher);
      if (handle.closed) watcher.handleClosed();
    } else {
      this.#composites++;
      this.#sources.set(watcher, new Composite(handle, watcher));
    }
    watcher.candidate(); // it may be ready already
    return this;
  }

  /**
   * Changes the interest in a handle; returns whether it is watched. What `interest` does not name is not watched: `{}`
   * watches for the close only. Throws as `add`.
   */
  modify(handle: T, interest: Interest): boolean {
    if (interest === undefined) throw new TypeError("interest must be an object");
    const bits = interestBits("interest", interest);
    const watcher = this.#watchers.get(handle);
    if (watcher === undefined) return false;
    if (watcher.interest === bits) return true;
    watcher.interest = bits;
    watcher.candidate(); // it may be ready for the new interest already
    return true;
  }

  /** Stops watching a handle; returns whether it was watched. */
  delete(handle: T): boolean {
    const watcher = this.#watchers.get(handle);
    if (watcher === undefined) return false;
    const source = this.#sources.get(watcher);
    this.#watchers.delete(handle);
    this.#sources.delete(watcher);
    if (source instanceof Composite) {
      this.#composites--;
      this.#timed.delete(source);
      source.release();
    } else {
      source?.unwatch(watcher);
    }
    return true;
  }

  /**
   * Returns a token that can be posted to other threads: `cancel(token)` there ends the `wait` that this thread is in, or the next one that
   * finds nothing ready. It throws a `NetError` with code `ERR_CANCELLED`; nothing is lost.
   */
  canceller(): Canceller {
    this.#cancellations ??= [cancellationWord()];
    return cancellerOf(this.#cancellations[0]);
  }

  /** Whether a handle is watched. */
  has(handle: T): boolean {
    return this.#watchers.has(handle);
  }

  /**
   * The watched handles that are ready. Blocks until one is, or `timeout` ms have passed (0: polls once; -1: no limit);
   * then the list is empty. A closed handle is reported once and then removed. The array belongs to the poller, which
   * reuses it at the next `wait`: nothing is allocated. Throws what a pollable throws, and a `NetError` with code
   * `ERR_CANCELLED` if another thread has cancelled it.
   */
  wait(timeout: Timeout = 0): T[] {
    const caller = this.#caller;
    if (timeout === 0) {
      caller.maybeCheckLiveness();
      this.#met(caller);
    } else {
      const deadline = Deadline.of(timeout);
      const words = this.#cancellations;
      if (this.#composites === 0) waitUnlessCancelled(caller, ANYTHING, deadline, this.#met, caller, words);
      else waitWithTimers(deadline, this.#timed, this.#met, caller, words);
    }
    if (this.#failure !== null) this.#throwFailure();
    if (this.#readyCount === 0) throwIfCancelled(this.#cancellations);
    const ready = this.#readyCount > 0 ? this.#ready : this.#none;
    ready.length = this.#readyCount;
    return ready;
  }

  /** One line for `console.log`. Changes nothing. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Poller { ${this.size} watched }`;
  }

  readonly #met = (caller: Caller): boolean => {
    caller.drain();
    this.#readyCount = 0;
    if (this.#composites > 0 && this.#askComposites()) return true;
    const ready = this.#ready;
    const candidates = this.#candidates;
    let count = 0;
    let kept = 0;
    for (let i = 0; i < candidates.count; i++) {
      const watcher = candidates.at(i);
      const source = this.#sources.get(watcher);
      if (source === undefined) {
        watcher.unlisted(); // deleted since
        continue;
      }
      const object = (source instanceof Composite ? source.object : source) as T;
      if (watcher.closed) {
        watcher.unlisted();
        this.delete(object);
        ready[count++] = object;
      } else if (source.readyFor(watcher.interest)) {
        candidates.keep(watcher, kept++);
        ready[count++] = object;
        source.reported(watcher.interest);
      } else {
        watcher.unlisted();
      }
    }
    candidates.cut(kept);
    this.#readyCount = count;
    return count > 0;
  };

  /** Asks the pollables among the candidates whether they are ready; returns whether one has thrown. */
  #askComposites(): boolean {
    this.#timed.makeCandidates();
    const candidates = this.#candidates;
    for (let i = 0; i < candidates.count; i++) {
      const watcher = candidates.at(i);
      const source = this.#sources.get(watcher);
      if (!(source instanceof Composite)) continue;
      source.ask(watcher.interest);
      this.#failure = source.failure;
      if (this.#failure !== null) return true;
      if (!this.#sources.has(watcher)) continue; // it was deleted while it was asked
      if (source.closed) watcher.closed = true;
      this.#timed.update(source);
    }
    return false;
  }

  #throwFailure(): never {
    const { error } = this.#failure as { error: unknown };
    this.#failure = null;
    throw error;
  }
}
