/**
 * A server whose connections are served by blocking code in a pool of threads.
 *
 * Runs on the calling thread, whose event loop must run: it hands connections to threads, and never blocks.
 */

import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Piscina } from "piscina";
import { Address, Deadline, type ListenOptions, NetError, type SocketToken, type Timeout } from "../main/index.js";
import type { AcceptorData, AcceptorMessage } from "./acceptor.js";
import { ACCEPT, DRAIN, END, ORDER, TAKEN, WORDS } from "./acceptor-words.js";
import { errorOf, type Fault } from "./fault.js";
import { fileToRun } from "./handler-file.js";
import { blockingThreads, fileOfPackage, LIMITS, mustBeKnown, type ThreadLimits } from "./threads.js";

/** Options of `servePool`: the options of `listen` except `bound`, which can't go to another thread, and these. */
export interface ServePoolOptions extends Omit<ListenOptions, "bound"> {
  /**
   * A module, by URL or path, whose default export is `(socket: TcpSocket) => void`. It may block; the socket is closed
   * afterwards.
   */
  handler: URL | string;
  /** The number of threads, and so of connections that are served at a time. Default: the number of cores. */
  threads?: number | undefined;
  /**
   * The most accepted connections that wait for a thread. Others stay unaccepted until there is room. Default: as many
   * as `threads`.
   */
  maxQueue?: number | undefined;
  /** Memory limits of each thread. */
  resourceLimits?: ThreadLimits | undefined;
  /**
   * Receives the errors of handlers, and the deaths of threads. Default: prints them, except `NetError`s, which peers
   * can cause.
   */
  onError?: ((error: Error) => void) | undefined;
}

/** Counters of a pool. */
export interface PoolFigures {
  threads: number;
  /** Connections accepted so far. */
  accepted: number;
  /** Connections whose handler has returned. */
  completed: number;
  /** Connections whose handler has thrown, or whose thread has died. */
  failed: number;
  /** Connections that are being served. */
  active: number;
  /** Connections that wait for a thread. */
  queued: number;
}

const MAX_THREADS = 1024;
const DRAIN_MS = 30_000;

