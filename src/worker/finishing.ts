/**
 * Sends what all handles have before the main thread ends the process: the thread that has them can't.
 *
 * Runs on the networking thread.
 */

import { PHASE_RELEASED } from "../ring/layout.js";
import type { CallerLink } from "./caller-link.js";

/** How often it looks how far it has got, in ms. */
const LOOK_MS = 5;
/** How long peers get to end too, in ms, after everything was sent: an answer that meets a closed socket makes a reset. */
const PEERS_END_MS = 200;

/**
 * Closes the handles that have bytes to send, also those that get some meanwhile, and calls `done` when all is sent and the peers have
 * ended too, or `lingerMs` are over.
 */
export function finishSending(links: () => readonly CallerLink[], lingerMs: number, done: () => void): void {
  const begin = performance.now();
  let sent = begin;
  const look = (): void => {
    let sending = false;
    let closing = false;
    for (const { handles } of links()) {
      for (const { slot } of [...handles.values()]) {
        if (slot.unsent > 0 && !slot.closing) slot.close();
        if (!slot.closing || slot.phase === PHASE_RELEASED) continue;
        closing = true;
        sending ||= !slot.writeEnded;
      }
    }
    const time = performance.now();
    if (sending) sent = time;
    if (!closing || time - begin >= lingerMs || time - sent >= PEERS_END_MS) {
      clearInterval(timer);
      done();
    }
  };
  const timer = setInterval(look, LOOK_MS);
  setImmediate(look);
}
