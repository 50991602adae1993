/**
 * The runtime behind the functions of the package root, and the flush at the end of the process.
 *
 * Runs on the calling thread.
 */

import { isMainThread, Worker } from "node:worker_threads";
import { afterExitListeners, beforeUncaughtError, HOOK_AT_LOAD } from "../link/exit-hook.js";
import { flush, sendPending } from "../link/flush.js";
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
  beforeUncaughtError(() => sendPending(runtimes));
}
if (HOOK_AT_LOAD) hookExit();

/** Worker threads may use the package even if the main thread does not. */
const LOADED = Symbol.for("ringnet.loaded");
if (isMainThread && !(LOADED in process)) {
  Object.defineProperty(process, LOADED, { value: true });
  process.on("worker", (worker: Worker) => {
    hookExit();
    others?.watch(worker);
  });
}

/** For `terminate`, which any thread may call. The end of a worker thread does not end other threads. */
let seen: OtherThreads | null = null;

/**
 * Ends a worker thread as `worker.terminate()` does, after its sockets have sent what `write` took, for at most the
 * linger time of its runtimes; connections that have unsent bytes then are reset. Resolves to the exit code. (After
 * `worker.terminate()` alone such bytes are lost, and the peer sees a clean end.) Threads that the worker thread itself
 * has started are ended without this. Throws a `TypeError` if `worker` is not a `Worker`.
 */
export async function terminate(worker: Worker): Promise<number> {
  if (!(worker instanceof Worker)) throw new TypeError("worker must be a Worker of node:worker_threads");
  const { threadId } = worker;
  if (threadId >= 0) {
    // The thread may fail in its last moment, for example because a connection was reset.
    worker.on("error", () => {});
    seen ??= others ?? new OtherThreads();
    await seen.drain(threadId);
  }
  return worker.terminate();
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
