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
import { blockingThreads } from "./threads.js";

/** What `runBlocking` takes beside the file and its data. */
export interface RunBlockingOptions {
  /** Gives the task up: its thread is ended, and the promise is rejected with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** A thread that has nothing to do is kept this long, in ms. */
const IDLE_MS = 10_000;

let threads: Piscina | null = null;

/**
 * Runs the function that `file` exports as its default with `data`, in a thread where it may block; resolves to what it returns. `file` is a
 * URL or path, `data` and the result are cloned. As many run at once as there are cores; others wait. Rejects with what the function
 * throws (a `NetError` stays one), and with Piscina's error if its thread dies. Throws where there is no such file.
 */
export async function runBlocking<Result = unknown>(
  file: URL | string,
  data?: unknown,
  options: RunBlockingOptions = {},
): Promise<Result> {
  const url = fileToRun("file", file);
  threads ??= blockingThreads(0, availableParallelism(), IDLE_MS, {});
  const { signal } = options;
  const task = { file: url, data };
  const outcome: Outcome = await threads.run(task, { name: "run", ...(signal === undefined ? {} : { signal }) });
  if ("fault" in outcome) throw errorOf(outcome.fault);
  return outcome.value as Result;
}
