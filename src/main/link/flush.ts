/**
 * Sends pending bytes before a runtime or the process ends.
 *
 * Runs on the calling thread. At the end of the process it may still block: the networking threads run meanwhile.
 */

import {
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_RELEASED,
  REQUEST_CLOSE,
  REQUEST_RESET,
  STATE,
  WRITE_ENDED,
} from "../../ring/layout.js";
import { PEERS_END_MS } from "../../ring/protocol.js";
import { ANYTHING } from "../../ring/signal.js";
import { thisCaller } from "./caller.js";
import type { Channel } from "./channel.js";
import { Deadline } from "./deadline.js";
import type { WorkerLink } from "./worker-link.js";

/** How long to wait for networking threads to stop, in ms: they take microseconds if a core is free. */
const STOP_MS = 100;

/** A runtime's links, and how long its closed sockets may keep sending, in ms. */
export interface Flushable {
  readonly links: readonly WorkerLink[];
  readonly lingerMs: number;
}

/**
 * Closes the handles that have bytes to send or a close message (with `all`, every handle). Then blocks, for at most
 * the linger time of the runtimes, until the operating system has taken the bytes of these handles, of handles that
 * were closed before, and of detached connections. Then stops the networking threads.
 */
export function flush(runtimes: Iterable<Flushable>, all: boolean): void {
  const { links, lingerMs } = drained(runtimes);
  const channels = links.flatMap((link) => [...link.channels].filter((channel) => mustBeSent(channel, all)));
  const caller = thisCaller();
  if (channels.length > 0) {
    const peersMs = Math.min(lingerMs, PEERS_END_MS);
    caller.wait(ANYTHING, new Deadline(lingerMs), (list: Channel[]) => list.every(isSent), channels);
    caller.wait(ANYTHING, new Deadline(peersMs), (list: Channel[]) => list.every(isReleased), channels);
  }
  for (const link of links) link.liveness.stop();
  caller.wait(
    ANYTHING,
    new Deadline(STOP_MS),
    (list: WorkerLink[]) => list.every((link) => link.liveness.stopped),
    links,
  );
}

/**
 * Blocks until the operating system has taken what `write` took, for at most the linger time of the runtimes.
 * Connections that have unsent bytes then are reset: the end of the process would look like the end of their stream.
 * All else stays open, because the thread may go on.
 */
export function sendPending(runtimes: Iterable<Flushable>): void {
  const { links, lingerMs } = drained(runtimes);
  const unsent = links.flatMap((link) => [...link.channels].filter((channel) => !isTaken(channel)));
  if (unsent.length === 0) return;
  const caller = thisCaller();
  caller.wait(ANYTHING, new Deadline(lingerMs), (list: Channel[]) => list.every(isTaken), unsent);
  const late = unsent.filter((channel) => !isTaken(channel) && !channel.detached);
  for (const channel of late) channel.request(REQUEST_RESET);
  caller.wait(ANYTHING, new Deadline(STOP_MS), (list: Channel[]) => list.every(isReleased), late);
}

/** The links of living networking threads, after their queues were drained, and the longest linger time, in ms. */
function drained(runtimes: Iterable<Flushable>): { links: WorkerLink[]; lingerMs: number } {
  const links: WorkerLink[] = [];
  let lingerMs = 0;
  for (const runtime of runtimes) {
    lingerMs = Math.max(lingerMs, runtime.lingerMs);
    for (const link of runtime.links) {
      link.drain();
      if (link.death === null) links.push(link);
    }
  }
  return { links, lingerMs };
}

/** Whether the system has taken all bytes, or will take no more. */
function isTaken(channel: Channel): boolean {
  return channel.rings === null || channel.unsent <= 0 || isSent(channel) || channel.phase === PHASE_FAILED;
}

/** Whether there is something to wait for. Requests the close. */
function mustBeSent(channel: Channel, all: boolean): boolean {
  if (channel.rings === null) return false;
  if (channel.detached) return channel.unsent > 0;
  if (all || channel.unsent > 0 || channel.hasCloseMessage) channel.request(REQUEST_CLOSE);
  return channel.closing;
}

function isSent(channel: Channel): boolean {
  if (channel.link.death !== null) return true;
  if (channel.detached) return channel.unsent <= 0;
  const state = Atomics.load(channel.words, STATE); // partner: Slot.#become
  return (state & WRITE_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_RELEASED;
}

function isReleased(channel: Channel): boolean {
  if (channel.link.death !== null || channel.detached) return true;
  return (Atomics.load(channel.words, STATE) & PHASE_MASK) === PHASE_RELEASED; // partner: Slot.release
}
