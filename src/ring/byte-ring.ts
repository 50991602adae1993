/**
 * A ring of bytes with one producer thread and one consumer thread.
 *
 * `ByteProducer` runs on the writing thread, `ByteConsumer` on the reading one. Each owns one position word and only
 * loads the other's. Each keeps a copy of the other's position, so that it touches the other's cache line only
 * when by its copy the ring is full or empty (as in rigtorp/SPSCQueue). A stale copy is safe: the producer
 * sees less room than there is, the consumer fewer bytes.
 *
 * Why no byte is read before it is written: the producer stores its position after the bytes, and the consumer loads
 * that position before it reads them. Why no byte is overwritten before it was read: the same with the roles exchanged.
 */

import { copyBytes } from "./copy.js";

/** Up to this size a loop over the bytes costs less than the view that `set` would need, and leaves no garbage. */
const LOOP_BYTES = 64;
/** From this size on `set` of a whole array, which needs no view, costs less than a loop. */
const SET_BYTES = 16;

function checkCapacity(bytes: Uint8Array): number {
  const capacity = bytes.length;
  if (capacity < 1 || capacity > 2 ** 30 || (capacity & (capacity - 1)) !== 0) {
    throw new RangeError(`a ring's capacity must be a power of two up to 2^30, not ${capacity}`);
  }
  return capacity;
}

/** The writing end. Positions and counts are in bytes. */
export class ByteProducer {
  readonly capacity: number;
  readonly #mask: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #writeWord: number;
  readonly #readWord: number;
  #writePosition: number;
  #knownReadPosition: number;

  /** `writeWord` and `readWord` are the indices in `words` of the two positions, `bytes` the ring's memory. */
  constructor(words: Int32Array, writeWord: number, readWord: number, bytes: Uint8Array) {
    this.capacity = checkCapacity(bytes);
    this.#mask = this.capacity - 1;
    this.#bytes = bytes;
    this.#words = words;
    this.#writeWord = writeWord;
    this.#readWord = readWord;
    this.#writePosition = Atomics.load(words, writeWord); // no partner: this thread's own word
    this.#knownReadPosition = Atomics.load(words, readWord); // partner: ByteConsumer.consume
  }

  /** Bytes that can be written now. */
  get free(): number {
    return this.capacity - this.pending;
  }

