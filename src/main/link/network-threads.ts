/**
 * Starts and ends networking threads. The only file that knows Piscina, the pool that hosts them.
 *
 * Runs on the calling thread, which may block for ever afterwards: nothing here depends on its event loop.
 */

import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type * as piscina from "piscina";
import type { BootData } from "../../ring/protocol.js";
import { NetError } from "../api/net-error.js";

const BOOT = fileURLToPath(new URL("../worker/boot.cjs", import.meta.url));

/** Loaded at the first use: who imports this package and opens nothing does not pay for it. */
const require = createRequire(import.meta.url);

/** Memory limits of a networking thread; see Node's `resourceLimits`. */
export interface ThreadLimits {
  maxOldGenerationSizeMb?: number;
}

/**
 * Throws where a thread could not start: its file is missing, or there are fewer than `descriptors` file descriptors left
 * (it takes four, and some to load). It could not say so itself, and would only be found silent after a long while.
 */
function checkStart(descriptors: number): void {
  const files: number[] = [];
  try {
    while (files.length < descriptors) files.push(openSync(BOOT, "r"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new NetError({
      code: code === "EMFILE" || code === "ENFILE" ? code : "ERR_WORKER_START",
      message: `the networking thread can't start: ${message}`,
    });
  } finally {
    for (const file of files) closeSync(file);
  }
}

export class NetworkThreads {
  readonly #pool: piscina.Piscina;

  /**
   * Prepares `threads` networking threads. `onError` hears of a thread's error if this thread ever gets to its event
   * loop.
   */
  constructor(threads: number, limits: ThreadLimits, onError: (error: Error) => void) {
    checkStart(4 * threads + 8);
    const { NODE_OPTIONS: _, ...env } = process.env;
    const { Piscina } = require("piscina") as typeof piscina;
    this.#pool = new Piscina({
      filename: BOOT,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // Piscina's own way to wait for tasks would freeze the networking thread's event loop.
      atomics: "disabled",
      // Loader hooks of the program (`--import`, NODE_OPTIONS) would run in the networking thread too, and can wait for
      // this thread, which may block.
      execArgv: [],
      env,
      resourceLimits: limits,
      recordTiming: false,
    });
    this.#pool.on("error", onError);
  }

  /** Starts one networking thread with `boot`; returns the port to talk to it through. */
  start(boot: Omit<BootData, "port">, onError: (error: Error) => void): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    this.#pool.run({ ...boot, port: port2 } satisfies BootData, { transferList: [port2] as never }).catch(onError);
    return port1;
  }

  /** Ends the threads, whatever they do. */
  close(): void {
    void this.#pool.destroy().catch(() => {});
  }
}
