/**
 * The networking threads that worker threads have started. They send pending bytes before the main thread ends the
 * process, and all threads with it, and before `terminate` ends their worker thread.
 *
 * Runs on the main thread, whose 'exit' handlers run while all other threads still do, and on threads that call
 * `terminate`. These networking threads share their blocks on a broadcast channel.
 */

import { setTimeout as pause } from "node:timers/promises";
import { BroadcastChannel, type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { DRAIN_ASKED, DRAINED, FINISH, FINISH_ASKED, LIFE, LIFE_RUNNING, PING, STOP } from "../../ring/layout.js";
import type { ProcessMessage } from "../../ring/protocol.js";
import { DoorbellRinger } from "../../ring/signal.js";
import { Deadline } from "./deadline.js";

/** Name of the channel. */
export const PROCESS_CHANNEL = `ringnet ${process.pid}`;

/**
 * How long a networking thread may take to answer, in ms. One that ended unnoticed, with a worker of a terminated
 * worker, never answers.
 */
const ANSWER_MS = 3000;
/**
 * How long it may take to stop after the linger time, in ms: it resets the connections whose bytes it could not send.
 */
const STOP_MS = 300;
/** How long networking threads that were started before this list was made may take to announce themselves, in ms. */
const ANNOUNCE_MS = 500;
/** The interval between checks whether they have sent their bytes, in ms. */
const CHECK_MS = 1;

interface OtherThread {
  /** Node's id of the thread that has started it. */
  thread: number;
  words: Int32Array;
  lingerMs: number;
}

export class OtherThreads {
  readonly #channel = new BroadcastChannel(PROCESS_CHANNEL) as BroadcastChannel & { unref(): void };
  #threads: OtherThread[] = [];
  readonly #announced = new Deadline(ANNOUNCE_MS);

  constructor() {
    this.#channel.onmessage = (event: unknown): void => this.#take((event as { data: ProcessMessage }).data);
    this.#channel.unref();
    this.#channel.postMessage("ask" satisfies ProcessMessage);
  }

  /** A worker thread was started here: its networking threads are removed when it ends. */
  watch(worker: Worker): void {
    const { threadId } = worker;
    worker.once("exit", () => {
      this.#takeAll();
      this.#threads = this.#threads.filter(({ thread }) => thread !== threadId);
    });
  }

  /** Requests all of them to finish. */
  finish(): void {
    this.#takeAll();
    this.#threads = this.#threads.filter(runs);
    for (const { words } of this.#threads) {
      Atomics.store(words, FINISH, FINISH_ASKED); // partner: Actor.#drain
      ask(words);
    }
  }

  /**
   * Requests the networking threads of one worker thread, by Node's id, to send what is pending. Resolves when they
   * have, or after their linger time.
   */
  async drain(thread: number): Promise<void> {
    const theirs = (): OtherThread[] => {
      this.#takeAll();
      return this.#threads.filter((each) => each.thread === thread && runs(each));
    };
    while (theirs().length === 0 && !this.#announced.expired) await pause(CHECK_MS);
    const asked = theirs();
    for (const { words } of asked) {
      Atomics.compareExchange(words, FINISH, 0, DRAIN_ASKED); // partner: Actor.#sendPending
      ask(words);
    }
    const answer = new Deadline(ANSWER_MS);
    const end = new Deadline(asked.reduce((longest, { lingerMs }) => Math.max(longest, lingerMs), 0) + STOP_MS);
    while (asked.some((each) => sends(each, answer, end))) await pause(CHECK_MS);
  }

  /** Blocks until all of them have stopped, for at most their linger time. */
  awaitFinished(): void {
    const threads = this.#threads.splice(0);
    const answer = new Deadline(ANSWER_MS);
    for (const { words } of threads) {
      if (runs({ words })) Atomics.wait(words, FINISH, FINISH_ASKED, Math.max(0, answer.left)); // partner: Actor.#finish
    }
    const alive = threads.filter(({ words }) => Atomics.load(words, FINISH) !== FINISH_ASKED); // partner: Actor.#finish
    const end = new Deadline(alive.reduce((longest, { lingerMs }) => Math.max(longest, lingerMs), 0) + STOP_MS);
    for (const { words } of alive) Atomics.wait(words, LIFE, LIFE_RUNNING, Math.max(0, end.left)); // partner: Actor.#stop
    for (const { words } of threads.filter(runs)) {
      Atomics.store(words, STOP, 1); // partner: Actor.#drain
      new DoorbellRinger(words).ring();
    }
  }

  /**
   * Takes the messages that the event loop has not delivered. (On Deno `receiveMessageOnPort` takes no broadcast
   * channel.)
   */
  #takeAll(): void {
    if ("Deno" in globalThis) return;
    const port = this.#channel as unknown as MessagePort;
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      this.#take(next.message as ProcessMessage);
    }
  }

  #take(message: ProcessMessage): void {
    if (message === "ask") return;
    const { thread, workerBlock, lingerMs } = message;
    this.#threads = this.#threads.filter(runs);
    this.#threads.push({ thread, words: new Int32Array(workerBlock), lingerMs });
  }
}

/** Has the networking thread look at its FINISH word. */
function ask(words: Int32Array): void {
  Atomics.add(words, PING, 1); // partner: Actor.#drain
  new DoorbellRinger(words).ring();
}

/** Whether it may still be sending. `answer`: by when it must have begun; `end`: by when it has ended. */
function sends(thread: OtherThread, answer: Deadline, end: Deadline): boolean {
  const state = Atomics.load(thread.words, FINISH); // partner: Actor.#sendPending
  return state !== DRAINED && runs(thread) && !(state === DRAIN_ASKED ? answer : end).expired;
}

function runs({ words }: { words: Int32Array }): boolean {
  return Atomics.load(words, LIFE) === LIFE_RUNNING; // partner: Actor.constructor, Actor.#stop
}