  /** Bytes written that the consumer has not consumed yet. */
  get pending(): number {
    this.#knownReadPosition = Atomics.load(this.#words, this.#readWord); // partner: ByteConsumer.consume
    return (this.#writePosition - this.#knownReadPosition) | 0;
  }

  /** Copies as much of `source` from `offset` on as fits, publishes it, and returns the number of bytes. */
  write(source: Uint8Array, offset = 0): number {
    const count = this.copy(source, offset, 0);
    if (count > 0) this.publish(count);
    return count;
  }

  /**
   * Copies as much of `source` from `offset` on as fits, to `ahead` bytes after the last published byte, without
   * publishing it. Returns the number of bytes.
   */
  copy(source: Uint8Array, offset: number, ahead: number): number {
    const wanted = source.length - offset;
    let room = this.capacity - ((this.#writePosition - this.#knownReadPosition) | 0) - ahead;
    if (room < wanted) room = this.free - ahead;
    const count = Math.min(wanted, room);
    if (count <= 0) return 0;
    const bytes = this.#bytes;
    const index = (this.#writePosition + ahead) & this.#mask;
    const first = this.capacity - index;
    if (count === source.length && count >= SET_BYTES && count <= first) {
      copyBytes(bytes, index, source);
    } else if (count <= LOOP_BYTES) {
      const mask = this.#mask;
      for (let i = 0; i < count; i++) bytes[(index + i) & mask] = source[offset + i] as number;
    } else if (count <= first) {
      copyBytes(bytes, index, source.subarray(offset, offset + count));
    } else {
      copyBytes(bytes, index, source.subarray(offset, offset + first));
      copyBytes(bytes, 0, source.subarray(offset + first, offset + count));
    }
    return count;
  }

  /** The first contiguous free bytes, to be written in place; at most `limit`. Empty if the ring is full. */
  span(limit = this.capacity): Uint8Array {
    const index = this.#writePosition & this.#mask;
    const count = Math.min(this.free, this.capacity - index, limit);
    return this.#bytes.subarray(index, index + count);
  }

  /** The position after the last published byte. */
  get position(): number {
    return this.#writePosition;
  }

  /** A copy of the bytes that were not consumed. Only while the consumer does not consume any. */
  unread(): Uint8Array {
    const count = this.pending;
    const from = (this.#writePosition - count) & this.#mask;
    const bytes = new Uint8Array(count);
    const first = Math.min(count, this.capacity - from);
    bytes.set(this.#bytes.subarray(from, from + first));
    bytes.set(this.#bytes.subarray(0, count - first), first);
    return bytes;
  }

  /** Publishes `count` bytes that were written in place. */
  publish(count: number): void {
    this.#writePosition = (this.#writePosition + count) | 0;
    Atomics.store(this.#words, this.#writeWord, this.#writePosition); // partner: ByteConsumer.readable
  }
}

/** The reading end. Positions and counts are in bytes. */
export class ByteConsumer {
  readonly capacity: number;
  readonly #mask: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #writeWord: number;
  readonly #readWord: number;
  #readPosition: number;
  #knownWritePosition: number;

  /** `writeWord` and `readWord` are the indices in `words` of the two positions, `bytes` the ring's memory. */
  constructor(words: Int32Array, writeWord: number, readWord: number, bytes: Uint8Array) {
    this.capacity = checkCapacity(bytes);
    this.#mask = this.capacity - 1;
    this.#bytes = bytes;
    this.#words = words;
    this.#writeWord = writeWord;
    this.#readWord = readWord;
    this.#readPosition = Atomics.load(words, readWord); // no partner: this thread's own word
    this.#knownWritePosition = Atomics.load(words, writeWord); // partner: ByteProducer.publish
  }

  /** Bytes that can be read now. */
  get readable(): number {
    this.#knownWritePosition = Atomics.load(this.#words, this.#writeWord); // partner: ByteProducer.publish
    return (this.#knownWritePosition - this.#readPosition) | 0;
  }

  /**
   * Bytes that were readable at the last check: a lower bound of `readable` without touching the other thread's line.
   */
  get known(): number {
    return (this.#knownWritePosition - this.#readPosition) | 0;
  }

  /** Copies and consumes up to `target.length - offset` bytes into `target` from `offset` on; returns how many. */
  read(target: Uint8Array, offset = 0): number {
    const count = this.copy(target, offset, 0);
    if (count > 0) this.consume(count);
    return count;
  }

  /** Copies up to `target.length - offset` bytes, from `ahead` bytes after the next unread one, without consuming. */
  copy(target: Uint8Array, offset: number, ahead: number): number {
    const wanted = target.length - offset;
    let there = this.known - ahead;
    if (there < wanted) there = this.readable - ahead;
    const count = Math.min(wanted, there);
    if (count <= 0) return 0;
    const bytes = this.#bytes;
    const index = (this.#readPosition + ahead) & this.#mask;
    const first = this.capacity - index;
    if (count <= LOOP_BYTES) {
      const mask = this.#mask;
      for (let i = 0; i < count; i++) target[offset + i] = bytes[(index + i) & mask] as number;
    } else if (count <= first) {
      copyBytes(target, offset, bytes.subarray(index, index + count));
    } else {
      copyBytes(target, offset, bytes.subarray(index, index + first));
      copyBytes(target, offset + first, bytes.subarray(0, count - first));
    }
    return count;
  }

  /** The first contiguous unread bytes in place, from `ahead` bytes after the next unread one; at most `limit`. */
  span(limit = this.capacity, ahead = 0): Uint8Array {
    const index = (this.#readPosition + ahead) & this.#mask;
    const count = Math.max(0, Math.min(this.readable - ahead, this.capacity - index, limit));
    return this.#bytes.subarray(index, index + count);
  }

  /** Consumes the bytes before `position`, unread. */
  skipTo(position: number): void {
    const count = (position - this.#readPosition) | 0;
    if (count > 0) this.consume(count);
  }

  /** Frees `count` bytes for the producer. Views of them are invalid from now on. */
  consume(count: number): void {
    this.#readPosition = (this.#readPosition + count) | 0;
    Atomics.store(this.#words, this.#readWord, this.#readPosition); // partner: ByteProducer.pending
  }
}
