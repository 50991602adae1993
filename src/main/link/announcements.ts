/**
 * The broadcast channel on which this thread announces the connections that it attaches, to a networking thread without
 * a link to this thread.
 *
 * Runs on the calling thread. There is one for each networking thread, not one for each connection: closing a channel
 * takes the event loop, so in a thread that never yields all would stay, and each would queue the messages of all
 * others.
 */

import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { AttachMessage } from "../../ring/protocol.js";

export class Announcements {
  readonly #channel: BroadcastChannel & { unref(): void };
  /** Needed because a link may be used again in the round of heartbeats that closes it. */
  #closed = false;

  /** `name` is the networking thread's. */
  constructor(name: string) {
    this.#channel = new BroadcastChannel(name) as BroadcastChannel & { unref(): void };
    this.#channel.unref();
  }

  post(message: AttachMessage): void {
    if (this.#closed) return; // its networking thread has ended
    this.dropOthers();
    this.#channel.postMessage(message);
  }

  /**
   * Drops other threads' announcements: they are queued for this thread too until it yields. (On Deno they stay until
   * then, because `receiveMessageOnPort` takes no broadcast channel there.)
   */
  dropOthers(): void {
    if (this.#closed || "Deno" in globalThis) return;
    while (receiveMessageOnPort(this.#channel as unknown as MessagePort) !== undefined);
  }

  close(): void {
    this.#closed = true;
    this.#channel.close();
  }
}
