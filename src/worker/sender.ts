/**
 * Bytes from the send ring to a socket, then the end of the stream where it was asked for.
 *
 * Runs on the networking thread; the consumer of the send ring.
 *
 * libuv owns the bytes of a write until its callback: only then is the read position advanced, and the caller may
 * overwrite them.
 */

import type { Socket } from "node:net";
import { ByteConsumer } from "../ring/byte-ring.js";
import { TX_READ, TX_WRITE } from "../ring/layout.js";
import type { RingReference } from "../ring/protocol.js";
import type { Slot } from "./slot.js";

/**
 * The most that one write takes, in bytes, while the peer is quick, and while it is slow: the caller gets the room, and sees the
 * progress, when the kernel has taken all of a write.
 */
const MOST_BYTES = 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
/** A write that took longer than this, in ms, met a slow peer. */
const SLOW_MS = 10;

export class Sender {
  readonly #slot: Slot;
  readonly #ring: ByteConsumer;
  #socket: Socket | null = null;
  #inFlight = 0;
  #limit = LEAST_BYTES;
  #begun = 0;
  #ending = false;
  #ended = false;
  readonly #written = (error?: Error | null): void => {
    // Node calls back without an error for a write that was under way when the socket was destroyed. These bytes stay pending; what
    // became of the connection is said by the socket's 'error' and 'close'.
    if (error || this.#socket?.destroyed) return;
    this.#ring.consume(this.#inFlight);
    this.#slot.link.onActivity(this.#inFlight);
    this.#inFlight = 0;
    const slow = performance.now() - this.#begun > SLOW_MS;
    this.#limit = slow ? Math.max(LEAST_BYTES, this.#limit / 2) : Math.min(MOST_BYTES, this.#limit * 2);
    this.#slot.roomMade();
    this.pump();
  };

  constructor(slot: Slot, ring: RingReference) {
    this.#slot = slot;
    this.#ring = new ByteConsumer(slot.words, TX_WRITE, TX_READ, Buffer.from(ring.memory, ring.offset, ring.capacity));
  }

  /** Begins to send to a socket that is connected. */
  start(socket: Socket): void {
    this.#socket = socket;
    this.pump();
  }

  /** Sends nothing until it is started again. Returns false, and does nothing, where bytes are under way or the end is. */
  stop(): boolean {
    if (this.#inFlight > 0 || this.#ending) return false;
    this.#socket = null;
    return true;
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.#ring.readable;
  }

  /** Ends the stream behind the bytes that are in the ring. */
  end(): void {
    this.#ending = true;
    this.pump();
  }

  /** Sends what there is to send. */
  pump(): void {
    if (this.#socket === null || this.#inFlight > 0 || this.#ended) return;
    const span = this.#ring.span(this.#limit);
    if (span.length > 0) {
      this.#inFlight = span.length;
      this.#begun = performance.now();
      this.#socket.write(span, this.#written);
    } else if (this.#ending) {
      this.#ended = true;
      this.#socket.end();
    }
  }
}
