/**
 * A calling thread: its signal, its links to networking threads, and the one place where it blocks.
 *
 * Runs on the calling thread.
 */

import { threadId } from "node:worker_threads";
import { CALLER_BLOCK_BYTES } from "../../ring/layout.js";
import { SignalSleeper } from "../../ring/signal.js";
import { now } from "./clock.js";
import type { TimeLeft } from "./deadline.js";
import { debug, debugging } from "./debug.js";
import { publishEnds } from "./diagnostics.js";
import { HEARTBEAT_MS, sleepRound } from "./sleep-round.js";
import { Spinning } from "./spinning.js";
import type { WorkerLink } from "./worker-link.js";

/**
 * Of this many calls plus one that find nothing, the last checks whether the networking threads are alive. A power of
 * two, less one.
 */
const CHECK_MASK = 31;
const LAST_HANDLE_ID = 2 ** 30;

export class Caller {
  /** Names this caller on other threads. */
  readonly name = uniqueName();
  readonly memory = new SharedArrayBuffer(CALLER_BLOCK_BYTES);
  /** The networking threads that this thread talks to. */
  links: WorkerLink[] = [];
  readonly spinning = new Spinning();
  readonly #sleeper = new SignalSleeper(new Int32Array(this.memory));
  #handleId = 0;
  #emptyCalls = 0;
  #lastHeartbeat = now();

  /** A handle id that no open handle has; `taken` returns whether one has it. */
  nextHandleId(taken: (handleId: number) => boolean): number {
    do this.#handleId = this.#handleId < LAST_HANDLE_ID ? this.#handleId + 1 : 1;
    while (taken(this.#handleId));
    return this.#handleId;
  }

  /**
   * Blocks until `met(target)` or the time is up; returns the last answer of `met`. `interest` is the id of the
   * handle whose news to wait for, or ANYTHING.
   */
  wait<T>(interest: number, deadline: TimeLeft, met: (target: T) => boolean, target: T): boolean {
    if (met(target)) return true;
    const begin = now();
    const spun = this.spinning.spin(met, target, deadline.left);
    const found = spun || this.#sleep(interest, deadline, met, target);
    const took = now() - begin;
    this.spinning.waited(took);
    if (debugging) debug("waited", { handle: interest, ms: took.toFixed(3), met: found });
    publishEnds();
    return found;
  }

  #sleep<T>(interest: number, deadline: TimeLeft, met: (target: T) => boolean, target: T): boolean {
    while (deadline.left > 0) {
      if (sleepRound(this.#sleeper, this, interest, deadline, met, target)) return true;
    }
    this.maybeCheckLiveness();
    return met(target);
  }

  /** Handles everything that the networking threads have queued. */
  drain(): void {
    for (const link of this.links) link.drain();
    publishEnds();
  }

  /** Called when a call that does not block finds nothing: checks now and then whether a networking thread has died. */
  maybeCheckLiveness(): void {
    publishEnds();
    if ((++this.#emptyCalls & CHECK_MASK) === 0) this.checkLiveness();
  }

  /** Finds the networking threads that have reported their end. */
  checkEnds(): void {
    for (const link of this.links) link.liveness.check();
  }

  /** The same, and sends heartbeats if the last were HEARTBEAT_MS ago. */
  checkLiveness(): void {
    this.checkEnds();
    const time = now();
    if (time - this.#lastHeartbeat < HEARTBEAT_MS) return;
    this.#lastHeartbeat = time;
    for (const link of this.links) link.heartbeat();
  }
}

let names = 0;

/** A name that is unique in this process. */
export function uniqueName(): string {
  return `${process.pid}.${threadId}.${++names}`;
}

let caller: Caller | null = null;

/** The calling thread's caller: one, because a thread can block on one word only. */
export function thisCaller(): Caller {
  caller ??= new Caller();
  return caller;
}
