/**
 * Copies bytes from or to shared memory.
 *
 * V8's `set` copies shared memory word by word, because other threads may write to it meanwhile. The bytes of a ring
 * have one writer at a time, so Node's `fill` with a source of the full length serves: it is a plain memcpy, and up to
 * four times as fast (Node 20 to 24; 16 KiB).
 */

/** From this size on `fill` is faster. */
const FILL_BYTES = 1024;

/** Copies all of `source` to `target` from `offset` on. */
export function copyBytes(target: Uint8Array, offset: number, source: Uint8Array): void {
  const { length } = source;
  if (length < FILL_BYTES) target.set(source, offset);
  else Buffer.prototype.fill.call(target, source, offset, offset + length);
}
