/**
 * Waiting for many handles at once.
 *
 * Runs on the calling thread. Each watched handle has a `Watcher`; when the networking thread queues the handle's slot,
 * its watchers become candidates of their pollers. A poller checks its candidates only, so a wait costs what is
 * ready, not what is watched. Ready handles stay listed (level-triggered); the others are dropped
 * until it is queued again: that loses nothing, because the slot's flag is lowered before the handle is checked (see
 * `SlotQueueConsumer`).
 */

import { ANYTHING } from "../../ring/signal.js";
import { type Caller, thisCaller } from "../link/caller.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import { Candidates, Watcher } from "../link/watcher.js";
import { Handle } from "./handle.js";
import { type Interest, interestBits, interestEntry, READABLE } from "./interest.js";

/** A set of handles to wait for. Adding, removing and closing handles is allowed at any time. */
export class Poller {
  readonly #caller = thisCaller();
  readonly #watchers = new Map<Handle, Watcher>();
  readonly #handles = new Map<Watcher, Handle>();
  readonly #candidates = new Candidates();
  readonly #ready: Handle[] = [];
  #readyCount = 0;
  /** What is returned when nothing is ready; `#ready` keeps its memory meanwhile. */
  readonly #none: Handle[] = [];

  /** Handles that are watched. */
  get size(): number {
    return this.#watchers.size;
  }

  /**
   * Watches a handle for `interest`, `{ readable: true }` unless given; adding it again does nothing (see `modify`). Throws a `TypeError`
   * if it is none, or the interest has unknown names.
   */
  add(handle: Handle, interest?: Interest): this {
    mustBeHandle(handle);
    const bits = interestBits("interest", interest);
    if (this.#watchers.has(handle)) return this;
    const watcher = new Watcher(this.#candidates, bits);
    this.#watchers.set(handle, watcher);
    this.#handles.set(watcher, handle);
    handle.watch(watcher);
    if (handle.closed) watcher.handleClosed();
    else watcher.candidate(); // it may have been ready for long
    return this;
  }

  /**
   * Watches a handle for something else from now on; returns whether it is watched. What is not named is not of interest: `{}` keeps it
   * watched for its closing only. Throws as `add`.
   */
  modify(handle: Handle, interest: Interest): boolean {
    if (interest === undefined) throw new TypeError("interest must be an object");
    const bits = interestBits("interest", interest);
    const watcher = this.#watchers.get(handle);
    if (watcher === undefined) return false;
    if (watcher.interest === bits) return true;
    watcher.interest = bits;
    watcher.candidate(); // what it is watched for now may have been so for long
    return true;
  }

  /** Watches a handle no more; returns whether it was watched. */
  delete(handle: Handle): boolean {
    const watcher = this.#watchers.get(handle);
    if (watcher === undefined) return false;
    this.#watchers.delete(handle);
    this.#handles.delete(watcher);
    handle.unwatch(watcher);
    return true;
  }

  /** Whether a handle is watched. */
  has(handle: Handle): boolean {
    return this.#watchers.has(handle);
  }

  /**
   * The watched handles that have something to do now; blocks until one has, or `timeout` ms are over (0: polls once; -1: no limit),
   * and then the list is empty. A closed handle is reported once and not watched any more.
   * The array belongs to the poller, which uses it again at the next `wait`: nothing is allocated.
   */
  wait(timeout: Timeout = 0): Handle[] {
    const caller = this.#caller;
    if (timeout === 0) {
      caller.maybeCheckLiveness();
      this.#met(caller);
    } else {
      caller.wait(ANYTHING, Deadline.of(timeout), this.#met, caller);
    }
    const ready = this.#readyCount > 0 ? this.#ready : this.#none;
    ready.length = this.#readyCount;
    return ready;
  }

  readonly #met = (caller: Caller): boolean => {
    caller.drain();
    const ready = this.#ready;
    const candidates = this.#candidates;
    let count = 0;
    let kept = 0;
    for (let i = 0; i < candidates.count; i++) {
      const watcher = candidates.at(i);
      const handle = this.#handles.get(watcher);
      if (handle === undefined) {
        watcher.unlisted(); // deleted since
      } else if (watcher.closed) {
        watcher.unlisted();
        this.delete(handle);
        ready[count++] = handle;
      } else if (handle.readyFor(watcher.interest)) {
        candidates.keep(watcher, kept++);
        ready[count++] = handle;
        handle.reported(watcher.interest);
      } else {
        watcher.unlisted();
      }
    }
    candidates.cut(kept);
    this.#readyCount = count;
    return count > 0;
  };
}

/** An entry of `poll`: a handle, or a handle with what is of interest; `{ readable: true }` where nothing is named. */
export type PollEntry = Handle | (Interest & { handle: Handle });

/**
 * The handles that are ready now; waits for one as `Poller.wait` does. A closed handle is always among them.
 * It checks each handle and returns a new array: for many handles or many calls a `Poller` costs less.
 */
export function poll(handles: Iterable<PollEntry>, timeout: Timeout = 0): Handle[] {
  const caller = thisCaller();
  const list = new PollList(handles);
  if (timeout === 0) {
    caller.maybeCheckLiveness();
    caller.drain();
  } else {
    caller.wait(ANYTHING, Deadline.of(timeout), anyIsReady, list);
  }
  return list.takeReady();
}

/** The entries of one `poll`, which are gone through more than once. */
class PollList {
  readonly #handles: Handle[] = [];
  /** The interests of the handles; null where all are READABLE. */
  #interests: number[] | null = null;

  constructor(entries: Iterable<PollEntry>) {
    for (const entry of entries) {
      if (entry instanceof Handle) this.#interests?.push(READABLE);
      else this.#addEntry(entry);
      this.#handles.push(entry instanceof Handle ? entry : entry.handle);
    }
  }

  get anyIsReady(): boolean {
    for (let i = 0; i < this.#handles.length; i++) if (this.#isReady(i)) return true;
    return false;
  }

  takeReady(): Handle[] {
    const ready: Handle[] = [];
    for (let i = 0; i < this.#handles.length; i++) {
      if (!this.#isReady(i)) continue;
      const handle = this.#handles[i] as Handle;
      handle.reported(this.#interest(i));
      ready.push(handle);
    }
    return ready;
  }

  #isReady(index: number): boolean {
    const handle = this.#handles[index] as Handle;
    return handle.closed || handle.readyFor(this.#interest(index));
  }

  #interest(index: number): number {
    return this.#interests === null ? READABLE : (this.#interests[index] as number);
  }

  #addEntry(entry: Interest & { handle: Handle }): void {
    if (typeof entry !== "object" || entry === null) mustBeHandle(entry);
    const { handle, bits } = interestEntry(entry);
    mustBeHandle(handle);
    this.#interests ??= this.#handles.map(() => READABLE);
    this.#interests.push(bits);
  }
}

/** Anything else would never be ready. */
function mustBeHandle(handle: unknown): void {
  if (!(handle instanceof Handle)) throw new TypeError("handle must be a socket, a server, a UDP socket or an address");
}

function anyIsReady(list: PollList): boolean {
  thisCaller().drain();
  return list.anyIsReady;
}
