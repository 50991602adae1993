/**
 * The received bytes that were not read yet: first the held bytes, then the ones in the receive ring.
 *
 * Runs on the calling thread; the consumer of the receive ring. Bytes are moved out of the ring and held only if a call
 * needs more of them at once than the ring has room for (a long line, a large `readExactly`).
 */

import type { ByteConsumer } from "../../ring/byte-ring.js";
import { resumeThreshold, tryResume } from "../../ring/flow-control.js";
import type { Channel } from "./channel.js";
import { DelimiterSearch } from "./delimiter-search.js";

const NOTHING: Uint8Array = new Uint8Array(0);

export class ReadBuffer {
  readonly #ring: ByteConsumer;
  readonly #channel: Channel;
  /** Held bytes are `#held[#heldStart … #heldEnd)`; the memory grows by doubling. */
  #held = NOTHING;
  #heldStart = 0;
  #heldEnd = 0;
  #search: DelimiterSearch | null = null;

  constructor(channel: Channel, ring: ByteConsumer) {
    this.#channel = channel;
    this.#ring = ring;
  }

  /** Bytes that can be read now. */
  get readable(): number {
    if (this.#channel.securing) return 0;
    return this.#heldEnd - this.#heldStart + this.#ring.readable;
  }

  /**
   * Whether the ring is so full that the networking thread may have paused reading. It resumes only when a good part
   * of the ring is free again (see `tryResume`), so a wait for more must first move the bytes out.
   */
  get ringFull(): boolean {
    if (this.#channel.securing) return false;
    const { capacity, readable } = this.#ring;
    return capacity - readable < resumeThreshold(capacity);
  }

  /** Copies and consumes up to `target.length - offset` bytes; returns their number. */
  read(target: Uint8Array, offset = 0): number {
    let count = 0;
    this.#search?.restart();
    if (this.#heldEnd > this.#heldStart) {
      const held = this.#held.subarray(this.#heldStart, this.#heldEnd).subarray(0, target.length - offset);
      target.set(held, offset);
      count = held.length;
      this.#dropHeld(count);
    }
    if (offset + count < target.length) {
      const taken = this.#ring.read(target, offset + count);
      if (taken > 0) {
        count += taken;
        this.#madeRoom(taken);
      }
    }
    return count;
  }

  /** The first contiguous readable bytes, in place. */
  peek(): Uint8Array {
    return this.#heldEnd > this.#heldStart ? this.#held.subarray(this.#heldStart, this.#heldEnd) : this.#ring.span();
  }

  /** Drops `count` bytes, which must be readable. */
  consume(count: number): void {
    if (count > 0) this.#search?.restart();
    const held = Math.min(count, this.#heldEnd - this.#heldStart);
    if (held > 0) this.#dropHeld(held);
    if (count > held) {
      this.#ring.consume(count - held);
      this.#madeRoom(count - held);
    }
  }

  /** Moves everything from the ring to the held bytes, so that the ring can take more. */
  hold(): void {
    const more = this.#ring.readable;
    if (more === 0) return;
    const size = this.#heldEnd - this.#heldStart;
    if (this.#heldEnd + more > this.#held.length) {
      const grown = size + more > this.#held.length / 2 ? new Uint8Array(2 * (size + more)) : this.#held;
      grown.set(this.#held.subarray(this.#heldStart, this.#heldEnd));
      this.#held = grown;
      this.#heldStart = 0;
      this.#heldEnd = size;
    }
    this.#heldEnd += this.#ring.read(this.#held.subarray(this.#heldEnd, this.#heldEnd + more));
    this.#madeRoom(more);
  }

  /** Takes out all bytes. */
  takeAll(): Uint8Array {
    const bytes = new Uint8Array(this.readable);
    this.read(bytes);
    return bytes;
  }

  /** Takes out the held bytes, for another thread. */
  takeHeld(): Uint8Array {
    const held = this.#held.slice(this.#heldStart, this.#heldEnd);
    this.#dropHeld(held.length);
    return held;
  }

  /** Holds bytes that come before the ones in the ring. Only for a new buffer. */
  restore(held: Uint8Array): void {
    this.#held = held;
    this.#heldEnd = held.length;
  }

  /** The number of bytes that the search for the last delimiter has covered. */
  get searched(): number {
    return this.#search?.searched ?? 0;
  }

  /**
   * Searches up to `most` more bytes for `delimiter`, all within the first `limit`. Returns the number of bytes up to
   * and including the delimiter, or -1 if it was not found yet. Continues where the last call stopped, unless that was
   * for another delimiter, or bytes were consumed since.
   */
  find(delimiter: Uint8Array, limit: number, most: number): number {
    if (!this.#search?.seeks(delimiter)) this.#search = new DelimiterSearch(delimiter);
    const search = this.#search;
    const target = Math.min(this.readable, limit, search.searched + most);
    while (search.end < 0 && search.searched < target) {
      search.advance(this.#piece(search.searched).subarray(0, target - search.searched));
    }
    return search.end <= limit ? search.end : -1;
  }

  /** The byte at `position`, which must be readable. */
  at(position: number): number {
    return this.#piece(position)[0] as number;
  }

  #piece(from: number): Uint8Array {
    const held = this.#heldEnd - this.#heldStart;
    if (from < held) return this.#held.subarray(this.#heldStart + from, this.#heldEnd);
    return this.#ring.span(this.#ring.capacity, from - held);
  }

  #dropHeld(count: number): void {
    this.#heldStart += count;
    if (this.#heldStart === this.#heldEnd) {
      this.#held = NOTHING;
      this.#heldStart = this.#heldEnd = 0;
    }
  }

  #madeRoom(count: number): void {
    const ring = this.#ring;
    this.#channel.link.caller.spinning.onActivity(count);
    if (tryResume(this.#channel.words, ring.known, ring.capacity)) this.#channel.notifyWorker();
  }
}
