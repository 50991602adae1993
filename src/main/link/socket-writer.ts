/**
 * The writing side of a connection: what fits, what is pending, and whether it will ever go out.
 *
 * Runs on the calling thread; the producer of the send ring.
 */

import type { ByteProducer } from "../../ring/byte-ring.js";
import { PHASE_FAILED, PHASE_MASK, REQUEST_END, WRITE_FAILED } from "../../ring/layout.js";
import { askForRoom } from "../../ring/room-interest.js";
import { NetError, timedOut } from "../api/net-error.js";
import type { Channel, Rings } from "./channel.js";
import type { Deadline } from "./deadline.js";

export class SocketWriter {
  /** Bytes that were taken. */
  bytesWritten = 0;
  /** Whether the program has ended this side. */
  ended = false;
  readonly #channel: Channel;
  readonly #ring: ByteProducer;
  #wanted = 0;

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

  /** Whether `write` would take a byte or throw. Where it would not, a poller is notified once there is room. */
  get open(): boolean {
    if (this.ended || this.failed) return true;
    if (this.#channel.securing) return false; // the end of the handshake notifies pollers
    if (this.#ring.free > 0) return true;
    askForRoom(this.#channel.words);
    return this.#ring.free > 0 || this.failed;
  }

  /** Bytes that were taken and not handed to the operating system. Throws the connection's error if they are lost. */
  get pending(): number {
    const pending = this.#ring.pending;
    if (pending > 0) this.#channel.link.caller.maybeCheckLiveness();
    if (pending > 0 && this.failed) throw this.#channel.error;
    return pending;
  }

  /** Takes what fits of `bytes` from `offset` on. Throws the connection's error, or `EPIPE` after the end. */
  write(bytes: Uint8Array, offset: number): number {
    if (this.failed) throw this.#channel.takeError();
    if (this.ended) throw writeAfterEnd();
    const count = this.#channel.securing ? 0 : this.#ring.write(bytes, offset);
    if (count > 0) {
      this.bytesWritten += count;
      this.#channel.link.caller.spinning.onActivity(count);
      this.#channel.notifyWorker();
    } else {
      this.#channel.link.caller.maybeCheckLiveness();
    }
    return count;
  }

  /** Blocks until all was taken. Throws as `write`, and `ETIMEDOUT` with `bytesWritten`. */
  writeAll(bytes: Uint8Array, deadline: Deadline): void {
    let written = this.write(bytes, 0);
    while (written < bytes.length) {
      // Waking up for a few free bytes costs more than it gains.
      this.#wanted = Math.min(bytes.length - written, this.#ring.capacity >> 2);
      const inTime = this.#wait(deadline, SocketWriter.#hasWanted);
      written += this.write(bytes, written);
      if (!inTime && written < bytes.length) {
        const error = this.#channel.link.reasonOf(timedOut("writeAll", deadline.timeout));
        error.bytesWritten = written;
        throw error;
      }
    }
  }

  /** Blocks until there is room; returns whether there is. Throws the connection's error if there never will be. */
  awaitRoom(deadline: Deadline): boolean {
    if (this.ended && !this.failed) throw writeAfterEnd();
    const room = this.#wait(deadline, SocketWriter.#hasRoom);
    if (this.failed) throw this.#channel.takeError();
    return room;
  }

  /** Blocks until nothing is pending; returns what is. Throws as `pending`. */
  awaitDrained(deadline: Deadline): number {
    this.#wait(deadline, SocketWriter.#isDrained);
    if (this.failed && this.#ring.pending > 0) throw this.#channel.takeError();
    return this.pending;
  }

  /** Ends the stream behind the bytes that were taken. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#channel.request(REQUEST_END);
  }

  // Conditions to block for: static, so that a wait makes no closure.

  static #hasRoom(writer: SocketWriter): boolean {
    return writer.failed || (writer.#ring.free > 0 && !writer.#channel.securing);
  }

  static #hasWanted(writer: SocketWriter): boolean {
    return writer.failed || (writer.#ring.free >= writer.#wanted && !writer.#channel.securing);
  }

  static #isDrained(writer: SocketWriter): boolean {
    return writer.#ring.pending === 0 || writer.failed;
  }

  #wait(deadline: Deadline, met: (writer: SocketWriter) => boolean): boolean {
    return this.#channel.link.caller.wait(this.#channel.handleId, deadline, met, this);
  }
}

function writeAfterEnd(): NetError {
  return new NetError({ code: "EPIPE", message: "write after end()", syscall: "write" });
}
