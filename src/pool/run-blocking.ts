/**
 * One blocking task beside an async program.
 *
 * Runs on the calling thread, whose event loop must run.
 */

import { availableParallelism } from "node:os";
import type { Piscina } from "piscina";
import { errorOf } from "./fault.js";
import { fileToRun } from "./handler-file.js";
import type { Outcome } from "./task.js";
import { blockingThreads, mustBeKnown } from "./threads.js";

/** Options of `runBlocking`. */
export interface RunBlockingOptions {
  /** Cancels the task: terminates its thread, and rejects the promise with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** How long an idle thread is kept, in ms. */
const IDLE_MS = 10_000;

let threads: Piscina | null = null;

/**
 * Calls the default export of `file` with `data`, in a thread where it may block; resolves to its result. `file` is a
 * URL or path; `data` and the result are cloned. As many run at a time as there are cores; others wait. Rejects with
 * the error that the function throws (a `NetError` stays one), with Piscina's error if the thread dies, and if there is
 * no such file.
 */
export async function runBlocking<Result = unknown>(
  file: URL | string,
  data?: unknown,
  options: RunBlockingOptions = {},
): Promise<Result> {
  const url = fileToRun("file", file);
  mustBeKnown("", options, ["signal"]);
  threads ??= blockingThreads(0, availableParallelism(), IDLE_MS, {});
  const { signal } = options;
  const task = { file: url, data };
  const outcome: Outcome = await threads.run(task, { name: "run", ...(signal === undefined ? {} : { signal }) });
  if ("fault" in outcome) throw errorOf(outcome.fault);
  return outcome.value as Result;
}
