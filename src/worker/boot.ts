/**
 * Starts a networking thread: sets things up and returns.
 *
 * Runs on the networking thread. A blocked thread never receives a worker's 'error' or 'exit' event, so what ends
 * this thread is written to shared memory. What can fail to load is therefore imported inside the task.
 */

import { writeFault } from "../ring/fault-text.js";
import { LIFE, LIFE_DEAD, LIFE_FAULT, LIFE_FAULT_BYTES } from "../ring/layout.js";
import type { BootData } from "../ring/protocol.js";
import { SignalWaker } from "../ring/signal.js";

/** Starts the actor. Never rejects. */
export default async function boot(data: BootData): Promise<void> {
  const words = new Int32Array(data.workerBlock);
  const die = (code: string, message: string): void => {
    if (Atomics.load(words, LIFE) === LIFE_DEAD) return; // no partner: this thread's own word; the first reason is the true one
    writeFault(words, LIFE_FAULT, LIFE_FAULT_BYTES, { code, message });
    Atomics.store(words, LIFE, LIFE_DEAD); // partner: Liveness.check
    new SignalWaker(new Int32Array(data.callerBlock)).wakeAnyway();
  };
  process.on("uncaughtExceptionMonitor", (error) => die("ERR_WORKER_DIED", textOf(error)));
  process.on("exit", (code) => die("ERR_WORKER_DIED", `it exited with code ${code}`));
  try {
    const { Actor } = await import("./actor.js");
    new Actor(data);
  } catch (error) {
    die("ERR_WORKER_START", textOf(error));
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
