/**
 * Moves bytes from a socket into the receive ring, with flow control.
 *
 * Runs on the networking thread; the producer of the receive ring.
 *
 * If the socket takes an `onread` buffer, the kernel writes straight into the ring: `nextBuffer` and `received` are
 * its two callbacks. If not, `chunk` copies what was pushed (pushed-bytes.ts). Either may bring more than the ring
 * holds: Node gets the next buffer before it can be stopped, and TLS still delivers what it has
 * decrypted. Such bytes wait in `#overflow`, and the end of the stream waits behind them.
 */

import { ByteProducer } from "../ring/byte-ring.js";
import { tryPause } from "../ring/flow-control.js";
import { RX_PAUSED, RX_READ, RX_WRITE } from "../ring/layout.js";
import type { RingReference } from "../ring/protocol.js";
import type { Slot } from "./slot.js";
import { WakeCoalescing } from "./wake-coalescing.js";

/**
 * The buffer for reads while the ring is full, for all connections of this thread: it is emptied before the next read.
 */
const SPILL = new Uint8Array(64 * 1024);

/** The largest read, in bytes: small enough to be still in the cache when the caller copies it. */
const READ_BYTES = 64 * 1024;

/** This many bytes at once are likely to be followed by more. */
const BULK_BYTES = 8 * 1024;

export class Receiver {
  readonly #slot: Slot;
  readonly #ring: ByteProducer;
  readonly #waking: WakeCoalescing;
  readonly #overflow: Uint8Array[] = [];
  /** Resumes the socket, which reads until `received` or `chunk` returns false. */
  resume: () => void = () => {};
  #direct = true;
  #paused = false;
  #discarding = false;
  readonly #afterOverflow: (() => void)[] = [];

  constructor(slot: Slot, ring: RingReference) {
    this.#slot = slot;
    this.#ring = new ByteProducer(
      slot.words,
      RX_WRITE,
      RX_READ,
      new Uint8Array(ring.memory, ring.offset, ring.capacity),
    );
    this.#waking = new WakeCoalescing(slot, ring.capacity);
  }

  /** Whether reading is paused until the caller makes room. */
  get paused(): boolean {
    return this.#paused;
  }

  /** The buffer for the next read (`onread.buffer`). Never empty: Node would destroy the socket. */
  nextBuffer(): Uint8Array {
    // While there is overflow, the ring's free bytes are for it, even if the caller has made room meanwhile.
    if (!this.#discarding && this.#overflow.length === 0) {
      const span = this.#ring.span(READ_BYTES);
      this.#direct = span.length > 0;
      if (this.#direct) return span;
    }
    this.#direct = false;
    return SPILL;
  }

  /** `count` bytes were read into the last buffer (`onread.callback`). Returns false to stop reading. */
  received(count: number): boolean {
    if (this.#discarding) return true;
    if (!this.#direct) return this.chunk(SPILL.subarray(0, count));
    this.#ring.publish(count);
    this.#notify(count);
    this.#slot.link.onActivity(count);
    return this.#hasRoom();
  }

  /** Copies bytes, whose memory may be overwritten afterwards. Returns false to stop reading. */
  chunk(bytes: Uint8Array): boolean {
    if (this.#discarding) return true;
    const taken = this.#overflow.length > 0 ? 0 : this.#ring.write(bytes);
    if (taken < bytes.length) this.#overflow.push(Uint8Array.from(bytes.subarray(taken)));
    if (taken > 0) this.#notify(taken);
    this.#slot.link.onActivity(bytes.length);
    return this.#hasRoom();
  }

  /** The caller has queued the slot: resumes reading if it was paused and the caller has made room. */
  maybeResume(): void {
    if (!this.#paused || Atomics.load(this.#slot.words, RX_PAUSED) === 1) return; // partner: tryResume
    this.#emptyOverflow();
    this.#paused = false;
    if (this.#hasRoom()) this.resume();
  }

  /**
   * Calls `then` once all received bytes are in the ring: immediately, or when the caller has made room for the last.
   */
  finish(then: () => void): void {
    if (this.#overflow.length === 0) then();
    else this.#afterOverflow.push(then);
  }

  /**
   * From now on received bytes are discarded, so that the peer's end is reached and the kernel never answers with a
   * reset.
   */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    this.#overflow.length = 0;
    this.#overflowEmpty();
    if (this.#paused) {
      this.#paused = false;
      this.resume();
    }
  }

  /**
   * Takes out all unread bytes, for a protocol that begins with them, and drops the socket. The caller does not touch
   * the ring meanwhile, and continues to read at `position`.
   */
  surrender(): { bytes: Uint8Array; position: number } {
    this.resume = () => {};
    const bytes = Buffer.concat([this.#ring.unread(), ...this.#overflow.splice(0)]);
    this.#afterOverflow.length = 0;
    Atomics.store(this.#slot.words, RX_PAUSED, 0); // partner: tryResume (exchange)
    this.#paused = false;
    return { bytes, position: this.#ring.position };
  }

  /** Notifies the caller of `count` more bytes in the ring. */
  #notify(count: number): void {
    this.#waking.arrived(count, count >= BULK_BYTES);
  }

  #hasRoom(): boolean {
    while (this.#overflow.length > 0 || this.#ring.free === 0) {
      if (tryPause(this.#slot.words, this.#ring)) {
        this.#paused = true;
        return false;
      }
      this.#emptyOverflow();
    }
    return true;
  }

  #emptyOverflow(): void {
    for (let bytes = this.#overflow[0]; bytes !== undefined; bytes = this.#overflow[0]) {
      const taken = this.#ring.write(bytes);
      if (taken > 0) this.#notify(taken);
      if (taken < bytes.length) {
        this.#overflow[0] = bytes.subarray(taken);
        return;
      }
      this.#overflow.shift();
    }
    this.#overflowEmpty();
  }

  #overflowEmpty(): void {
    for (const then of this.#afterOverflow.splice(0)) then();
  }
}
