/**
 * Takes messages out of a receive ring, and joins messages of several records.
 *
 * Runs on the calling thread; the consumer of the receive ring.
 */

import type { Channel, Rings } from "../main/link/channel.js";
import { tryResume } from "../ring/flow-control.js";
import { CLOSE, CONTINUED, closeOf, KIND_MASK, LENGTH, lengthOf, TEXT } from "../ring/message-record.js";
import { RecordConsumer } from "../ring/record-ring.js";

/** Text or bytes, as the peer sent them. */
export type Message = string | Buffer;

export class IncomingMessages {
  readonly #channel: Channel;
  readonly #rings: Rings;
  readonly #records: RecordConsumer;
  /** Whether the consumer is at a record that was not taken yet. */
  #stepped = false;
  /** A message of several records, and how many of its bytes have arrived. */
  #large: Buffer | null = null;
  #filled = 0;
  #largeIsWhole = false;
  #largeIsText = false;
  /** How the connection was closed, once all messages before the close were taken. */
  close: { code: number; reason: string } | null = null;

  constructor(channel: Channel, rings: Rings) {
    this.#channel = channel;
    this.#rings = rings;
    this.#records = new RecordConsumer(rings.receive);
  }

  /** Whether there are records, or a complete message. */
  get any(): boolean {
    return this.#largeIsWhole || this.#stepped || this.#rings.receive.readable > 0;
  }

  /** The length of the next message in bytes, or -1 if none is complete. Takes in the available part of a large one. */
  next(): number {
    if (this.#largeIsWhole) return this.#filled;
    const records = this.#records;
    while (this.#stepped || records.next()) {
      this.#stepped = true;
      const kind = records.port & KIND_MASK;
      if (kind === CLOSE) this.#takeClose();
      else if (kind === LENGTH) this.#begin();
      else if (this.#large === null) return records.payloadLength;
      else if (this.#takePiece()) return this.#filled;
      if (this.close !== null) return -1;
    }
    return -1;
  }

  /** Takes out the message that `next` has found. */
  take(): Message {
    if (this.#largeIsWhole) {
      const bytes = this.#large as Buffer;
      this.#forgetLarge();
      return this.#largeIsText ? bytes.toString() : bytes;
    }
    const records = this.#records;
    const isText = (records.port & KIND_MASK) === TEXT;
    const view = isText ? records.payloadView() : null;
    let message: Message;
    if (view !== null) {
      message = Buffer.from(view.buffer, view.byteOffset, view.length).toString();
    } else {
      const bytes = Buffer.allocUnsafe(records.payloadLength);
      records.copyPayload(bytes);
      message = isText ? bytes.toString() : bytes;
    }
    this.#release();
    return message;
  }

  /** The same, as bytes, into `target`, which must be long enough. */
  takeInto(target: Uint8Array): void {
    if (this.#largeIsWhole) {
      target.set(this.#large as Buffer);
      this.#forgetLarge();
      return;
    }
    this.#records.copyPayload(target.subarray(0, this.#records.payloadLength));
    this.#release();
  }

  #begin(): void {
    const payload = Buffer.alloc(4);
    this.#records.copyPayload(payload);
    this.#large = Buffer.allocUnsafe(lengthOf(payload));
    this.#filled = 0;
    this.#release();
  }

  /** Returns whether the message is now complete. */
  #takePiece(): boolean {
    const records = this.#records;
    const large = this.#large as Buffer;
    records.copyPayload(large.subarray(this.#filled, this.#filled + records.payloadLength));
    this.#filled += records.payloadLength;
    this.#largeIsText = (records.port & KIND_MASK) === TEXT;
    this.#largeIsWhole = (records.port & CONTINUED) === 0;
    this.#release();
    return this.#largeIsWhole;
  }

  #takeClose(): void {
    const payload = Buffer.allocUnsafe(this.#records.payloadLength);
    this.#records.copyPayload(payload);
    const { code, reason } = closeOf(payload);
    this.close = { code, reason: String(reason) };
    this.#release();
  }

  #forgetLarge(): void {
    this.#large = null;
    this.#filled = 0;
    this.#largeIsWhole = false;
  }

  #release(): void {
    const { receive } = this.#rings;
    this.#stepped = false;
    this.#channel.link.caller.spinning.onActivity(this.#records.recordLength);
    this.#records.release(this.#records.recordLength);
    if (tryResume(this.#channel.words, receive.known, receive.capacity)) this.#channel.notifyWorker();
  }
}
