/**
 * The notices of a networking thread: taken from the message port, and filed with the channel or the call that they are for.
 *
 * Runs on the calling thread.
 */

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Fault } from "../../ring/fault-text.js";
import { NOTICES } from "../../ring/layout.js";
import type { Notice } from "../../ring/protocol.js";
import type { Channel } from "./channel.js";

/** Errors that are kept for a handle whose program does not ask for them. */
const MAX_PENDING_ERRORS = 64;

export class Notices {
  readonly #words: Int32Array;
  readonly #port: MessagePort | null;
  readonly #channels: ReadonlyMap<number, Channel>;
  /** Replies to calls that are waited for, by request number; undefined until they come. */
  readonly #replies = new Map<number, Fault | null | undefined>();
  /** What the last reply to `stats` has said. */
  threadCpuMs: number | null = null;
  #taken = 0;
  #requests = 0;

  /** `linkWords` are the link block's, `channels` the open handles by id. `port` is null where no notices come. */
  constructor(linkWords: Int32Array, port: MessagePort | null, channels: ReadonlyMap<number, Channel>) {
    this.#words = linkWords;
    this.#port = port;
    this.#channels = channels;
  }

  /** Files every notice that was posted so far. */
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

  /** A number for the next call that is waited for; until `dropReply` its reply is kept. */
  nextRequest(): number {
    const request = ++this.#requests;
    this.#replies.set(request, undefined);
    return request;
  }

  /** The reply to a call: its fault, null where it went well, undefined while there is none. */
  replyTo(request: number): Fault | null | undefined {
    this.take();
    return this.#replies.get(request);
  }

  /** The call is not waited for any more: a reply that comes later is dropped. */
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
    }
  }
}
