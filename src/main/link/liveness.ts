/**
 * Finds out whether a networking thread is alive, and stops it.
 *
 * Runs on the calling thread. A thread that ends with an error writes that into its LIFE word. One that is killed
 * writes nothing; it is found by heartbeats: the caller increments PING, the thread copies it to PONG.
 */

import { type Fault, readFault } from "../../ring/fault-text.js";
import {
  LIFE,
  LIFE_DEAD,
  LIFE_FAULT,
  LIFE_FAULT_TEXT,
  LIFE_RUNNING,
  LIFE_STARTING,
  LIFE_STOPPED,
  PING,
  PONG,
  STOP,
} from "../../ring/layout.js";
import type { DoorbellRinger } from "../../ring/signal.js";
import { RUNTIME_CLOSED } from "../api/net-error.js";
import { readableStack } from "./thread-stack.js";

/**
 * Heartbeats in a row that may stay unanswered. Counted, not timed, so that no thread counts as dead after the machine
 * was suspended.
 */
const SILENT_HEARTBEATS = 20;
/** The same while the thread starts. */
const STARTING_HEARTBEATS = 60;

export class Liveness {
  /** Why the networking thread has ended, or null while it runs. */
  death: Fault | null = null;
  readonly #worker: Int32Array;
  readonly #doorbell: DoorbellRinger;
  readonly #link: { died(): void };
  #silent = 0;
  #pong = 0;

  /** `link.died` is called once, when the thread is found to have ended. */
  constructor(worker: Int32Array, doorbell: DoorbellRinger, link: { died(): void }) {
    this.#worker = worker;
    this.#doorbell = doorbell;
    this.#link = link;
  }

  /** Checks the LIFE word: whether the networking thread has died or stopped. */
  check(): void {
    if (this.death !== null) return;
    const life = Atomics.load(this.#worker, LIFE); // partner: boot, Actor.#stop
    if (life === LIFE_DEAD) this.die(this.#lastWords());
    else if (life === LIFE_STOPPED) this.die(RUNTIME_CLOSED);
  }

  /** Requests the networking thread to stop all work, so that it can be terminated safely. */
  stop(): void {
    Atomics.store(this.#worker, STOP, 1); // partner: Actor.#drain
    this.#doorbell.ring();
  }

  /** Whether the networking thread has stopped all work, or is still starting. */
  get stopped(): boolean {
    return this.death !== null || Atomics.load(this.#worker, LIFE) !== LIFE_RUNNING; // partner: Actor.#stop
  }

  /** Whether the networking thread is still starting. */
  get starting(): boolean {
    return this.death === null && Atomics.load(this.#worker, LIFE) === LIFE_STARTING; // partner: Actor.constructor
  }

  /**
   * Sends a heartbeat and checks the answer to the last one; after many without an answer the thread counts as dead.
   */
  heartbeat(): void {
    this.check();
    if (this.death !== null) return;
    const pong = Atomics.load(this.#worker, PONG); // partner: Actor.#drain
    if (pong === Atomics.load(this.#worker, PING)) Atomics.add(this.#worker, PING, 1); // partner: Actor.#drain
    if (pong !== this.#pong) {
      // It has answered since the last time, perhaps another caller's heartbeat.
      this.#pong = pong;
      this.#silent = 0;
    } else {
      this.#silent++;
      const starting = Atomics.load(this.#worker, LIFE) === LIFE_STARTING; // partner: Actor.constructor
      if (this.#silent > (starting ? STARTING_HEARTBEATS : SILENT_HEARTBEATS)) {
        const what = starting ? "did not start" : "does not answer any more";
        this.die({
          code: starting ? "ERR_WORKER_START" : "ERR_WORKER_DIED",
          message: `the networking thread ${what}`,
        });
        return;
      }
    }
    this.#doorbell.ring();
  }

  /** From now on all handles of this link have failed, with `fault` as the reason. Only the first reason counts. */
  die(fault: Fault): void {
    if (this.death !== null) return;
    this.death = fault;
    this.#link.died();
  }

  #lastWords(): Fault {
    const fault = readFault(this.#worker, LIFE_FAULT, LIFE_FAULT_TEXT);
    if (fault === null) return { code: "ERR_WORKER_DIED", message: "the networking thread died" };
    const what = fault.code === "ERR_WORKER_START" ? "could not start" : "died";
    return { code: fault.code, message: `the networking thread ${what}: ${readableStack(fault.message)}` };
  }
}
