/**
 * Sends what was written before a runtime or the process ends.
 *
 * Runs on the calling thread: `process.on("exit")` handlers may block, and the networking threads go on meanwhile.
 */

import { PHASE_MASK, PHASE_RELEASED, REQUEST_CLOSE, STATE, WRITE_ENDED } from "../ring/layout.js";
import { ANYTHING } from "../ring/signal.js";
import type { Channel } from "./channel.js";
import { thisClient } from "./client.js";
import { Deadline } from "./deadline.js";
import type { Runtime } from "./runtime.js";

/**
 * After everything was sent, peers get this long to end too, in ms: an answer that meets a closed socket makes a reset.
 */
const PEERS_END_MS = 200;

/**
 * Closes the handles with bytes to send (with `all`, every handle), and blocks until the operating system has taken the
 * bytes of these and of those that were closed before, for at most the linger time of the runtimes.
 */
export function flush(runtimes: Iterable<Runtime>, all: boolean): void {
  const channels: Channel[] = [];
  let lingerMs = 0;
  for (const runtime of runtimes) {
    lingerMs = Math.max(lingerMs, runtime.lingerMs);
    for (const link of runtime.links) {
      link.drain();
      if (link.death !== null) continue;
      for (const channel of link.channels) {
        if (channel.rings === null) continue;
        if (all || channel.rings.send.pending > 0) channel.request(REQUEST_CLOSE);
        else if (!channel.closing) continue;
        channels.push(channel);
      }
    }
  }
  if (channels.length === 0) return;
  const client = thisClient();
  client.wait(ANYTHING, new Deadline(lingerMs), (list: Channel[]) => list.every(isSent), channels);
  client.wait(
    ANYTHING,
    new Deadline(Math.min(lingerMs, PEERS_END_MS)),
    (list: Channel[]) => list.every(isReleased),
    channels,
  );
}

function isSent(channel: Channel): boolean {
  if (channel.link.death !== null) return true;
  const state = Atomics.load(channel.words, STATE); // partner: Slot.endWriting
  return (state & WRITE_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_RELEASED;
}

function isReleased(channel: Channel): boolean {
  if (channel.link.death !== null) return true;
  return (Atomics.load(channel.words, STATE) & PHASE_MASK) === PHASE_RELEASED; // partner: Slot.release
}
