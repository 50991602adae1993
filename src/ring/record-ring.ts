/**
 * Records inside a byte ring: datagrams with their addresses, WebSocket messages, or parts of messages.
 *
 * `RecordProducer` runs on the writing thread, `RecordConsumer` on the reading one. A record is published whole, with
 * one store of the position, or not at all: a consumer never sees part of one.
 *
 * ```
 *  byte 0..3   length of the record with this header, little endian
 *       4..5   port; for a message its kind (message-record.ts)
 *       6      length of the host in bytes, 0 if the socket is connected
 *       7      unused
 *       8…     host (an IP literal or a name, UTF-8), then the payload
 * ```
 */

import type { ByteConsumer, ByteProducer } from "./byte-ring.js";

/** Bytes in front of a record's host. */
export const RECORD_HEADER_BYTES = 8;
/** The longest host that fits the header's length field. */
export const MAX_HOST_BYTES = 255;

/** The writing end. */
export class RecordProducer {
  readonly #ring: ByteProducer;
  readonly #head = new Uint8Array(RECORD_HEADER_BYTES + MAX_HOST_BYTES);
  #host = "";
  #headBytes = RECORD_HEADER_BYTES;
  #headView = this.#head.subarray(0, RECORD_HEADER_BYTES);

  constructor(ring: ByteProducer) {
    this.#ring = ring;
  }

  /** Writes one record if all of it fits; returns whether it did. `host` has up to MAX_HOST_BYTES in UTF-8. */
  write(host: string, port: number, payload: Uint8Array): boolean {
    if (host !== this.#host) this.#encodeHost(host);
    const head = this.#head;
    const length = this.#headBytes + payload.length;
    if (this.#ring.free < length) return false;
    head[0] = length & 255;
    head[1] = (length >>> 8) & 255;
    head[2] = (length >>> 16) & 255;
    head[3] = length >>> 24;
    head[4] = port & 255;
    head[5] = port >>> 8;
    this.#ring.copy(this.#headView, 0, 0);
    this.#ring.copy(payload, 0, this.#headBytes);
    this.#ring.publish(length);
    return true;
  }

  #encodeHost(host: string): void {
    const bytes = new TextEncoder().encode(host);
    if (bytes.length > MAX_HOST_BYTES)
      throw new RangeError(`a host of ${bytes.length} bytes is longer than ${MAX_HOST_BYTES}`);
    this.#head.set(bytes, RECORD_HEADER_BYTES);
    this.#head[6] = bytes.length;
    this.#host = host;
    this.#headBytes = RECORD_HEADER_BYTES + bytes.length;
    this.#headView = this.#head.subarray(0, this.#headBytes);
  }
}

/** The reading end: call `next()`, use the record's fields, then `release()` the records in their order. */
export class RecordConsumer {
  readonly #ring: ByteConsumer;
  readonly #head = new Uint8Array(RECORD_HEADER_BYTES);
  /** The bytes of `host`; the memory is reused for the next one. */
  #hostBytes = new Uint8Array(0);
  #nextHostBytes = new Uint8Array(0);
  /** Where the current record's payload begins and ends, in bytes from the ring's read position. */
  #payloadStart = 0;
  #payloadEnd = 0;
  /** Host of the current record; "" if it has none. */
  host = "";
  /** Port of the current record. */
  port = 0;
  /** Bytes of the current record with its header, for `release`. */
  recordLength = 0;

  constructor(ring: ByteConsumer) {
    this.#ring = ring;
  }

  /** Payload bytes of the current record. */
  get payloadLength(): number {
    return this.#payloadEnd - this.#payloadStart;
  }

  /** Steps to the next record, after any that were not released yet; false if there is none. */
  next(): boolean {
    const start = this.#payloadEnd;
    const head = this.#head;
    if (this.#ring.copy(head, 0, start) < RECORD_HEADER_BYTES) return false;
    this.recordLength =
      (head[0] as number) | ((head[1] as number) << 8) | ((head[2] as number) << 16) | ((head[3] as number) << 24);
    this.port = (head[4] as number) | ((head[5] as number) << 8);
    const hostLength = head[6] as number;
    this.#payloadStart = start + RECORD_HEADER_BYTES + hostLength;
    this.#payloadEnd = start + this.recordLength;
    this.#decodeHost(hostLength, start + RECORD_HEADER_BYTES);
    return true;
  }

  /** Copies the current record's payload into `target`, which has at most `payloadLength` bytes. */
  copyPayload(target: Uint8Array): void {
    this.#ring.copy(target, 0, this.#payloadStart);
  }

  /** The current record's payload in place if it is contiguous, or else `null`. Valid until it is released. */
  payloadView(): Uint8Array | null {
    const view = this.#ring.span(this.payloadLength, this.#payloadStart);
    return view.length === this.payloadLength ? view : null;
  }

  /** Frees the oldest record that was not released yet, of `recordLength` bytes, for the producer. */
  release(recordLength: number): void {
    this.#ring.consume(recordLength);
    this.#payloadStart -= recordLength;
    this.#payloadEnd -= recordLength;
  }

  #decodeHost(length: number, start: number): void {
    const known = this.#hostBytes;
    const bytes = this.#nextHostBytes.length === length ? this.#nextHostBytes : new Uint8Array(length);
    this.#ring.copy(bytes, 0, start);
    let same = known.length === length;
    for (let i = 0; same && i < length; i++) same = known[i] === bytes[i];
    this.#nextHostBytes = bytes;
    if (same) return;
    this.host = new TextDecoder().decode(bytes);
    this.#hostBytes = bytes;
    this.#nextHostBytes = known;
  }
}
