/**
 * `poll`: waiting for one of a list.
 *
 * Runs on the calling thread.
 */

import { ANYTHING } from "../../ring/signal.js";
import { thisCaller } from "../link/caller.js";
import { Deadline, type TimeLeft, type Timeout } from "../link/deadline.js";
import { Composite } from "./composite.js";
import { Handle } from "./handle.js";
import { type Interest, interestEntry, READABLE } from "./interest.js";
import { isPollable, type PollSource } from "./pollable.js";

/** An entry of `poll`: a handle or pollable, or one with what is of interest; `{ readable: true }` where nothing is named. */
export type PollEntry<T extends PollSource = Handle> = T | (Interest & { handle: T });

/**
 * The handles that are ready now; waits for one as `Poller.wait` does. A closed handle is always among them.
 * It checks each handle and returns a new array: for many handles or many calls a `Poller` costs less.
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
    if (list.hasComposites) waitWithTimers(deadline, list, anyIsReady, list);
    else caller.wait(ANYTHING, deadline, anyIsReady, list);
  }
  return list.takeReady() as T[];
}

/** Waits as `Caller.wait`, and checks `met` again whenever the time of `timers` is up; until `deadline` is over. */
export function waitWithTimers<T>(deadline: Deadline, timers: TimeLeft, met: (target: T) => boolean, target: T): void {
  const time = {
    get left(): number {
      return Math.min(deadline.left, timers.left);
    },
  };
  while (!thisCaller().wait(ANYTHING, time, met, target) && !deadline.expired);
}

/** Anything else would never be ready. */
export function mustBeSource(handle: unknown): asserts handle is PollSource {
  if (handle instanceof Handle || isPollable(handle)) return;
  throw new TypeError("handle must be a socket, a server, a UDP socket, an address, or have a method [pollable]");
}

/** The entries of one `poll`, which are gone through more than once. */
class PollList {
  readonly #sources: (Handle | Composite)[] = [];
  /** The interests of the sources; null where all are READABLE. */
  #interests: number[] | null = null;
  hasComposites = false;

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

  /** Ms until a pollable has to be asked again although nothing has happened. */
  get left(): number {
    let left = Number.POSITIVE_INFINITY;
    for (const source of this.#sources) if (source instanceof Composite) left = Math.min(left, source.left);
    return left;
  }

  /** What is ready. Throws what a pollable has thrown. */
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
    if (source instanceof Handle) this.#sources.push(source);
    else {
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
