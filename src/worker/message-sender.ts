/**
 * Moves messages from the send ring to a WebSocket of `ws`.
 *
 * Runs on the networking thread; the consumer of the send ring.
 *
 * Records are sent in batches of one write each. `ws` and libuv own a batch's bytes until the callback of its last
 * message; only then are they released to the ring. A message of several records is sent as that many fragments.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { ByteConsumer } from "../ring/byte-ring.js";
import { TX_READ, TX_WRITE } from "../ring/layout.js";
import { BINARY, CLOSE, CONTINUED, closeOf, KIND_MASK } from "../ring/message-record.js";
import type { RingReference } from "../ring/protocol.js";
import { RecordConsumer } from "../ring/record-ring.js";
import type { Slot } from "./slot.js";

/** The size in bytes at which a batch ends. The caller gets the room back when the whole batch is sent. */
const BATCH_BYTES = 256 * 1024;

export class MessageSender {
  readonly #slot: Slot;
  readonly #ring: ByteConsumer;
  readonly #records: RecordConsumer;
  #webSocket: WebSocket | null = null;
  #socket: Socket | null = null;
  /** Bytes of the ring in the current batch; 0: there is none. */
  #inFlight = 0;
  /** Whether the consumer is at a record that was not sent yet. */
  #stepped = false;
  #ended = false;
  /** The program's close was read from the ring. */
  readonly #onClose: (code: number, reason: Buffer) => void;
  readonly #onSent: () => void;

  /** `onClose` is called after the last message; `onSent` after each batch. */
  constructor(slot: Slot, ring: RingReference, onClose: (code: number, reason: Buffer) => void, onSent: () => void) {
    this.#slot = slot;
    this.#onClose = onClose;
    this.#onSent = onSent;
    const { memory, offset, capacity } = ring;
    this.#ring = new ByteConsumer(slot.words, TX_WRITE, TX_READ, Buffer.from(memory, offset, capacity));
    this.#records = new RecordConsumer(this.#ring);
  }

  /** Starts sending: the WebSocket is open, on `socket`. */
  start(webSocket: WebSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.pump();
  }

  /** Stops sending. */
  stop(): void {
    this.#ended = true;
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.#ring.readable;
  }

  /** Whether there is a message to send. Only before `start`. */
  get hasMessage(): boolean {
    return this.#step() && !isClose(this.#records.port);
  }

  /** Sends what is pending. */
  pump(): void {
    const socket = this.#socket;
    if (socket === null || this.#inFlight > 0 || this.#ended || !this.#step()) return;
    socket.cork();
    if (isClose(this.#records.port)) this.#close();
    else this.#sendBatch();
    socket.uncork();
  }

  /** Steps to the next record that was not sent yet; returns whether there is one. */
  #step(): boolean {
    this.#stepped ||= this.#records.next();
    return this.#stepped;
  }

  /** Sends from the current record on, up to a close. */
  #sendBatch(): void {
    const records = this.#records;
    const webSocket = this.#webSocket as WebSocket;
    let bytes = 0;
    for (;;) {
      const kind = records.port;
      const payload = records.payloadView() ?? this.#copy();
      const options = { binary: (kind & KIND_MASK) === BINARY, fin: (kind & CONTINUED) === 0 };
      bytes += records.recordLength;
      this.#stepped = bytes < BATCH_BYTES && records.next();
      if (!this.#stepped || isClose(records.port)) {
        this.#inFlight = bytes;
        webSocket.send(payload, options, this.#sent);
        return;
      }
      webSocket.send(payload, options);
    }
  }

  #close(): void {
    const { code, reason } = closeOf(this.#copy());
    this.#ended = true;
    this.#records.release(this.#records.recordLength);
    this.#onClose(code, reason as Buffer);
  }

  readonly #sent = (error?: Error | null): void => {
    // Unsent bytes stay pending; the WebSocket's 'close' event reports what happened to the connection.
    if (error || this.#socket?.destroyed) return;
    const bytes = this.#inFlight;
    this.#inFlight = 0;
    this.#records.release(bytes);
    this.#slot.link.onActivity(bytes);
    this.#slot.roomMade();
    this.pump();
    this.#onSent();
  };

  #copy(): Buffer {
    const payload = Buffer.allocUnsafe(this.#records.payloadLength);
    this.#records.copyPayload(payload);
    return payload;
  }
}

function isClose(kind: number): boolean {
  return (kind & KIND_MASK) === CLOSE;
}
