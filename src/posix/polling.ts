/**
 * poll and select.
 *
 * Runs on the calling thread.
 */

import { type PollEntry, poll as pollHandles } from "../main/index.js";
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from "./constants.js";
import type { Pollable } from "./posix-socket.js";
import { TimeLeft } from "./time-left.js";

/** The interval, in ms, for checking sources that can't be waited for. */
const CHECK_MS = 5;

/** An entry of `poll`. */
export interface Polled {
  readonly source: Pollable;
  readonly events: number;
  /** Set by `poll`: the events that are true, and POLLERR, POLLHUP and POLLNVAL. */
  found: number;
}

/** Blocks until one of `list` has an event, or for `timeout` ms (negative: no limit); returns how many have. */
export function poll(list: readonly Polled[], timeout: number): number {
  const time = new TimeLeft(timeout);
  for (;;) {
    let count = 0;
    for (const polled of list) {
      polled.found = polled.source.readiness() & (polled.events | POLLERR | POLLHUP | POLLNVAL);
      if (polled.found !== 0) count++;
    }
    const left = time.ms;
    if (count > 0 || left === 0) return count;
    wait(list, left);
  }
}

function wait(list: readonly Polled[], left: number): void {
  const entries: PollEntry[] = [];
  let checked = false;
  for (const { source, events } of list) {
    const entry = source.pollEntry(events);
    if (entry === null) checked = true;
    else if (entry !== "nothing") entries.push(entry);
  }
  const time = checked ? Math.min(left, CHECK_MS) : left;
  pollHandles(entries, time);
}

/** An entry of `select`: which of its three sets contain the source, and afterwards in which it is ready. */
export interface Selected {
  readonly source: Pollable;
  readonly read: boolean;
  readonly write: boolean;
  readonly except: boolean;
  readable: boolean;
  writable: boolean;
  exceptional: boolean;
}

const READ_BITS = POLLIN | POLLRDNORM | POLLHUP | POLLERR;
const WRITE_BITS = POLLOUT | POLLWRNORM | POLLERR;

/** As `poll`; returns the number of set members that are ready. */
export function select(list: readonly Selected[], timeout: number): number {
  const time = new TimeLeft(timeout);
  const polled = list.map(({ source, read, write, except }) => ({
    source,
    events: (read ? POLLIN | POLLRDNORM : 0) | (write ? POLLOUT | POLLWRNORM : 0) | (except ? POLLPRI : 0),
    found: 0,
  }));
  for (;;) {
    poll(polled, time.ms);
    let count = 0;
    list.forEach((selected, i) => {
      const { found } = polled[i] as Polled;
      selected.readable = selected.read && (found & READ_BITS) !== 0;
      selected.writable = selected.write && (found & WRITE_BITS) !== 0;
      selected.exceptional = selected.except && (found & POLLPRI) !== 0;
      count += Number(selected.readable) + Number(selected.writable) + Number(selected.exceptional);
    });
    // POLLHUP on a source that is only in the write set is an event for `poll`, but not for `select`.
    if (count > 0 || time.ms === 0) return count;
    pollHandles([], Math.min(CHECK_MS, time.ms));
  }
}
