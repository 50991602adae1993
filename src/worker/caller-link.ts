/**
 * The networking thread's end of its link to one caller: queues, signal, notices, and open handles.
 *
 * Runs on the networking thread.
 */

import type { MessagePort } from "node:worker_threads";
import {
  ATTACHED,
  NOTICES,
  QUEUE_CAPACITY,
  QUEUES,
  TO_CALLER_WRITE,
  TO_WORKER_FLAG,
  TO_WORKER_READ,
  TO_WORKER_WRITE,
} from "../ring/layout.js";
import type { Notice } from "../ring/protocol.js";
import { ANYTHING, AWAKE, SignalWaker } from "../ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../ring/slot-queue.js";

interface HandleSlot {
  readonly words: Int32Array;
  readonly phase: number;
  /** Bytes that were written and that the operating system has not taken. */
  readonly unsent: number;
  /** Whether its close or reset was requested. */
  readonly closing: boolean;
  /** Whether the operating system has taken all bytes and the end of this side. */
  readonly writeEnded: boolean;
  revoke(): void;
  close(): void;
  moveTo(link: CallerLink, handleId: number): void;
}

/** An object with a slot; of the slot, what links and the actor use. */
export interface Handle {
  readonly slot: HandleSlot;
  /** Handles the caller's news: bytes to send, room to receive, a request. May be called when there are none. */
  service(): void;
  /** Stops receiving and accepting, before this thread parks. */
  shutdown?(): void;
}

export class CallerLink {
  readonly toCaller: SlotQueueProducer;
  readonly waker: SignalWaker;
  /** Open handles by handle id. */
  readonly handles = new Map<number, Handle>();
  readonly #fromCaller: SlotQueueConsumer;
  readonly #words: Int32Array;
  readonly #port: MessagePort | null;
  #wakeAhead = false;

  /** Called with the number of bytes that a socket of this caller has moved. */
  readonly onActivity: (bytes: number) => void;

  /** `port` is null for a caller that has only attached connections: it needs no notices. */
  constructor(
    callerBlock: SharedArrayBuffer,
    linkBlock: SharedArrayBuffer,
    port: MessagePort | null,
    onActivity: (bytes: number) => void,
  ) {
    this.onActivity = onActivity;
    const words = new Int32Array(linkBlock);
    this.#words = words;
    this.#port = port;
    this.waker = new SignalWaker(new Int32Array(callerBlock));
    this.#fromCaller = new SlotQueueConsumer(words, TO_WORKER_WRITE, TO_WORKER_READ, QUEUES);
    this.toCaller = new SlotQueueProducer(words, TO_CALLER_WRITE, QUEUES + QUEUE_CAPACITY);
  }

  /** Whether the caller has queued nothing. */
  get idle(): boolean {
    return this.#fromCaller.empty;
  }

  /** Services every handle that the caller has queued; returns whether there was one. */
  drain(): boolean {
    let worked = false;
    for (let handleId = this.#fromCaller.pop(); handleId !== -1; handleId = this.#fromCaller.pop()) {
      worked = true;
      // A handle whose command has not arrived yet is serviced when it is opened.
      const handle = this.handles.get(handleId);
      if (handle === undefined) continue;
      SlotQueueConsumer.lower(handle.slot.words, TO_WORKER_FLAG);
      handle.service();
    }
    return worked;
  }

  /**
   * Wakes the caller immediately if it sleeps on this handle, or soon if it sleeps on anything. The news must have been
   * published.
   */
  wake(handleId: number): void {
    const { interest } = this.waker;
    if (interest === handleId) this.waker.wakeWaiting(handleId);
    else if (interest === ANYTHING) this.wakeSoon();
  }

  /** Wakes the caller, whatever it sleeps on, once for all news of this turn of the event loop. */
  wakeSoon(): void {
    if (this.#wakeAhead || this.waker.interest === AWAKE) return;
    this.#wakeAhead = true;
    setImmediate(this.#wakeNow);
  }

  readonly #wakeNow = (): void => {
    this.#wakeAhead = false;
    this.waker.wakeAnyway();
  };

  /** Counts a connection that was moved here. What this caller had queued before must have been handled. */
  attached(): void {
    Atomics.add(this.#words, ATTACHED, 1); // partner: AttachWindow.hasRoom
    this.waker.wakeAnyway();
  }

  /** Posts a notice, and moves `transfer` with it. The word that announces it must be stored afterwards. */
  post(notice: Notice, transfer: ArrayBuffer[] = []): void {
    if (this.#port === null) return;
    this.#port.postMessage(notice, transfer);
    Atomics.add(this.#words, NOTICES, 1); // partner: Notices.take
  }
}
