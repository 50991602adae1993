/**
 * Takes messages out of a receive ring, and large ones out of notices.
 *
 * Runs on the calling thread; the consumer of the receive ring.
 */

import type { Channel, Rings } from "../main/link/channel.js";
import { tryResume } from "../ring/flow-control.js";
import { CLOSE, closeOf, IN_NOTICE, KIND_MASK, TEXT } from "../ring/message-record.js";
import { RecordConsumer } from "../ring/record-ring.js";

/** Text or bytes, as the peer sent them. */
export type Message = string | Buffer;

export class IncomingMessages {
  readonly #channel: Channel;
  readonly #rings: Rings;
  readonly #records: RecordConsumer;
  /** Whether the consumer is at a record that was not taken yet. */
  #stepped = false;
  /** How the connection was closed, once all messages before the close were taken. */
  close: { code: number; reason: string } | null = null;

  constructor(channel: Channel, rings: Rings) {
    this.#channel = channel;
    this.#rings = rings;
    this.#records = new RecordConsumer(rings.receive);
  }

  /** Whether there are records. */
  get any(): boolean {
    return this.#stepped || this.#rings.receive.readable > 0;
  }

  /** The length of the next message in bytes, or -1 if there is none. */
  next(): number {
    const records = this.#records;
    if (!this.#stepped && !records.next()) return -1;
    this.#stepped = true;
    const kind = records.port;
    if ((kind & KIND_MASK) === CLOSE) {
      this.#takeClose();
      return -1;
    }
    // The message is missing if the networking thread has died and its port is closed.
    return (kind & IN_NOTICE) === 0 ? records.payloadLength : (this.#handedOver?.byteLength ?? -1);
  }

  /** Takes out the message that `next` has found. */
  take(): Message {
    const records = this.#records;
    const isText = (records.port & KIND_MASK) === TEXT;
    const bytes = this.#bytes(isText);
    const message = isText ? bytes.toString() : bytes;
    this.#release();
    return message;
  }

  /** The same, as bytes, into `target`, which must be long enough. */
  takeInto(target: Uint8Array): void {
    const large = this.#handedOver;
    if (large !== null) target.set(new Uint8Array(large));
    else this.#records.copyPayload(target.subarray(0, this.#records.payloadLength));
    this.#release();
  }

  /** The current record's message if it came in a notice; null if it has not, or did not come. */
  get #handedOver(): ArrayBuffer | null {
    if ((this.#records.port & IN_NOTICE) === 0) return null;
    const { messages, link } = this.#channel;
    if (messages.length === 0) link.takeNotices();
    return messages[0] ?? null;
  }

  /** The current record's message: its own memory, or, if `inPlace`, perhaps the ring's. */
  #bytes(inPlace: boolean): Buffer {
    const large = this.#handedOver;
    if (large !== null) return Buffer.from(large);
    const records = this.#records;
    const view = inPlace ? records.payloadView() : null;
    if (view !== null) return Buffer.from(view.buffer, view.byteOffset, view.length);
    const bytes = Buffer.allocUnsafe(records.payloadLength);
    records.copyPayload(bytes);
    return bytes;
  }

  #takeClose(): void {
    const payload = Buffer.allocUnsafe(this.#records.payloadLength);
    this.#records.copyPayload(payload);
    const { code, reason } = closeOf(payload);
    this.close = { code, reason: String(reason) };
    this.#release();
  }

  #release(): void {
    const { receive } = this.#rings;
    this.#stepped = false;
    const bytes = this.#records.recordLength + (this.#handedOver?.byteLength ?? 0);
    if ((this.#records.port & IN_NOTICE) !== 0) this.#channel.messages.shift();
    this.#channel.link.caller.spinning.onActivity(bytes);
    this.#records.release(this.#records.recordLength);
    if (tryResume(this.#channel.words, receive.known, receive.capacity)) this.#channel.notifyWorker();
  }
}
