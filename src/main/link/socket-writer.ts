/**
 * The writing side of a connection.
 *
 * Runs on the calling thread; the producer of the send ring.
 */

import type { ByteProducer } from "../../ring/byte-ring.js";
import { PHASE_FAILED, PHASE_MASK, REQUEST_END, WRITE_FAILED } from "../../ring/layout.js";
import { metOrAsk } from "../../ring/room-interest.js";
import { NetError, timedOut } from "../api/net-error.js";
import type { Channel, Rings } from "./channel.js";
import type { Deadline } from "./deadline.js";
import { WRITABLE } from "./watcher.js";

/** A position in a list of pieces. */
interface Cursor {
  piece: number;
  offset: number;
}

export class SocketWriter {
  /** The number of bytes taken. */
  bytesWritten = 0;
  /** Whether `end` was called. */
  ended = false;
  readonly #channel: Channel;
  readonly #ring: ByteProducer;
  #wanted = 0;
  /** The condition of the last wait. */
  #awaited = SocketWriter.#hasRoom;
  /** Bytes of the last claim that can be committed. */
  #claimed = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#ring = (channel.rings as Rings).send;
  }

  /** Whether nothing can be sent any more. */
  get failed(): boolean {
    const state = this.#channel.state;
    return (state & PHASE_MASK) === PHASE_FAILED || (state & WRITE_FAILED) !== 0;
  }

  /** Bytes that can be written now. */
  get room(): number {
    return this.ended || this.failed || this.#channel.securing ? 0 : this.#ring.free;
  }

  /** Whether `write` would take a byte or throw. If not, declares write interest. */
  get open(): boolean {
    return this.ended || this.#holds(SocketWriter.#hasRoom);
  }

  /** Whether nothing is pending, or can be sent any more. If not, declares write interest. */
  get drained(): boolean {
    return this.#holds(SocketWriter.#isDrained);
  }

  /** Bytes taken here and not yet by the operating system. Throws the connection's error if they are lost. */
  get pending(): number {
    const pending = this.#ring.pending;
    if (pending > 0) this.#channel.link.caller.maybeCheckLiveness();
    if (pending > 0 && this.failed) throw this.#channel.freshError();
    return pending;
  }

  /** Takes as much of `bytes` from `offset` on as fits. Throws the connection's error, or `EPIPE` after `end`. */
  write(bytes: Uint8Array, offset: number): number {
    this.#mustBeWritable();
    this.#claimed = 0;
    const count = this.#channel.securing ? 0 : this.#ring.write(bytes, offset);
    this.#took(count);
    return count;
  }

  /** The first contiguous free bytes, at most `limit`, for `commit`. Throws as `write`. */
  claim(limit: number): Uint8Array {
    this.#mustBeWritable();
    const span = this.#ring.span(this.#channel.securing ? 0 : limit);
    this.#claimed = span.length;
    if (span.length === 0) this.#channel.link.caller.maybeCheckLiveness();
    return span;
  }

  /** Bytes that `commit` would take. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Ends the last claim: nothing of it can be committed any more. */
  voidClaim(): void {
    this.#claimed = 0;
  }

  /** Takes the first `count` claimed bytes; at least as many must be claimed. Throws as `write`. */
  commit(count: number): void {
    this.#claimed = 0;
    this.#mustBeWritable();
    if (count > 0) this.#ring.publish(count);
    this.#took(count);
  }

  /** Blocks until all pieces were taken, in order. Throws as `write`, and `ETIMEDOUT` with `bytesWritten`. */
  writeAll(pieces: readonly Uint8Array[], deadline: Deadline): void {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const cursor: Cursor = { piece: 0, offset: 0 };
    let written = this.#gather(pieces, cursor);
    while (written < length) {
      // Waking up for a few free bytes costs more than it gains.
      this.#wanted = Math.min(length - written, this.#ring.capacity >> 2);
      const inTime = this.#waitWithin(written, deadline);
      written += this.#gather(pieces, cursor);
      if (!inTime && written < length) {
        const error = this.#channel.outOfTime(timedOut("writeAll", deadline.timeout));
        error.bytesWritten = written;
        throw error;
      }
    }
  }

  /** Blocks until there is room; returns whether there is. Throws the connection's error if there never will be. */
  awaitRoom(deadline: Deadline): boolean {
    if (this.ended && !this.failed) throw writeAfterEnd();
    const room = this.#wait(deadline, SocketWriter.#hasRoom);
    if (this.failed) throw this.#channel.takeError(WRITABLE);
    return room;
  }

  /** Blocks until nothing is pending; returns what is. Throws as `pending`. */
  awaitDrained(deadline: Deadline): number {
    this.#wait(deadline, SocketWriter.#isDrained);
    if (this.failed && this.#ring.pending > 0) throw this.#channel.takeError(WRITABLE);
    return this.pending;
  }

  /** Ends the stream after the bytes taken so far. */
  end(): void {
    if (this.ended) return;
    this.#claimed = 0;
    this.ended = true;
    this.#channel.request(REQUEST_END);
  }

  /** Waits within `writeAll`, and sets `bytesWritten` on an error. */
  #waitWithin(written: number, deadline: Deadline): boolean {
    try {
      return this.#wait(deadline, SocketWriter.#hasWanted);
    } catch (error) {
      if (error instanceof NetError) error.bytesWritten = written;
      throw error;
    }
  }

  /**
   * Takes as much of the pieces as fits, from the cursor on, and moves the cursor. All of it is published in one step.
   */
  #gather(pieces: readonly Uint8Array[], cursor: Cursor): number {
    this.#mustBeWritable();
    this.#claimed = 0;
    let count = 0;
    while (cursor.piece < pieces.length && !this.#channel.securing) {
      const piece = pieces[cursor.piece] as Uint8Array;
      const copied = this.#ring.copy(piece, cursor.offset, count);
      count += copied;
      cursor.offset += copied;
      if (cursor.offset < piece.length) break;
      cursor.piece++;
      cursor.offset = 0;
    }
    if (count > 0) this.#ring.publish(count);
    this.#took(count);
    return count;
  }

  #mustBeWritable(): void {
    if (this.failed) throw this.#channel.takeError(WRITABLE);
    if (this.ended) throw writeAfterEnd();
  }

  /** Counts published bytes and notifies the networking thread. */
  #took(count: number): void {
    if (count > 0) {
      this.bytesWritten += count;
      this.#channel.link.traffic.bytesWritten += count;
      this.#channel.link.caller.spinning.onActivity(count);
      this.#channel.notifyWorker();
    } else {
      this.#channel.link.caller.maybeCheckLiveness();
    }
  }

  // Conditions of waits: static, so that a wait makes no closure.

  static #hasRoom(writer: SocketWriter): boolean {
    return writer.failed || (writer.#ring.free > 0 && !writer.#channel.securing);
  }

  static #hasWanted(writer: SocketWriter): boolean {
    return writer.failed || (writer.#ring.free >= writer.#wanted && !writer.#channel.securing);
  }

  static #isDrained(writer: SocketWriter): boolean {
    return writer.#ring.pending === 0 || writer.failed;
  }

  static #awaitedHolds(writer: SocketWriter): boolean {
    return writer.#holds(writer.#awaited);
  }

  /** Whether `met` holds. If not, declares write interest. The end of a handshake notifies without it. */
  #holds(met: (writer: SocketWriter) => boolean): boolean {
    return metOrAsk(this.#channel.words, met, this);
  }

  #wait(deadline: Deadline, met: (writer: SocketWriter) => boolean): boolean {
    this.#awaited = met;
    return this.#channel.wait(deadline, SocketWriter.#awaitedHolds, this);
  }
}

function writeAfterEnd(): NetError {
  return new NetError({ code: "EPIPE", message: "write after end()", syscall: "write" });
}
