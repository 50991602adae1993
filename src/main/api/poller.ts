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
import { Deadline } from "../link/deadline.js";
import { Candidates, Watcher } from "../link/watcher.js";
import { Handle } from "./handle.js";

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

  /** Watches a handle; adding it again does nothing. Throws a `TypeError` if it is none. */
  add(handle: Handle): this {
    mustBeHandle(handle);
    if (this.#watchers.has(handle)) return this;
    const watcher = new Watcher(this.#candidates);
    this.#watchers.set(handle, watcher);
    this.#handles.set(watcher, handle);
    handle.watch(watcher);
    if (handle.closed) watcher.handleClosed();
    else watcher.candidate(); // it may have been ready for long
    return this;
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
  wait(timeout = 0): Handle[] {
    const caller = this.#caller;
    if (timeout === 0) {
      caller.maybeCheckLiveness();
      this.#met(caller);
    } else {
      caller.wait(ANYTHING, new Deadline(timeout), this.#met, caller);
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
      } else if (handle.ready) {
        candidates.keep(watcher, kept++);
        ready[count++] = handle;
        handle.reported();
      } else {
        watcher.unlisted();
      }
    }
    candidates.cut(kept);
    this.#readyCount = count;
    return count > 0;
  };
}

/**
 * The handles that are ready now; waits for one as `Poller.wait` does. A closed handle is always among them.
 * It checks each handle and returns a new array: for many handles or many calls a `Poller` costs less.
 */
export function poll(handles: Iterable<Handle>, timeout = 0): Handle[] {
  const caller = thisCaller();
  const list = Array.isArray(handles) ? (handles as Handle[]) : [...handles]; // it is gone through more than once
  for (let i = 0; i < list.length; i++) mustBeHandle(list[i]);
  if (timeout === 0) {
    caller.maybeCheckLiveness();
    caller.drain();
  } else {
    caller.wait(ANYTHING, new Deadline(timeout), anyIsReady, list);
  }
  let ready: Handle[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const handle = list[i] as Handle;
    if (!handle.closed && !handle.ready) continue;
    handle.reported();
    if (ready === null) ready = [handle];
    else ready.push(handle);
  }
  return ready ?? [];
}

/** Anything else would never be ready, and waited for in vain. */
function mustBeHandle(handle: unknown): void {
  if (!(handle instanceof Handle)) throw new TypeError("handle must be a socket, a server, a UDP socket or an address");
}

function anyIsReady(handles: Handle[]): boolean {
  thisCaller().drain();
  for (const handle of handles) if (handle.closed || handle.ready) return true;
  return false;
}
