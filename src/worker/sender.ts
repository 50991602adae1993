/**
 * Moves bytes from the send ring to a socket, and ends the stream on request.
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
 * The largest write in bytes, for a fast peer and for a slow one. The caller gets the room back when the kernel has
 * taken the whole write.
 */
const MOST_BYTES = 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
/** A peer is slow if a write took longer than this, in ms. */
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
    // If the socket was destroyed during the write, Node calls back without an error. The bytes stay pending; the
    // socket's 'error' and 'close' events report what happened to the connection.
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

  /** Starts sending to a connected socket. */
  start(socket: Socket): void {
    this.#socket = socket;
    this.pump();
  }

  /**
   * Stops sending until the next `start`. Returns false, and does nothing, if a write is under way or the stream was
   * ended.
   */
  stop(): boolean {
    if (this.#inFlight > 0 || this.#ending) return false;
    this.#socket = null;
    return true;
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.#ring.readable;
  }

  /** Ends the stream after the bytes in the ring. */
  end(): void {
    this.#ending = true;
    this.pump();
  }

  /** Sends what is pending. */
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
