/**
 * The reading side of a connection or input.
 *
 * Runs on the calling thread.
 */

import type { Fault } from "../../ring/fault-text.js";
import { PHASE_FAILED, PHASE_MASK, READ_ENDED } from "../../ring/layout.js";
import { type NetError, readTimedOut } from "../api/net-error.js";
import type { Channel, Rings } from "./channel.js";
import type { Deadline } from "./deadline.js";
import { ReadBuffer } from "./read-buffer.js";
import { READABLE } from "./watcher.js";

const EMPTY = Buffer.alloc(0);

export class SocketReader {
  readonly buffer: ReadBuffer;
  /** The number of bytes the program has read. */
  bytesRead = 0;
  /** Whether a call has returned the end. */
  endReported = false;
  readonly #channel: Channel;
  #wanted = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.buffer = new ReadBuffer(channel, (channel.rings as Rings).receive);
  }

  /** Whether no more bytes will come after the ones in the buffer. */
  get ended(): boolean {
    const state = this.#channel.state;
    return (state & READ_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED;
  }

  /** Whether `read` would return bytes or the end, or throw. */
  get hasSomething(): boolean {
    return this.buffer.readable > 0 || this.ended;
  }

  /** The number of bytes that can be read now, or -1 at the end. Throws the connection's error if there are none. */
  available(): number {
    const readable = this.buffer.readable;
    if (readable > 0) return readable;
    const state = this.#channel.state;
    if ((state & READ_ENDED) === 0 && (state & PHASE_MASK) !== PHASE_FAILED) {
      this.#channel.link.caller.maybeCheckLiveness();
      return 0;
    }
    // The state was stored after the last byte: check once more.
    const last = this.buffer.readable;
    if (last > 0) return last;
    if ((state & READ_ENDED) === 0) throw this.#channel.takeError(READABLE);
    this.#takeEnd(state);
    return -1;
  }

  read(limit: number): Buffer | null {
    const readable = this.available();
    if (readable < 0) return null;
    const count = Math.min(readable, limit);
    return count === 0 ? EMPTY : this.take(count);
  }

  readInto(target: Uint8Array): number | null {
    const readable = this.available();
    if (readable < 0) return null;
    if (readable === 0) return 0;
    const count = this.buffer.read(target);
    this.#tookOut(count);
    return count;
  }

  peek(): Uint8Array | null {
    const readable = this.available();
    if (readable < 0) return null;
    return readable === 0 ? EMPTY : this.buffer.peek();
  }

  consume(count: number): void {
    this.buffer.consume(count);
    this.#tookOut(count);
  }

  /** The error of a call that timed out. */
  outOfTime(fault: Fault): NetError {
    return this.#channel.outOfTime(fault);
  }

  /** Reads `count` bytes, which must be readable. */
  take(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    this.buffer.read(bytes);
    this.#tookOut(count);
    return bytes;
  }

  #tookOut(count: number): void {
    this.bytesRead += count;
    this.#channel.link.traffic.bytesRead += count;
  }

  /** Blocks until there is something to read: bytes, the end, or an error. Returns whether there is. */
  awaitSomething(deadline: Deadline): boolean {
    return this.#wait(deadline, SocketReader.#hasSomething);
  }

  /**
   * Blocks until at least `wanted` bytes are readable (returns true), or the stream has ended before (returns false),
   * or the time is up (throws). Throws the connection's error if it failed before. No bytes are lost.
   */
  await(wanted: number, deadline: Deadline, what: string): boolean {
    const { buffer } = this;
    for (let waited = false; ; waited = true) {
      if (buffer.readable >= wanted) return true;
      if (buffer.ringFull) buffer.hold();
      const state = this.#channel.state;
      if ((state & READ_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED) {
        if (buffer.readable >= wanted) return true; // the state was stored after the last byte
        if ((state & READ_ENDED) === 0) throw this.#channel.takeError(READABLE);
        if (buffer.readable === 0) this.#takeEnd(state);
        return false;
      }
      this.#wanted = wanted;
      // A peer that keeps the ring full must not extend the time.
      const timeUp = waited && deadline.left <= 0;
      if ((timeUp || !this.#wait(deadline, SocketReader.#hasWanted)) && buffer.readable < wanted) {
        throw this.#channel.outOfTime(readTimedOut(what, deadline.timeout, buffer.readable, wanted));
      }
    }
  }

  /** For a call that returns the end. */
  #takeEnd(state: number): void {
    this.endReported = true;
    // A failure after the end does not concern a reader.
    if ((state & PHASE_MASK) === PHASE_FAILED) this.#channel.markErrorTaken(READABLE);
  }

  // Conditions to block for: static, so that a wait makes no closure.

  static #hasSomething(reader: SocketReader): boolean {
    return reader.hasSomething;
  }

  static #hasWanted(reader: SocketReader): boolean {
    return reader.buffer.readable >= reader.#wanted || reader.buffer.ringFull || reader.ended;
  }

  #wait(deadline: Deadline, met: (reader: SocketReader) => boolean): boolean {
    return this.#channel.wait(deadline, met, this);
  }
}
