/**
 * Pools of threads that may block. The only file that uses Piscina directly.
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

/** The names of `ThreadLimits`. */
export const LIMITS: readonly (keyof ThreadLimits)[] = [
  "maxOldGenerationSizeMb",
  "maxYoungGenerationSizeMb",
  "stackSizeMb",
];

/** Throws a `TypeError` for the first property that is not one of `names`. */
export function mustBeKnown(what: string, options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`unknown option ${what}${unknown.slice(0, 80)}; expected one of ${names.join(", ")}`);
}

/** The path of a file from which threads are started. This code is one folder below these files. */
export const fileOfPackage = (name: string): string => join(__dirname, "..", name);

/** A pool of `least` to `most` threads; the ones beyond `least` end after `idleMs` without a task. */
export function blockingThreads(least: number, most: number, idleMs: number, limits: ThreadLimits): Piscina {
  return new Piscina({
    filename: fileOfPackage("pool-task.cjs"),
    minThreads: least,
    maxThreads: most,
    concurrentTasksPerWorker: 1,
    idleTimeout: idleMs,
    // Between tasks a thread's event loop must run, for what a handler has left behind and for Node's own messages.
    atomics: "disabled",
    resourceLimits: limits,
    recordTiming: false,
  });
}
