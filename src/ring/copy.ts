/**
 * Copies bytes from or to shared memory.
 *
 * V8's `set` goes through shared memory word by word, because it may race. Where it can't, as in a ring, Node's `fill` with a source as
 * long as what is to be filled is a plain memcpy: up to four times as fast (V8 of Node 20 to 24; 16 KiB).
 */

/** From this size on the call of `fill` is worth it. */
const FILL_BYTES = 1024;

/** Copies all of `source` to `target` from `offset` on. */
export function copyBytes(target: Uint8Array, offset: number, source: Uint8Array): void {
  const { length } = source;
  if (length < FILL_BYTES) target.set(source, offset);
  else Buffer.prototype.fill.call(target, source, offset, offset + length);
}