/** A server and its pool. Made by `servePool`. */
export class PoolServer {
  /** The port that it listens on; 0 for a Unix domain socket. */
  readonly port: number;
  /** The address or path that it listens on. */
  readonly address: string;
  readonly #acceptor: Worker;
  readonly #words: Int32Array;
  readonly #revocations: MessagePort;
  readonly #pool: Piscina;
  readonly #threads: number;
  readonly #handler: string;
  readonly #onError: (error: Error) => void;
  readonly #serving = new Set<Promise<void>>();
  #accepted = 0;
  #completed = 0;
  #failed = 0;
  #drained = false;
  #onIdle: () => void = () => {};
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(
    acceptor: Worker,
    words: Int32Array,
    revocations: MessagePort,
    pool: Piscina,
    bound: { port: number; address: string },
    settings: { threads: number; handler: string; onError: (error: Error) => void },
  ) {
    this.#acceptor = acceptor;
    this.#words = words;
    this.#revocations = revocations;
    this.#pool = pool;
    this.port = bound.port;
    this.address = bound.address;
    this.#threads = settings.threads;
    this.#handler = settings.handler;
    this.#onError = settings.onError;
    pool.on("error", (error: Error) => this.#onError(error));
    acceptor.on("message", (message: AcceptorMessage) => this.#handle(message));
    acceptor.on("error", (error: Error) => this.#acceptorDied(error.message));
    acceptor.on("exit", () => this.#acceptorDied("it has ended"));
  }

  /** Its counters. */
  get figures(): PoolFigures {
    const open = this.#accepted - this.#completed - this.#failed;
    const active = Math.min(open, this.#threads);
    return {
      threads: this.#threads,
      accepted: this.#accepted,
      completed: this.#completed,
      failed: this.#failed,
      active,
      queued: open - active,
    };
  }

  /**
   * Stops accepting, waits until the accepted connections are served, for at most `timeout` (ms or a `Deadline`;
   * default 30,000; -1: no limit), and ends the threads. Connections that are still being served then are reset.
   */
  close(timeout: Timeout = DRAIN_MS): Promise<void> {
    const deadline = Deadline.of(timeout);
    this.#closing ??= this.#close(deadline);
    return this.#closing;
  }

  async #close(deadline: Deadline): Promise<void> {
    this.#order(DRAIN);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = () => {
        if (this.#drained && this.figures.active === 0) resolve();
      };
      this.#onIdle();
      if (deadline.left !== Number.POSITIVE_INFINITY) timer = setTimeout(resolve, Math.min(deadline.left, 2 ** 31 - 1));
    });
    clearTimeout(timer);
    await this.#pool.destroy();
    await Promise.allSettled(this.#serving); // so that all revocations are posted before the END order
    const ended = new Promise<void>((resolve) => this.#acceptor.once("exit", () => resolve()));
    const gone = this.#acceptor.threadId === -1;
    this.#order(END);
    if (!gone) await ended;
  }

  #order(order: number): void {
    Atomics.store(this.#words, ORDER, order); // partner: acceptUntilOrdered, run
    Atomics.notify(this.#words, ORDER); // partner: run
  }

  #handle(message: AcceptorMessage): void {
    if (message.type === "token") {
      const serving = this.#serve(message.token);
      this.#serving.add(serving);
      void serving.finally(() => this.#serving.delete(serving));
    }
    if (message.type === "fault") this.#onError(errorOf(message.fault));
    if (message.type === "drained") {
      this.#drained = true;
      this.#onIdle();
    }
  }

  async #serve(token: SocketToken): Promise<void> {
    this.#accepted++;
    let error: Error | null = null;
    try {
      const fault: Fault | null = await this.#pool.run({ token, handler: this.#handler }, { name: "serve" });
      if (fault !== null) error = errorOf(fault);
    } catch (death) {
      error = death as Error;
      this.#revocations.postMessage(token);
    }
    if (error === null) this.#completed++;
    else this.#failed++;
    Atomics.sub(this.#words, TAKEN, 1); // partner: acceptUntilOrdered (load, add)
    Atomics.notify(this.#words, TAKEN); // partner: acceptUntilOrdered (wait)
    this.#onIdle();
    // Threads that `close` ends do not count as dead.
    if (error !== null && Atomics.load(this.#words, ORDER) === ACCEPT) this.#onError(error); // no partner: this thread's own word
  }

  #acceptorDied(reason: string): void {
    if (this.#drained) return;
    this.#drained = true;
    this.#onIdle();
    this.#onError(new NetError({ code: "ERR_WORKER_DIED", message: `the pool's acceptor died: ${reason}` }));
  }
}

/**
 * Starts a server, and serves each connection with the handler in a thread that may block. Resolves once it is bound;
 * otherwise rejects with the system's error (`EADDRINUSE`, …), or with a `TypeError` or `RangeError` that names the
 * wrong option. Keeps the process running until it is closed.
 */
export async function servePool(options: ServePoolOptions): Promise<PoolServer> {
  const {
    handler,
    threads = availableParallelism(),
    maxQueue,
    resourceLimits = {},
    onError = print,
    ...rest
  } = options;
  const url = fileToRun("handler", handler);
  const most = integer("threads", threads, 1, MAX_THREADS);
  const waiting = integer("maxQueue", maxQueue ?? most, 0, 2 ** 20);
  if (typeof onError !== "function") throw new TypeError(`onError must be a function, not ${typeof onError}`);
  const { host } = rest;
  if (host instanceof Address) rest.host = host.ip ?? host.hostname;
  mustBeKnown("resourceLimits.", resourceLimits, LIMITS);
  const words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const data: AcceptorData = { options: rest, words, revocations: port2, limit: most + waiting };
  const acceptor = new Worker(fileOfPackage("pool-acceptor.cjs"), {
    workerData: data,
    transferList: [port2],
    name: "ringnet acceptor",
  });
  const bound = await firstMessage(acceptor);
  const pool = blockingThreads(most, most, Number.POSITIVE_INFINITY, resourceLimits);
  return new PoolServer(acceptor, words, port1, pool, bound, { threads: most, handler: url, onError });
}

/** Where the acceptor listens. Rejects with the reason if it does not. */
function firstMessage(acceptor: Worker): Promise<{ port: number; address: string }> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(cannotStart("it ended before it listened"));
    acceptor.once("error", reject);
    acceptor.once("exit", ended);
    acceptor.once("message", (message: AcceptorMessage) => {
      acceptor.off("error", reject);
      acceptor.off("exit", ended);
      if (message.type === "bound") resolve(message);
      else reject(message.type === "fault" ? errorOf(message.fault) : cannotStart("it did not listen"));
    });
  });
}

function cannotStart(reason: string): NetError {
  return new NetError({ code: "ERR_WORKER_START", message: `the pool's acceptor can't start: ${reason}` });
}

function print(error: Error): void {
  if (!(error instanceof NetError)) console.error(error);
}

function integer(name: string, value: unknown, low: number, high: number): number {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return value as number;
  throw new RangeError(`${name} must be an integer from ${low} to ${high}, not ${String(value)}`);
}
