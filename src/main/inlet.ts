/**
 * The reading side of a connection: what is there, what is not there yet, and the end.
 *
 * Runs on the calling thread.
 */

import { PHASE_FAILED, PHASE_MASK, READ_ENDED } from "../ring/layout.js";
import type { Channel, Rings } from "./channel.js";
import type { Deadline } from "./deadline.js";
import { Inbox } from "./inbox.js";
import { portionTimedOut } from "./net-error.js";

const EMPTY = Buffer.alloc(0);

export class Inlet {
  readonly inbox: Inbox;
  /** Bytes that the program has read. */
  bytesRead = 0;
  /** Whether the program was told of the end. */
  endTold = false;
  readonly #channel: Channel;
  #wanted = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.inbox = new Inbox(channel, (channel.rings as Rings).receive);
  }

  /** Whether no more bytes will come than are in the inbox. */
  get ended(): boolean {
    const state = this.#channel.state;
    return (state & READ_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED;
  }

  /** Bytes that can be read now, or -1 at the end. Throws the connection's error once there are none. */
  look(): number {
    const readable = this.inbox.readable;
    if (readable > 0) return readable;
    const state = this.#channel.state;
    if ((state & READ_ENDED) === 0 && (state & PHASE_MASK) !== PHASE_FAILED) {
      this.#channel.link.client.look();
      return 0;
    }
    // The state was stored after the last byte: look once more.
    const last = this.inbox.readable;
    if (last > 0) return last;
    if ((state & READ_ENDED) === 0) throw this.#channel.error;
    this.endTold = true;
    return -1;
  }

  read(limit: number): Buffer | null {
    const readable = this.look();
    if (readable < 0) return null;
    const count = Math.min(readable, limit);
    return count === 0 ? EMPTY : this.take(count);
  }

  readInto(target: Uint8Array): number | null {
    const readable = this.look();
    if (readable < 0) return null;
    if (readable === 0) return 0;
    const count = this.inbox.read(target);
    this.bytesRead += count;
    return count;
  }

  peek(): Uint8Array | null {
    const readable = this.look();
    if (readable < 0) return null;
    return readable === 0 ? EMPTY : this.inbox.peek();
  }

  consume(count: number): void {
    this.inbox.consume(count);
    this.bytesRead += count;
  }

  /** Reads `count` bytes, which are there. */
  take(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    this.inbox.read(bytes);
    this.bytesRead += count;
    return bytes;
  }

  /** Blocks until there is something to read: bytes, an end, or an error. Returns whether there is. */
  awaitSomething(deadline: Deadline): boolean {
    return this.#wait(deadline, Inlet.#hasSomething);
  }

  /**
   * Blocks until at least `wanted` bytes are readable (true), or the stream has ended before (false), or the time is up (throws).
   * Throws the connection's error if it failed before. Nothing is lost either way.
   */
  await(wanted: number, deadline: Deadline, what: string): boolean {
    const { inbox } = this;
    for (;;) {
      if (inbox.readable >= wanted) return true;
      if (inbox.ringFull) inbox.hold();
      const state = this.#channel.state;
      if ((state & READ_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED) {
        if (inbox.readable >= wanted) return true; // the state was stored after the last byte
        if ((state & READ_ENDED) === 0) throw this.#channel.error;
        this.endTold = inbox.readable === 0;
        return false;
      }
      this.#wanted = wanted;
      if (!this.#wait(deadline, Inlet.#hasWanted) && inbox.readable < wanted) {
        throw portionTimedOut(what, deadline.timeout, inbox.readable, wanted);
      }
    }
  }

  // Conditions to block for: static, so that a wait makes no closure.

  static #hasSomething(inlet: Inlet): boolean {
    return inlet.inbox.readable > 0 || inlet.ended;
  }

  static #hasWanted(inlet: Inlet): boolean {
    return inlet.inbox.readable >= inlet.#wanted || inlet.inbox.ringFull || inlet.ended;
  }

  #wait(deadline: Deadline, met: (inlet: Inlet) => boolean): boolean {
    return this.#channel.link.client.wait(this.#channel.generation, deadline, met, this);
  }
}
