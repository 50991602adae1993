/**
 * Bytes from the send ring to a socket, then the end of the stream where it was asked for.
 *
 * Runs on the networking thread; the consumer of the send ring.
 *
 * libuv owns the bytes of a write until its callback: only then is the read position advanced, and the client may
 * overwrite them.
 */

import type { Socket } from "node:net";
import { ByteConsumer } from "../ring/byte-ring.js";
import { TX_READ, TX_WRITE } from "../ring/layout.js";
import type { RingReference } from "../ring/protocol.js";
import type { Slot } from "./slot.js";

/** The most that one write takes, so that the client can refill the ring while the kernel takes the rest. */
const WRITE_BYTES = 256 * 1024;

export class Sender {
  readonly #slot: Slot;
  readonly #ring: ByteConsumer;
  #socket: Socket | null = null;
  #inFlight = 0;
  #ending = false;
  #ended = false;
  readonly #written = (error?: Error | null): void => {
    if (error) return; // the socket's 'error' and 'close' say what became of it; these bytes stay pending
    this.#ring.consume(this.#inFlight);
    this.#slot.link.moved(this.#inFlight);
    this.#inFlight = 0;
    this.#slot.wake();
    this.look();
  };

  constructor(slot: Slot, ring: RingReference) {
    this.#slot = slot;
    this.#ring = new ByteConsumer(slot.words, TX_WRITE, TX_READ, Buffer.from(ring.memory, ring.offset, ring.capacity));
  }

  /** Begins to send to a socket that is connected. */
  start(socket: Socket): void {
    this.#socket = socket;
    this.look();
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.#ring.readable;
  }

  /** Ends the stream behind the bytes that are in the ring. */
  end(): void {
    this.#ending = true;
    this.look();
  }

  /** Sends what there is to send. */
  look(): void {
    if (this.#socket === null || this.#inFlight > 0 || this.#ended) return;
    const span = this.#ring.span(Math.min(WRITE_BYTES, this.#ring.capacity));
    if (span.length > 0) {
      this.#inFlight = span.length;
      this.#socket.write(span, this.#written);
    } else if (this.#ending) {
      this.#ended = true;
      this.#socket.end();
    }
  }
}
