/**
 * One round of a caller's wait: announce, check again, sleep, check.
 *
 * Runs on the calling thread. It is a file of its own so that the exploration of interleavings runs it too.
 */

import type { SignalSleeper } from "../../ring/signal.js";
import type { TimeLeft } from "./deadline.js";

/** The time between two heartbeats of a waiting thread, in ms: no sleep is longer. */
export const HEARTBEAT_MS = 250;

/** How a round finds out that a networking thread has ended. */
interface Lives {
  /** Finds the threads that have reported their end. */
  checkEnds(): void;
  /** The same, and sends the heartbeats that are due. */
  checkLiveness(): void;
}

/**
 * Sleeps until there is news for `interest`, or `deadline`, or the next heartbeat is due; returns whether `met(target)` holds. It is not
 * asked again after its first yes, because a poller reports some news only once.
 */
export function sleepRound<T>(
  sleeper: SignalSleeper,
  lives: Lives,
  interest: number,
  deadline: TimeLeft,
  met: (target: T) => boolean,
  target: T,
): boolean {
  const ticket = sleeper.prepareWait(interest);
  lives.checkEnds(); // a thread that died before the announcement wakes no caller
  const found = met(target);
  if (!found) sleeper.wait(ticket, Math.min(deadline.left, HEARTBEAT_MS));
  sleeper.cancelWait();
  lives.checkLiveness();
  return found || met(target);
}
