/**
 * The broadcast channel on which this thread announces the connections that it attaches to a networking thread that has no link to this one.
 *
 * Runs on the calling thread. One is kept for each networking thread: closing a channel takes the event loop, so in a thread that never
 * yields one for each connection would stay, and each would keep what all others say.
 */

import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { AttachMessage } from "../../ring/protocol.js";

export class Announcements {
  readonly #channel: BroadcastChannel & { unref(): void };
  /** A link is closed within the round of heartbeats that finds its networking thread dead. */
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
   * Drops what other threads have announced on the channel: it is kept for this one too until it yields. (Deno takes no broadcast channel
   * here, so there it stays until then.)
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
