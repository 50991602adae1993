/**
 * A thread that calls: its alarm clock, its links to networking threads, and the one place where it blocks.
 *
 * Runs on the calling thread.
 */

import { threadId } from "node:worker_threads";
import { CLIENT_BLOCK_BYTES } from "../ring/layout.js";
import { SignalSleeper } from "../ring/signal.js";
import type { Deadline } from "./deadline.js";
import { Spinning } from "./spinning.js";
import { WATCH_MS, type WorkerLink } from "./worker-link.js";

/** Of so many empty looks and one, the last checks whether the networking threads are alive. A power of two, less one. */
const GLANCE_MASK = 31;
const LAST_GENERATION = 2 ** 30;

export class Client {
  /** Names this client on other threads. */
  readonly name = uniqueName();
  readonly memory = new SharedArrayBuffer(CLIENT_BLOCK_BYTES);
  /** The networking threads that this thread talks to. */
  links: WorkerLink[] = [];
  readonly spinning = new Spinning();
  readonly #sleeper = new SignalSleeper(new Int32Array(this.memory));
  #generation = 0;
  #looks = 0;
  #watched = performance.now();

  /** A generation that no open handle has; `taken` says which are. */
  nextGeneration(taken: (generation: number) => boolean): number {
    do this.#generation = this.#generation < LAST_GENERATION ? this.#generation + 1 : 1;
    while (taken(this.#generation));
    return this.#generation;
  }

  /**
   * Blocks until `met(target)` or the time is up; returns the last answer of `met`. `interest` is the generation of the
   * handle that news is awaited of, or ANYTHING.
   */
  wait<T>(interest: number, deadline: Deadline, met: (target: T) => boolean, target: T): boolean {
    if (met(target)) return true;
    const begin = performance.now();
    const spun = this.spinning.spin(met, target, deadline.left);
    const found = spun || this.#sleep(interest, deadline, met, target);
    this.spinning.waited(performance.now() - begin);
    return found;
  }

  #sleep<T>(interest: number, deadline: Deadline, met: (target: T) => boolean, target: T): boolean {
    for (;;) {
      const left = deadline.left;
      if (left <= 0) {
        this.look();
        return met(target);
      }
      const ticket = this.#sleeper.announce(interest);
      for (const link of this.links) link.glance(); // one that died before the announcement does not wake anybody
      if (!met(target)) this.#sleeper.sleep(ticket, Math.min(left, WATCH_MS));
      this.#sleeper.rise();
      this.#watch();
      if (met(target)) return true;
    }
  }

  /** Looks at everything that the networking threads have queued. */
  drain(): void {
    for (const link of this.links) link.drain();
  }

  /** Called where a program that never blocks finds nothing: now and then sees to it that a dead thread is noticed. */
  look(): void {
    if ((++this.#looks & GLANCE_MASK) === 0) this.#watch();
  }

  #watch(): void {
    for (const link of this.links) link.glance();
    const now = performance.now();
    if (now - this.#watched < WATCH_MS) return;
    this.#watched = now;
    for (const link of this.links) link.watch();
  }
}

let names = 0;

/** A name that nobody else in this process has. */
export function uniqueName(): string {
  return `${process.pid}.${threadId}.${++names}`;
}

let client: Client | null = null;

/** The calling thread's client: one, because a thread can block on one word only. */
export function thisClient(): Client {
  client ??= new Client();
  return client;
}
