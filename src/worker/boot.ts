/**
 * Starts a networking thread.
 *
 * Runs on the networking thread. A blocked thread never receives a worker's 'error' or 'exit' event, so the reason why
 * this thread ends is written to shared memory. That is why modules that may fail to load are imported inside the
 * `try`.
 */

import { writeFault } from "../ring/fault-text.js";
import { LIFE, LIFE_DEAD, LIFE_FAULT, LIFE_FAULT_BYTES, LIFE_FAULT_TEXT } from "../ring/layout.js";
import type { BootData } from "../ring/protocol.js";
import { SignalWaker } from "../ring/signal.js";

/** Starts the actor. Never rejects. */
export default async function boot(data: BootData): Promise<void> {
  const words = new Int32Array(data.workerBlock);
  const die = (code: string, message: string): void => {
    // Only the first reason counts.
    if (Atomics.load(words, LIFE) === LIFE_DEAD) return; // no partner: this thread's own word
    writeFault(words, LIFE_FAULT, LIFE_FAULT_TEXT, LIFE_FAULT_BYTES, { code, message });
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
