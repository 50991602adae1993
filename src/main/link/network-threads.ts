/**
 * Starts and ends networking threads.
 *
 * Runs on the calling thread. Nothing here depends on its event loop: it may block forever afterwards.
 */

import { closeSync, openSync, realpathSync } from "node:fs";
import { devNull } from "node:os";
import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from "node:worker_threads";
import type { BootData } from "../../ring/protocol.js";
import { NetError } from "../api/net-error.js";
import { networkingThreadCode } from "./networking-thread-code.js";
import { threadFlags } from "./thread-flags.js";

/**
 * In MB. A networking thread makes little garbage. With Node's own limit, 48 MB, it stays in memory until that much has accumulated.
 */
const YOUNG_GENERATION_MB = 8;

/** Memory limits of a networking thread; see Node's `resourceLimits`. */
export interface ThreadLimits {
  maxOldGenerationSizeMb?: number;
}

function cannotStart(code: string, message: string, cause: unknown): NetError {
  return new NetError({ code, message: `the networking thread can't start: ${message}` }, cause);
}

/**
 * Throws if fewer than `descriptors` file descriptors are left (a thread takes four, and some while it loads). The
 * thread could not report that itself, and its silence would be noticed only after a long time.
 */
function checkDescriptors(descriptors: number): void {
  const files: number[] = [];
  try {
    while (files.length < descriptors) files.push(openSync(devNull, "r"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // If the file can't be opened for another reason, such as a permission, the number of descriptors stays unknown.
    if (code === "EMFILE" || code === "ENFILE") throw cannotStart(code, message, error);
  } finally {
    for (const file of files) closeSync(file);
  }
}

/**
 * Throws if the working directory was removed: Node's threads look it up before they run anything, and end if that
 * fails.
 */
function checkWorkingDirectory(): void {
  try {
    realpathSync.native("."); // asks the system; `process.cwd()` may remember
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") return;
    throw cannotStart("ERR_WORKER_START", "the working directory was removed, and Node's threads need one", error);
  }
}

export class NetworkThreads {
  readonly #limits: ThreadLimits;
  readonly #workers: Worker[] = [];

  /** Prepares `threads` networking threads. */
  constructor(threads: number, limits: ThreadLimits) {
    checkDescriptors(4 * threads + 8);
    checkWorkingDirectory();
    this.#limits = limits;
  }

  /**
   * Starts one networking thread with `boot`; returns the port to it. `onError` gets the thread's error if this thread
   * ever reaches its event loop. Throws a `NetError` if the system or Node refuses the thread.
   */
  start(boot: Omit<BootData, "port">, onError: (error: Error) => void): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    const { NODE_OPTIONS: _, ...env } = process.env;
    const worker = this.#newWorker({ ...boot, port: port2 }, env);
    worker.unref();
    worker.on("error", onError);
    worker.on("exit", (code) => {
      if (this.#workers.includes(worker)) onError(new Error(`it exited with code ${code}`));
    });
    this.#workers.push(worker);
    return port1;
  }

  /** Terminates the threads. */
  close(): void {
    for (const worker of this.#workers.splice(0)) void worker.terminate();
  }

  /** The program's own limit stands alone: with little room for both generations, a thread runs out of memory while it starts. */
  get #resourceLimits(): ResourceLimits {
    if (this.#limits.maxOldGenerationSizeMb !== undefined) return this.#limits;
    return { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
  }

  #newWorker(boot: BootData, env: NodeJS.ProcessEnv): Worker {
    try {
      return new Worker(networkingThreadCode(), {
        eval: true,
        name: boot.name,
        workerData: boot,
        transferList: [boot.port],
        execArgv: threadFlags(),
        env,
        resourceLimits: this.#resourceLimits,
      });
    } catch (error) {
      throw cannotStart("ERR_WORKER_START", (error as Error).message, error);
    }
  }
}
