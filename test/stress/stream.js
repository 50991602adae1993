/**
 * What is sent in the stress runs: a stream of bytes and random numbers that both ends can compute.
 *
 * Test code; used by the threads of `ends.js`.
 */

/** Period of the stream: a prime above the largest ring, so that no byte stands at its place one ring later or earlier. */
const PERIOD = 1_048_583;
/** The longest piece that one call can return. */
export const LONGEST = 4 * 1024 * 1024;

/** A generator of numbers from 0 up to, and without, `below`: mulberry32. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return Math.floor((((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Now and then spins for up to some µs: that gives other interleavings than two threads at full speed. */
export function dawdle(random) {
  if (random(4) > 0) return;
  for (let rounds = random(random(8) === 0 ? 20_000 : 400); rounds > 0; rounds--) Math.sqrt(rounds);
}

const STREAM = Buffer.alloc(PERIOD + LONGEST);
const random = randomNumbers(20_000_001);
for (let i = 0; i < PERIOD; i++) STREAM[i] = random(256);
for (let at = PERIOD; at < STREAM.length; at += PERIOD) STREAM.copy(STREAM, at, 0, PERIOD);

/** `length` bytes of the endless stream from `position` on; not to be written to. */
export function streamAt(position, length) {
  const start = position % PERIOD;
  return STREAM.subarray(start, start + length);
}

/** Throws unless `bytes` are the stream's from `position` on. */
export function checkStream(bytes, position) {
  const start = position % PERIOD;
  const { length } = bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  if (buffer.compare(STREAM, start, start + length) === 0) return;
  const wrong = buffer.findIndex((byte, i) => byte !== STREAM[start + i]);
  const around = (view, at) => view.subarray(Math.max(0, at - 4), at + 12).toString("hex");
  throw new Error(
    `byte ${position + wrong} is wrong: got …${around(buffer, wrong)}…, not …${around(STREAM, start + wrong)}…`,
  );
}
