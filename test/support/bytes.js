/**
 * Bytes that look random but are the same wherever they are made: a sender and a receiver in two processes need not
 * exchange them. Runs in tests and in peers.
 */

import { createCipheriv, createHash } from "node:crypto";

const BLOCK = 16;

/**
 * `length` bytes of stream number `seed`, from byte `start` of the stream on.
 * @param {number} seed
 * @param {number} start
 * @param {number} length
 * @returns {Buffer}
 */
export function pattern(seed, start, length) {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed >>> 0);
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(Math.floor(start / BLOCK)), 8);
  const skip = start % BLOCK;
  return createCipheriv("aes-128-ctr", key, counter)
    .update(Buffer.alloc(skip + length))
    .subarray(skip);
}

/**
 * The SHA-256 of the stream's first `length` bytes, in hex.
 * @param {number} seed
 * @param {number} length
 */
export function patternHash(seed, length) {
  const hash = createHash("sha256");
  const piece = 1 << 20;
  for (let at = 0; at < length; at += piece) hash.update(pattern(seed, at, Math.min(piece, length - at)));
  return hash.digest("hex");
}

/**
 * The SHA-256 of some bytes, in hex.
 * @param {Uint8Array | string} bytes
 */
export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
