/**
 * Moves a WebSocket's messages into the receive ring, and large ones to the caller's thread, with flow control.
 *
 * Runs on the networking thread; the producer of the receive ring.
 *
 * A large message is in memory of its own when `ws` has joined it. That memory is moved to the other thread by a notice,
 * and the ring gets an empty record in its place; it counts as if its bytes were in the ring. When the ring is full by
 * that count the socket is paused. `ws` still delivers the messages in the bytes that it has read (at most
 * 64 KiB, more if they are compressed); they wait in `#overflow`, and a close waits behind them.
 */

import { ByteProducer } from "../ring/byte-ring.js";
import { tryPause } from "../ring/flow-control.js";
import { RX_PAUSED, RX_READ, RX_WRITE } from "../ring/layout.js";
import { IN_NOTICE, pieceBytes } from "../ring/message-record.js";
import type { RingReference } from "../ring/protocol.js";
import { RECORD_HEADER_BYTES, RecordProducer } from "../ring/record-ring.js";
import type { Slot } from "./slot.js";
import { WakeCoalescing } from "./wake-coalescing.js";

/** A message of this many bytes is likely to be followed by more. */
const BULK_BYTES = 8 * 1024;
const NOTHING = new Uint8Array(0);

interface Waiting {
  kind: number;
  bytes: Uint8Array;
}

/** A message that went in a notice. */
interface HandedOver {
  /** The position in the ring after its record. */
  position: number;
  bytes: number;
}

export class MessageReceiver {
  readonly #slot: Slot;
  readonly #ring: ByteProducer;
  readonly #records: RecordProducer;
  readonly #waking: WakeCoalescing;
  readonly #piece: number;
  readonly #overflow: Waiting[] = [];
  /** The messages that went in notices and may not have been taken, in their order, and the sum of their bytes. */
  readonly #handedOver: HandedOver[] = [];
  #handedOverBytes = 0;
  readonly #afterOverflow: (() => void)[] = [];
  #paused = false;
  #discarding = false;
  /** Of the ring, in bytes. */
  readonly capacity: number;
  /** Pauses and resumes reading from the socket. */
  pause: () => void = () => {};
  resume: () => void = () => {};

  constructor(slot: Slot, ring: RingReference) {
    this.#slot = slot;
    const { memory, offset, capacity } = ring;
    this.capacity = capacity;
    this.#ring = new ByteProducer(slot.words, RX_WRITE, RX_READ, new Uint8Array(memory, offset, capacity));
    this.#records = new RecordProducer(this.#ring);
    this.#waking = new WakeCoalescing(slot, capacity);
    this.#piece = pieceBytes(capacity);
  }

  /** Takes a message, whose memory belongs to this object from now on. */
  message(kind: number, bytes: Uint8Array): void {
    this.#slot.link.onActivity(bytes.length);
    if (this.#discarding || (this.#overflow.length === 0 && this.#pass(kind, bytes))) return;
    this.#overflow.push({ kind, bytes });
    if (!this.#paused && !this.#emptyOverflow()) this.pause();
  }

  /** Bytes for which there is room: less than none if messages in notices are more than the ring would take. */
  get free(): number {
    this.#forgetTaken();
    return this.#ring.free - this.#handedOverBytes;
  }

  /** The caller has queued the slot: resumes if it was paused and the caller has made room. */
  maybeResume(): void {
    if (!this.#paused || Atomics.load(this.#slot.words, RX_PAUSED) === 1) return; // partner: tryResume
    this.#paused = false;
    if (this.#emptyOverflow()) this.resume();
  }

  /** Calls `then` once all messages are in the ring: immediately, or when the caller has made room for the last. */
  finish(then: () => void): void {
    if (this.#overflow.length === 0) then();
    else this.#afterOverflow.push(then);
  }

  /** From now on messages are discarded, so that the peer's close is reached. */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    this.#overflow.length = 0;
    this.#overflowEmpty();
    if (!this.#paused) return;
    this.#paused = false;
    this.resume();
  }

  /**
   * Writes what fits. Returns whether that was everything; if not, the caller notifies this thread when there is room.
   */
  #emptyOverflow(): boolean {
    while (!this.#writeOverflow()) {
      if (!tryPause(this.#slot.words, this)) continue;
      this.#paused = true;
      return false;
    }
    this.#overflowEmpty();
    return true;
  }

  #writeOverflow(): boolean {
    for (let next = this.#overflow[0]; next !== undefined; next = this.#overflow[0]) {
      if (!this.#pass(next.kind, next.bytes)) return false;
      this.#overflow.shift();
    }
    return true;
  }

  /** Writes a message to the ring, or hands it over; returns whether there was room. */
  #pass(kind: number, bytes: Uint8Array): boolean {
    if (bytes.length > this.#piece) return this.#handOver(kind, bytes);
    if (this.#handedOver.length > 0) this.#forgetTaken(); // before the positions have wrapped around
    if (!this.#records.write("", kind, bytes)) return false;
    this.#waking.arrived(bytes.length, bytes.length >= BULK_BYTES);
    return true;
  }

  #handOver(kind: number, bytes: Uint8Array): boolean {
    if (this.free <= 0 || this.#ring.free < RECORD_HEADER_BYTES) return false;
    const { length } = bytes;
    this.#slot.handOver(ownMemory(bytes));
    this.#records.write("", kind | IN_NOTICE, NOTHING);
    this.#handedOver.push({ position: this.#ring.position, bytes: length });
    this.#handedOverBytes += length;
    this.#waking.arrived(length, true);
    return true;
  }

  #forgetTaken(): void {
    const readPosition = (this.#ring.position - this.#ring.pending) | 0;
    for (let oldest = this.#handedOver[0]; oldest !== undefined; oldest = this.#handedOver[0]) {
      if (((oldest.position - readPosition) | 0) > 0) return;
      this.#handedOverBytes -= oldest.bytes;
      this.#handedOver.shift();
    }
  }

  #overflowEmpty(): void {
    for (const then of this.#afterOverflow.splice(0)) then();
  }
}

/** The memory of `bytes` if it has no other bytes, or a copy. */
function ownMemory(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  return (buffer.byteLength === bytes.length ? buffer : new Uint8Array(bytes).buffer) as ArrayBuffer;
}
