/**
 * Worker threads of the test's own process, driven without an event loop.
 *
 * ```ts
 * const thread = startThread();
 * thread.run(({ TcpSocket }, state, token) => { state.socket = TcpSocket.attach(token); }, socket.detach());
 * expect(thread.run((_, state) => state.socket.readLine(5000))).toBe("hello");
 * ```
 *
 * The functions run in the thread, from their source text: they can use their arguments, but nothing of the test's file.
 */

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type * as ringnet from "ringnet";
import { onTestFinished } from "vitest";
import { waitFor } from "../support/waiting.js";

/** What a thread keeps between calls. */
// biome-ignore lint/suspicious/noExplicitAny: each test keeps what it likes
export type State = Record<string, any>;
export type Call<A, R> = (package_: typeof ringnet, state: State, argument: A) => R;

interface Answer {
  value?: unknown;
  error?: { name: string; code?: string; message: string };
}

/** The error that a call in another thread threw. */
export class ThreadError extends Error {
  readonly code: string | undefined;
  constructor({ name, code, message }: NonNullable<Answer["error"]>) {
    super(`${name}: ${message}`);
    this.code = code;
  }
}

export class Thread {
  readonly #worker: Worker;
  readonly #port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.unref();
    this.#worker = new Worker(new URL("./thread.js", import.meta.url), {
      workerData: { port: port2 },
      transferList: [port2],
      execArgv: [],
      env: {},
    });
    this.#worker.unref();
    this.#worker.on("error", () => {});
  }

  /** Starts `call` in the thread, and returns at once. */
  start<A, R>(call: Call<A, R>, argument?: A): void {
    this.#port.postMessage({ source: String(call), argument });
  }

  /** Blocks for the result of the oldest call whose result was not taken yet; throws what that call threw. */
  result(timeout = 20_000): unknown {
    const answer = waitFor(
      "an answer of the thread",
      () => (receiveMessageOnPort(this.#port) as { message: Answer } | undefined)?.message,
      timeout,
    );
    if (answer.error !== undefined) throw new ThreadError(answer.error);
    return answer.value;
  }

  /** Runs `call` in the thread, and blocks for its result. */
  run<A, R>(call: Call<A, R>, argument?: A, timeout?: number): Awaited<R> {
    this.start(call, argument);
    return this.result(timeout) as Awaited<R>;
  }

  /** Ends the thread, even while it blocks; `await` the promise to be sure that it has ended. */
  terminate(): Promise<number> {
    return this.#worker.terminate();
  }
}

/** Starts a thread, which ends with the test. */
export function startThread(): Thread {
  const thread = new Thread();
  onTestFinished(async () => {
    await thread.terminate();
  });
  return thread;
}
