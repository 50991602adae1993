/**
 * Sends the pending bytes of all handles before another thread ends the process or terminates their thread, which then
 * can no longer run.
 *
 * Runs on the networking thread.
 */

import { PHASE_RELEASED } from "../ring/layout.js";
import { PEERS_END_MS } from "../ring/protocol.js";
import type { CallerLink, Handle } from "./caller-link.js";

/** The interval between checks, in ms. */
const CHECK_MS = 5;

/** What the handles still do. */
interface Progress {
  /** Some have bytes to send. */
  sending: boolean;
  /** Some are closed, and their peers have not ended. */
  closing: boolean;
}

/**
 * Closes every handle with unsent bytes, also if they are written meanwhile. Calls `done` once everything is sent and
 * the peers have ended too, or after `lingerMs`.
 */
export function finishSending(links: () => readonly CallerLink[], lingerMs: number, done: () => void): void {
  const closeAll = (): Progress => {
    const progress = { sending: false, closing: false };
    for (const { slot } of handlesOf(links)) {
      if (slot.unsent > 0 && !slot.closing) slot.close();
      if (!slot.closing || slot.phase === PHASE_RELEASED) continue;
      progress.closing = true;
      progress.sending ||= !slot.writeEnded;
    }
    return progress;
  };
  whenSent(closeAll, lingerMs, done);
}

/**
 * Calls `done` once the bytes of all handles are sent and closed connections have ended, or after `lingerMs`:
 * connections with unsent bytes are reset then. Open handles stay open.
 */
export function drainSending(links: () => readonly CallerLink[], lingerMs: number, done: () => void): void {
  const unsent = (): Handle[] => handlesOf(links).filter(({ slot }) => slot.unsent > 0);
  const progress = (): Progress => ({
    sending: unsent().length > 0,
    closing: handlesOf(links).some(({ slot }) => slot.closing),
  });
  whenSent(progress, lingerMs, () => {
    for (const handle of unsent()) handle.shutdown?.();
    done();
  });
}

function handlesOf(links: () => readonly CallerLink[]): Handle[] {
  return links().flatMap((link) => [...link.handles.values()]);
}

/** Calls `done` once nothing is sending and the peers have ended, or have had the time for it, or after `lingerMs`. */
function whenSent(progress: () => Progress, lingerMs: number, done: () => void): void {
  const begin = performance.now();
  let sent = begin;
  const check = (): void => {
    const { sending, closing } = progress();
    const time = performance.now();
    if (sending) sent = time;
    if ((sending || (closing && time - sent < PEERS_END_MS)) && time - begin < lingerMs) return;
    clearInterval(timer);
    done();
  };
  const timer = setInterval(check, CHECK_MS);
  setImmediate(check);
}
