/**
 * Receives a networking thread's notices from the message port, and passes them to the channel or call that they are
 * for.
 *
 * Runs on the calling thread.
 */

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Fault } from "../../ring/fault-text.js";
import { NOTICES } from "../../ring/layout.js";
import type { Notice } from "../../ring/protocol.js";
import type { Channel } from "./channel.js";

/** The most errors kept for a handle until the program takes them. */
const MAX_PENDING_ERRORS = 64;

export class Notices {
  readonly #words: Int32Array;
  readonly #port: MessagePort | null;
  readonly #channels: ReadonlyMap<number, Channel>;
  /** Replies that calls wait for, by request number; undefined until they come. */
  readonly #replies = new Map<number, Fault | null | undefined>();
  /** From the last reply to `stats`. */
  threadCpuMs: number | null = null;
  #taken = 0;
  #requests = 0;

  /** `linkWords`: the link block. `channels`: the open handles by id. `port` is null if no notices come. */
  constructor(linkWords: Int32Array, port: MessagePort | null, channels: ReadonlyMap<number, Channel>) {
    this.#words = linkWords;
    this.#port = port;
    this.#channels = channels;
  }

  /** Takes every notice that was posted so far. */
  take(): void {
    const port = this.#port;
    if (port === null) return;
    const posted = Atomics.load(this.#words, NOTICES); // partner: CallerLink.post
    while (this.#taken !== posted) {
      const received = receiveMessageOnPort(port);
      if (received === undefined) return; // the thread died between posting and counting
      this.#taken = (this.#taken + 1) | 0;
      this.#file(received.message as Notice);
    }
  }

  /** A number for the next call with a reply. The reply is kept until `dropReply`. */
  nextRequest(): number {
    const request = ++this.#requests;
    this.#replies.set(request, undefined);
    return request;
  }

  /** The reply to a call: its fault, null if it succeeded, undefined while there is none. */
  replyTo(request: number): Fault | null | undefined {
    this.take();
    return this.#replies.get(request);
  }

  /** Drops the reply of a call, also if it comes later. */
  dropReply(request: number): void {
    this.#replies.delete(request);
  }

  #file(notice: Notice): void {
    if (notice.type === "reply") {
      if (!this.#replies.has(notice.request)) return;
      this.#replies.set(notice.request, notice.fault);
      if (notice.threadCpuMs !== undefined) this.threadCpuMs = notice.threadCpuMs;
      return;
    }
    const channel = this.#channels.get(notice.handleId);
    if (channel === undefined) return;
    switch (notice.type) {
      case "connected":
        channel.facts = notice.facts;
        break;
      case "secured":
        channel.secured(notice.facts, notice.position);
        break;
      case "resolved":
        channel.addresses = notice.addresses;
        break;
      case "bound":
        channel.bound = { address: notice.address, port: notice.port };
        break;
      case "pending":
        channel.pendingConnections.push({ number: notice.pending, facts: notice.facts });
        break;
      case "pending-error":
        if (channel.pendingErrors.length < MAX_PENDING_ERRORS) channel.pendingErrors.push(notice.fault);
        break;
      case "message":
        channel.messages.push(notice.bytes);
        countForCollector(notice.bytes.byteLength);
        break;
    }
  }
}

/**
 * Lets V8 collect as early as if this thread had allocated so many bytes. It collects young buffers when enough bytes were
 * allocated for them, but does not count memory that was moved here from another thread. Then dropped messages pile up,
 * and new ones are always in memory that is in no cache.
 */
function countForCollector(bytes: number): void {
  Buffer.allocUnsafeSlow(bytes); // never touched, so it takes no memory
}
