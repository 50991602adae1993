/**
 * A ring of bytes with one producer thread and one consumer thread.
 *
 * `ByteProducer` runs on the writing thread, `ByteConsumer` on the reading one. Each owns one position word and only
 * loads the other's, and each keeps a copy of the other's position, so that it touches the other's cache line only
 * when its copy says "full" or "empty" (the idea of rigtorp/SPSCQueue). The copy is always behind the truth: a producer
 * then sees less room than there is, a consumer fewer bytes, and both are safe.
 *
 * Why no byte is seen before it is written: the producer stores its position after the bytes, the consumer loads
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

  /** Copies what fits of `source` from `offset` on, publishes it, and returns how many bytes that was. */
  write(source: Uint8Array, offset = 0): number {
    const count = this.copy(source, offset, 0);
    if (count > 0) this.publish(count);
    return count;
  }

  /**
   * Copies what fits of `source` from `offset` on, `ahead` bytes behind the last byte published, without publishing.
   * Returns how many bytes that was.
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

  /** The free bytes that lie together, to be written in place; at most `limit` of them. Empty when the ring is full. */
  span(limit = this.capacity): Uint8Array {
    const index = this.#writePosition & this.#mask;
    const count = Math.min(this.free, this.capacity - index, limit);
    return this.#bytes.subarray(index, index + count);
  }

  /** The position behind the last byte published. */
  get position(): number {
    return this.#writePosition;
  }

  /** A copy of the bytes that the consumer has not consumed. Only while the consumer leaves them alone. */
  unread(): Uint8Array {
    const count = this.pending;
    const from = (this.#writePosition - count) & this.#mask;
    const bytes = new Uint8Array(count);
    const first = Math.min(count, this.capacity - from);
    bytes.set(this.#bytes.subarray(from, from + first));
    bytes.set(this.#bytes.subarray(0, count - first), first);
    return bytes;
  }

  /** Hands `count` bytes, written in place, to the consumer. */
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

  /** Bytes that were there at the last check: a lower bound of `readable` without touching the other thread's line. */
  get known(): number {
    return (this.#knownWritePosition - this.#readPosition) | 0;
  }

  /** Copies and consumes up to `target.length - offset` bytes into `target` from `offset` on; returns how many. */
  read(target: Uint8Array, offset = 0): number {
    const count = this.copy(target, offset, 0);
    if (count > 0) this.consume(count);
    return count;
  }

  /** Copies up to `target.length - offset` bytes, from `ahead` bytes behind the next unread one, without consuming. */
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

  /** The unread bytes that lie together, from `ahead` bytes behind the next unread one, in place; at most `limit`. */
  span(limit = this.capacity, ahead = 0): Uint8Array {
    const index = (this.#readPosition + ahead) & this.#mask;
    const count = Math.max(0, Math.min(this.readable - ahead, this.capacity - index, limit));
    return this.#bytes.subarray(index, index + count);
  }

  /** Gives the bytes before `position` back to the producer, unread. */
  skipTo(position: number): void {
    const count = (position - this.#readPosition) | 0;
    if (count > 0) this.consume(count);
  }

  /** Gives `count` bytes back to the producer. Reading them in place from here on returns garbage. */
  consume(count: number): void {
    this.#readPosition = (this.#readPosition + count) | 0;
    Atomics.store(this.#words, this.#readWord, this.#readPosition); // partner: ByteProducer.pending
  }
}
