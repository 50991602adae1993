/**
 * The runtime behind the functions of the package root, and the flush at the end of the process.
 *
 * Runs on the calling thread.
 */

import { afterExitListeners } from "../link/exit-hook.js";
import { flush } from "../link/flush.js";
import type { RuntimeOptions } from "./options.js";
import { Runtime } from "./runtime.js";

/** Runtimes that may have something to send when the process ends. */
const runtimes = new Set<Runtime>();
let standard: Runtime | null = null;
let hooked = false;

/**
 * A separate runtime with its own threads, and the same functions as the package root and `close()`.
 * Throws a `TypeError` or `RangeError` that names the option that is wrong.
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const runtime = new Runtime(options);
  if (!hooked) {
    hooked = true;
    afterExitListeners(() => flush(runtimes, false));
  }
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
