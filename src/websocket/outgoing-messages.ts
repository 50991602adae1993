/**
 * Writes messages into a send ring, and keeps the rest of one whose timeout has passed.
 *
 * Runs on the calling thread; the producer of the send ring.
 */

import type { Channel, Rings } from "../main/link/channel.js";
import { CLOSE, CLOSE_RECORD_BYTES, CONTINUED, closePayload, pieceBytes } from "../ring/message-record.js";
import { RECORD_HEADER_BYTES, RecordProducer } from "../ring/record-ring.js";

export class OutgoingMessages {
  readonly #channel: Channel;
  readonly #rings: Rings;
  readonly #records: RecordProducer;
  readonly #piece: number;
  #rest: { kind: number; bytes: Uint8Array } | null = null;

  constructor(channel: Channel, rings: Rings) {
    this.#channel = channel;
    this.#rings = rings;
    this.#records = new RecordProducer(rings.send);
    this.#piece = pieceBytes(rings.send.capacity);
  }

  /** The longest message that `send` takes, in bytes: room for a close is always left. */
  get longest(): number {
    return this.#rings.send.capacity - CLOSE_RECORD_BYTES - RECORD_HEADER_BYTES;
  }

  /** Bytes of a message that are not in the ring yet. */
  get rest(): number {
    return this.#rest?.bytes.length ?? 0;
  }

  /** Whether a message of `bytes` fits now. */
  hasRoom(bytes: number): boolean {
    return this.#rest === null && this.#rings.send.free >= bytes + RECORD_HEADER_BYTES + CLOSE_RECORD_BYTES;
  }

  /** Takes a whole message if there is room; returns whether it did. */
  send(kind: number, bytes: Uint8Array): boolean {
    if (!this.sendRest() || !this.hasRoom(bytes.length)) return false;
    this.#records.write("", kind, bytes);
    this.#channel.notifyWorker();
    return true;
  }

  /** Begins a message that is longer than the ring; `sendRest` continues it. Its bytes are not copied. */
  begin(kind: number, bytes: Uint8Array): void {
    this.#rest = { kind, bytes };
  }

  /** Writes what fits of a message that was begun; returns whether it is complete. */
  sendRest(): boolean {
    const rest = this.#rest;
    if (rest === null) return true;
    const { send } = this.#rings;
    let written = false;
    do {
      const piece = rest.bytes.subarray(0, this.#piece);
      if (send.free < piece.length + RECORD_HEADER_BYTES + CLOSE_RECORD_BYTES) break;
      rest.bytes = rest.bytes.subarray(piece.length);
      this.#records.write("", rest.bytes.length === 0 ? rest.kind : rest.kind | CONTINUED, piece);
      written = true;
    } while (rest.bytes.length > 0);
    if (written) this.#channel.notifyWorker();
    if (rest.bytes.length > 0) return false;
    this.#rest = null;
    return true;
  }

  /** Copies the rest of the message, since the program may change its bytes. */
  keepRest(): void {
    if (this.#rest !== null) this.#rest.bytes = Uint8Array.from(this.#rest.bytes);
  }

  /**
   * Requests the closing handshake, after all messages. There is always room for it. The rest of an unfinished message
   * is dropped.
   */
  close(code: number, reason: Uint8Array): void {
    this.#rest = null;
    this.#records.write("", CLOSE, closePayload(code, reason));
    this.#channel.notifyWorker();
  }
}
