/**
 * The two ends of a byte ring under stress, each on a thread of its own. Both block; each call of the ring is picked at random.
 *
 * Test code.
 */

import { ByteConsumer, ByteProducer } from "../../build/ring/byte-ring.js";
import { SignalWaker } from "../../build/ring/signal.js";
import { checkStream, LONGEST, randomNumbers, streamAt } from "./stream.js";
import { Waiting } from "./waiting.js";

const NAME = 1;

/** The sizes of pieces: many small ones, some as large as the ring, some larger. */
export function pieceSizes(capacity, random) {
  return () => {
    const kind = random(8);
    if (kind < 3) return 1 + random(Math.min(capacity, 64));
    if (kind < 6) return 1 + random(capacity);
    return 1 + random(Math.min(LONGEST, 2 * capacity));
  };
}

export function produceBytes({ words, bytes, producerBlock, consumerBlock, total, seed }) {
  const random = randomNumbers(seed + 1);
  const size = pieceSizes(bytes.length, random);
  const ring = new ByteProducer(words, 0, 16, bytes);
  const waker = new SignalWaker(consumerBlock);
  const waiting = new Waiting(producerBlock, random);
  for (let sent = 0; sent < total; ) {
    const piece = streamAt(sent, Math.min(size(), total - sent));
    const count = produceOnce(ring, piece, random(4));
    sent += count;
    if (count > 0) waker.wakeWaiting(NAME);
    if (count < piece.length) waiting.until(NAME, () => ring.free > 0);
  }
  waiting.until(NAME, () => ring.pending === 0);
  return { sleeps: waiting.sleeps, vain: waiting.vain };
}

function produceOnce(ring, piece, way) {
  if (way < 2) return ring.write(piece);
  if (way === 2) {
    const span = ring.span(piece.length);
    span.set(piece.subarray(0, span.length));
    if (span.length > 0) ring.publish(span.length);
    return span.length;
  }
  // In two parts, published together.
  const half = piece.length >> 1;
  const first = ring.copy(piece.subarray(0, half), 0, 0);
  const second = first === half ? ring.copy(piece, half, half) : 0;
  if (first + second > 0) ring.publish(first + second);
  return first + second;
}

/** `afterwards` is called with the ring whenever bytes were given back. */
export function consumeBytes(shared, afterwards = () => {}) {
  const { words, bytes, producerBlock, consumerBlock, total, seed } = shared;
  const { writeWord = 0, readWord = 16 } = shared;
  const random = randomNumbers(seed + 2);
  const size = pieceSizes(bytes.length, random);
  const ring = new ByteConsumer(words, writeWord, readWord, bytes);
  const waker = new SignalWaker(producerBlock);
  const waiting = new Waiting(consumerBlock, random);
  const target = Buffer.alloc(LONGEST);
  for (let received = 0; received < total; ) {
    const count = consumeOnce(ring, target.subarray(0, size()), random(4), received);
    if (count === 0) {
      waiting.until(NAME, () => ring.readable > 0);
      continue;
    }
    received += count;
    waker.wakeWaiting(NAME);
    afterwards(ring);
  }
  if (ring.readable !== 0) throw new Error(`${ring.readable} bytes too many`);
  return { sleeps: waiting.sleeps, vain: waiting.vain };
}

function consumeOnce(ring, target, way, position) {
  if (way < 2) {
    const count = ring.read(target);
    checkStream(target.subarray(0, count), position);
    return count;
  }
  if (way === 2) {
    const span = ring.span(target.length);
    checkStream(span, position);
    if (span.length > 0) ring.consume(span.length);
    return span.length;
  }
  // A look ahead, then all of it.
  const half = target.length >> 1;
  const ahead = ring.copy(target.subarray(half), 0, half);
  if (ahead > 0) checkStream(target.subarray(half, half + ahead), position + half);
  const count = ring.copy(target.subarray(0, half + ahead), 0, 0);
  checkStream(target.subarray(0, count), position);
  if (count > 0) ring.consume(count);
  return count;
}
