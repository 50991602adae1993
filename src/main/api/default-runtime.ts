/**
 * The runtime behind the functions of the package root, and the flush at the end of the process.
 *
 * Runs on the calling thread.
 */

import { isMainThread, type Worker } from "node:worker_threads";
import { afterExitListeners } from "../link/exit-hook.js";
import { flush } from "../link/flush.js";
import { OtherThreads } from "../link/other-threads.js";
import type { RuntimeOptions } from "./options.js";
import { Runtime } from "./runtime.js";

/** Runtimes that may have pending bytes when the process ends. */
const runtimes = new Set<Runtime>();
let standard: Runtime | null = null;
let hooked = false;
/** Null except on the main thread, whose end ends all threads. */
let others: OtherThreads | null = null;

/** Sends what is pending when this thread ends; in the main thread, what is pending in other threads too. */
function hookExit(): void {
  if (hooked) return;
  hooked = true;
  others = isMainThread ? new OtherThreads() : null;
  afterExitListeners(() => {
    others?.finish();
    flush(runtimes, false);
    others?.awaitFinished();
  });
}

/** Worker threads may use the package even if the main thread does not. */
const LOADED = Symbol.for("ringnet.loaded");
if (isMainThread && !(LOADED in process)) {
  Object.defineProperty(process, LOADED, { value: true });
  process.on("worker", (worker: Worker) => {
    hookExit();
    others?.watch(worker);
  });
}

/**
 * A separate runtime with its own networking threads. It has the same functions as the package root, and `close()`.
 * Throws a `TypeError` or `RangeError` that names the wrong option.
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const runtime = new Runtime(options);
  hookExit();
  for (const each of runtimes) if (each.dead) runtimes.delete(each);
  runtimes.add(runtime);
  return runtime;
}

/** The runtime of the package root; a new one if the last one's networking thread has died. */
export function defaultRuntime(): Runtime {
  if (standard?.dead) {
    standard.close();
    standard = null;
  }
  standard ??= createRuntime();
  return standard;
}
