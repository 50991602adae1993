/**
 * `poll`: waits for one handle of a list.
 *
 * Runs on the calling thread.
 */

import { ANYTHING } from "../../ring/signal.js";
import { thisCaller } from "../link/caller.js";
import { type Cancellations, throwIfCancelled, waitUnlessCancelled } from "../link/cancelled-wait.js";
import { Deadline, type TimeLeft, type Timeout } from "../link/deadline.js";
import { READABLE } from "../link/watcher.js";
import { Composite } from "./composite.js";
import { Handle } from "./handle.js";
import { type Interest, interestEntry } from "./interest.js";
import { isPollable, type PollSource } from "./pollable.js";

/** An entry of `poll`: a handle or pollable, alone or with an interest. Default: `{ readable: true }`. */
export type PollEntry<T extends PollSource = Handle> = T | (Interest & { handle: T });

/**
 * The handles that are ready; waits for one as `Poller.wait` does. A closed handle is always among them. Each call
 * checks all handles and returns a new array: for many handles or many calls, a `Poller` costs less.
 */
export function poll<T extends PollSource = Handle>(handles: Iterable<PollEntry<T>>, timeout: Timeout = 0): T[] {
  const caller = thisCaller();
  const list = new PollList(handles);
  if (timeout === 0) {
    caller.maybeCheckLiveness();
    caller.drain();
    list.askComposites();
  } else {
    const deadline = Deadline.of(timeout);
    if (list.hasComposites) waitWithTimers(deadline, list, anyIsReady, list, list.cancellations);
    else waitUnlessCancelled(caller, ANYTHING, deadline, anyIsReady, list, list.cancellations);
  }
  const ready = list.takeReady() as T[];
  if (ready.length === 0) throwIfCancelled(list.cancellations);
  return ready;
}

/** Waits as `waitUnlessCancelled`, until `deadline`, and also checks `met` whenever the time of `timers` is up. */
export function waitWithTimers<T>(
  deadline: Deadline,
  timers: TimeLeft,
  met: (target: T) => boolean,
  target: T,
  words: Cancellations,
): void {
  const time = {
    get left(): number {
      return Math.min(deadline.left, timers.left);
    },
  };
  while (!waitUnlessCancelled(thisCaller(), ANYTHING, time, met, target, words) && !deadline.expired);
}

/** Throws a `TypeError` for anything else, which would never be ready. */
export function mustBeSource(handle: unknown): asserts handle is PollSource {
  if (handle instanceof Handle || isPollable(handle)) return;
  throw new TypeError("handle must be a socket, a server, a UDP socket, an address, or have a method [pollable]");
}

/** The entries of one `poll`, kept because they are checked more than once. */
class PollList {
  readonly #sources: (Handle | Composite)[] = [];
  /** The interests of the sources; null where all are READABLE. */
  #interests: number[] | null = null;
  hasComposites = false;
  /** Of the handles; null where none has a canceller. */
  cancellations: Int32Array[] | null = null;

  constructor(entries: Iterable<PollEntry<PollSource>>) {
    for (const entry of entries) {
      if (entry instanceof Handle || isPollable(entry)) {
        this.#interests?.push(READABLE);
        this.#addSource(entry);
      } else {
        this.#addEntry(entry);
      }
    }
  }

  get anyIsReady(): boolean {
    if (this.askComposites()) return true;
    for (let i = 0; i < this.#sources.length; i++) if (this.#isReady(i)) return true;
    return false;
  }

  /** Asks the pollables whether they are ready; returns whether one has thrown. */
  askComposites(): boolean {
    if (!this.hasComposites) return false;
    for (let i = 0; i < this.#sources.length; i++) {
      const source = this.#sources[i];
      if (!(source instanceof Composite)) continue;
      source.ask(this.#interest(i));
      if (source.failure !== null) return true;
    }
    return false;
  }

  /** Milliseconds until a pollable must be asked again even if nothing happens. */
  get left(): number {
    let left = Number.POSITIVE_INFINITY;
    for (const source of this.#sources) if (source instanceof Composite) left = Math.min(left, source.left);
    return left;
  }

  /** The sources that are ready. Throws the error of a pollable. */
  takeReady(): PollSource[] {
    if (this.hasComposites) this.#throwFailure();
    const ready: PollSource[] = [];
    for (let i = 0; i < this.#sources.length; i++) {
      if (!this.#isReady(i)) continue;
      const source = this.#sources[i] as Handle | Composite;
      source.reported(this.#interest(i));
      ready.push(source instanceof Composite ? source.object : source);
    }
    return ready;
  }

  #isReady(index: number): boolean {
    const source = this.#sources[index] as Handle | Composite;
    return source.closed || source.readyFor(this.#interest(index));
  }

  #interest(index: number): number {
    return this.#interests === null ? READABLE : (this.#interests[index] as number);
  }

  #addSource(source: PollSource): void {
    if (source instanceof Handle) {
      this.#sources.push(source);
      const words = source.cancellations;
      if (words === null) return;
      this.cancellations ??= [];
      this.cancellations.push(...words);
    } else {
      this.hasComposites = true;
      this.#sources.push(new Composite(source, null));
    }
  }

  #addEntry(entry: Interest & { handle: PollSource }): void {
    if (typeof entry !== "object" || entry === null) mustBeSource(entry);
    const { handle, bits } = interestEntry(entry);
    mustBeSource(handle);
    this.#interests ??= this.#sources.map(() => READABLE);
    this.#interests.push(bits);
    this.#addSource(handle);
  }

  #throwFailure(): void {
    for (const source of this.#sources) {
      if (source instanceof Composite && source.failure !== null) throw source.failure.error;
    }
  }
}

function anyIsReady(list: PollList): boolean {
  thisCaller().drain();
  return list.anyIsReady;
}
