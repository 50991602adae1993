/**
 * Sends the pending bytes of all handles before another thread ends the process or terminates their thread, which then
 * can no longer run.
 *
 * Runs on the networking thread.
 */

import { PHASE_RELEASED } from "../ring/layout.js";
import { PEERS_END_MS } from "../ring/protocol.js";
import type { CallerLink } from "./caller-link.js";

/** The interval between checks, in ms. */
const CHECK_MS = 5;

/**
 * Closes every handle with unsent bytes, also if they are written meanwhile. Calls `done` once everything is sent and
 * the peers have ended too, or after `lingerMs`.
 */
export function finishSending(links: () => readonly CallerLink[], lingerMs: number, done: () => void): void {
  const begin = performance.now();
  let sent = begin;
  const check = (): void => {
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
  const timer = setInterval(check, CHECK_MS);
  setImmediate(check);
}

/**
 * Calls `done` once the bytes of all handles are sent and closed connections have ended, or after `lingerMs`:
 * connections with unsent bytes are reset then. Open handles stay open.
 */
export function drainSending(links: () => readonly CallerLink[], lingerMs: number, done: () => void): void {
  const begin = performance.now();
  let sent = begin;
  const check = (): void => {
    const handles = links().flatMap((link) => [...link.handles.values()]);
    const unsent = handles.filter(({ slot }) => slot.unsent > 0);
    const time = performance.now();
    if (unsent.length > 0) sent = time;
    const waits = unsent.length > 0 || (time - sent < PEERS_END_MS && handles.some(({ slot }) => slot.closing));
    if (waits && time - begin < lingerMs) return;
    clearInterval(timer);
    for (const handle of unsent) handle.shutdown?.();
    done();
  };
  const timer = setInterval(check, CHECK_MS);
  setImmediate(check);
}
