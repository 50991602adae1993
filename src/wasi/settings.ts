/**
 * Values of socket options.
 *
 * Used on the calling thread.
 */

const MAX_BUFFER = 2n ** 31n - 1n;

/** Returns `value`, which must not be 0. */
export function positive<T extends number | bigint>(value: T): T {
  if (value < 1) throw "invalid-argument";
  return value;
}

export function bufferSize(value: bigint): bigint {
  return positive(value) > MAX_BUFFER ? MAX_BUFFER : value;
}
