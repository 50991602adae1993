/**
 * Pools of threads that may block, by Piscina. The only file that knows it.
 *
 * Runs on the calling thread, whose event loop must run.
 */

import { join } from "node:path";
import { Piscina } from "piscina";

/** Memory limits of each thread; see Node's `resourceLimits`. */
export interface ThreadLimits {
  maxOldGenerationSizeMb?: number;
  maxYoungGenerationSizeMb?: number;
  stackSizeMb?: number;
}

/** Files of the package that threads start with; this code is one folder below them. */
export const fileOfPackage = (name: string): string => join(__dirname, "..", name);

/** Between `least` and `most` threads; those beyond `least` end after `idleMs` without a task. */
export function blockingThreads(least: number, most: number, idleMs: number, limits: ThreadLimits): Piscina {
  return new Piscina({
    filename: fileOfPackage("pool-task.cjs"),
    minThreads: least,
    maxThreads: most,
    concurrentTasksPerWorker: 1,
    idleTimeout: idleMs,
    // Between tasks a thread's event loop turns: what a handler has left behind, and Node's own messages, need it.
    atomics: "disabled",
    resourceLimits: limits,
    recordTiming: false,
  });
}
