/**
 * Moves a WebSocket's messages into the receive ring, with flow control.
 *
 * Runs on the networking thread; the producer of the receive ring.
 *
 * When the ring is full the socket is paused. `ws` still delivers the messages in the bytes that it has read (at most
 * 64 KiB, more if they are compressed); they wait in `#overflow`, and a close waits behind them.
 */

import { ByteProducer } from "../ring/byte-ring.js";
import { tryPause } from "../ring/flow-control.js";
import { RX_PAUSED, RX_READ, RX_WRITE } from "../ring/layout.js";
import { CONTINUED, LENGTH, lengthPayload, pieceBytes } from "../ring/message-record.js";
import type { RingReference } from "../ring/protocol.js";
import { RecordProducer } from "../ring/record-ring.js";
import type { Slot } from "./slot.js";
import { WakeCoalescing } from "./wake-coalescing.js";

/** A message of this many bytes is likely to be followed by more. */
const BULK_BYTES = 8 * 1024;

interface Waiting {
  kind: number;
  bytes: Uint8Array;
  /** Bytes already in the ring; -1 if not even the LENGTH record is. */
  written: number;
}

export class MessageReceiver {
  readonly #slot: Slot;
  readonly #ring: ByteProducer;
  readonly #records: RecordProducer;
  readonly #waking: WakeCoalescing;
  readonly #piece: number;
  readonly #overflow: Waiting[] = [];
  readonly #afterOverflow: (() => void)[] = [];
  #paused = false;
  #discarding = false;
  /** Pauses and resumes reading from the socket. */
  pause: () => void = () => {};
  resume: () => void = () => {};

  constructor(slot: Slot, ring: RingReference) {
    this.#slot = slot;
    const { memory, offset, capacity } = ring;
    this.#ring = new ByteProducer(slot.words, RX_WRITE, RX_READ, new Uint8Array(memory, offset, capacity));
    this.#records = new RecordProducer(this.#ring);
    this.#waking = new WakeCoalescing(slot, capacity);
    this.#piece = pieceBytes(capacity);
  }

  /** Takes a message; its bytes must not change until they are in the ring. */
  message(kind: number, bytes: Uint8Array): void {
    this.#slot.link.onActivity(bytes.length);
    if (this.#discarding) return;
    const small = bytes.length <= this.#piece;
    if (small && this.#overflow.length === 0 && this.#records.write("", kind, bytes)) {
      this.#waking.arrived(bytes.length, bytes.length >= BULK_BYTES);
      return;
    }
    this.#overflow.push({ kind, bytes, written: small ? 0 : -1 });
    if (!this.#paused && !this.#emptyOverflow()) this.pause();
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
      if (!tryPause(this.#slot.words, this.#ring)) continue;
      this.#paused = true;
      return false;
    }
    this.#overflowEmpty();
    return true;
  }

  #writeOverflow(): boolean {
    for (let next = this.#overflow[0]; next !== undefined; next = this.#overflow[0]) {
      if (!this.#writePieces(next)) return false;
      this.#overflow.shift();
    }
    return true;
  }

  #writePieces(message: Waiting): boolean {
    const { kind, bytes } = message;
    if (message.written < 0) {
      if (!this.#records.write("", LENGTH, lengthPayload(bytes.length))) return false;
      message.written = 0;
    }
    do {
      const piece = bytes.subarray(message.written, message.written + this.#piece);
      const last = message.written + piece.length === bytes.length;
      if (!this.#records.write("", last ? kind : kind | CONTINUED, piece)) return false;
      message.written += piece.length;
      this.#waking.arrived(piece.length, true);
    } while (message.written < bytes.length);
    return true;
  }

  #overflowEmpty(): void {
    for (const then of this.#afterOverflow.splice(0)) then();
  }
}
