/**
 * Starts and ends networking threads.
 *
 * Runs on the calling thread, which may block without a limit afterwards: nothing here depends on its event loop.
 */

import { closeSync, openSync, realpathSync } from "node:fs";
import { devNull } from "node:os";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { BootData } from "../../ring/protocol.js";
import { NetError } from "../api/net-error.js";
import { networkingThreadCode } from "./networking-thread-code.js";
import { threadFlags } from "./thread-flags.js";

/** Memory limits of a networking thread; see Node's `resourceLimits`. */
export interface ThreadLimits {
  maxOldGenerationSizeMb?: number;
}

function cannotStart(code: string, message: string, cause: unknown): NetError {
  return new NetError({ code, message: `the networking thread can't start: ${message}` }, cause);
}

/**
 * Throws where fewer than `descriptors` file descriptors are left (a thread takes four, and some to load): it could not say so itself,
 * and would only be found silent after a long while.
 */
function checkDescriptors(descriptors: number): void {
  const files: number[] = [];
  try {
    while (files.length < descriptors) files.push(openSync(devNull, "r"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Where the file can't be opened for another reason, a permission for example, the descriptors stay unknown.
    if (code === "EMFILE" || code === "ENFILE") throw cannotStart(code, message, error);
  } finally {
    for (const file of files) closeSync(file);
  }
}

/**
 * Throws where the working directory was removed: Node's threads ask for it before they run anything, and end where it is not to be had.
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
   * Starts one networking thread with `boot`; returns the port to talk to it through. `onError` gets the thread's error if this thread
   * ever reaches its event loop. Throws a `NetError` where the system or Node refuses the thread.
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

  /** Ends the threads, whatever they do. */
  close(): void {
    for (const worker of this.#workers.splice(0)) void worker.terminate();
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
        resourceLimits: this.#limits,
      });
    } catch (error) {
      throw cannotStart("ERR_WORKER_START", (error as Error).message, error);
    }
  }
}
