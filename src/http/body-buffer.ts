/**
 * Received bytes of a body that the program has not read yet.
 *
 * Runs on the calling thread.
 */

/** The number of bytes to read ahead. */
const AHEAD = 65536;
/** Pieces below this size are put together. */
const SMALL_BYTES = 1024;
/** The size of the memory for them. */
const BLOCK_BYTES = 16384;

export class BodyBuffer {
  /** The number of body bytes received so far. */
  total = 0;
  #pieces: Buffer[] = [];
  #size = 0;
  /** Collects the rest of the body, instead of pieces. */
  #target: Buffer | null = null;
  #filled = 0;
  #everything = false;
  /** Free memory behind the last piece, if that consists of small ones. */
  #spare = Buffer.alloc(0);

  /** The number of bytes that can be taken. */
  get size(): number {
    return this.#size;
  }

  /** Whether more should be received. */
  get hasRoom(): boolean {
    return this.#everything || this.#size < AHEAD;
  }

  /** Copies `bytes`. */
  push(bytes: Uint8Array): void {
    this.total += bytes.length;
    if (this.#target !== null && this.#filled + bytes.length <= this.#target.length) {
      this.#target.set(bytes, this.#filled);
      this.#filled += bytes.length;
      return;
    }
    if (bytes.length < SMALL_BYTES && this.#append(bytes)) return;
    const copy = Buffer.allocUnsafe(bytes.length);
    copy.set(bytes);
    this.own(copy);
  }

  /**
   * Adds `bytes` to the last piece if that is small too; returns whether it was. A server that sends chunks of one byte
   * must not cost an object for each.
   */
  #append(bytes: Uint8Array): boolean {
    const index = this.#pieces.length - 1;
    let last = this.#pieces[index];
    if (last === undefined) return false;
    const { buffer, byteOffset } = this.#spare;
    if (last.buffer !== buffer || last.byteOffset + last.length !== byteOffset) {
      if (last.length >= SMALL_BYTES) return false;
      const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      last.copy(block);
      this.#spare = block.subarray(last.length);
      last = block.subarray(0, last.length);
    }
    if (bytes.length > this.#spare.length) return false;
    this.#spare.set(bytes);
    this.#spare = this.#spare.subarray(bytes.length);
    this.#pieces[index] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
    this.#size += bytes.length;
    return true;
  }

  /** Appends a buffer without copying it; the body owns it from now on. */
  own(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#size += piece.length;
  }

  /** From now on everything is received, into one buffer of `length` bytes if the length is known. */
  collect(length: number | null): void {
    if (this.#everything) return;
    this.#everything = true;
    if (length === null || length <= this.#size) return;
    const target = length < 4096 ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
    let filled = 0;
    for (const piece of this.#pieces) filled += piece.copy(target, filled);
    this.#target = target;
    this.#filled = filled;
    this.#pieces = [];
    this.#size = 0;
  }

  /** Everything that was collected. */
  takeAll(): Buffer {
    const target = this.#target;
    const parts = target === null ? this.#pieces : [target.subarray(0, this.#filled), ...this.#pieces];
    this.#target = null;
    this.#pieces = [];
    this.#size = 0;
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** The first piece in place; null if there is none. */
  first(): Buffer | null {
    return this.#pieces[0] ?? null;
  }

  /** Drops `count` bytes, which must have arrived. */
  drop(count: number): void {
    this.#size -= count;
    let left = count;
    let whole = 0;
    while (left > 0) {
      const piece = this.#pieces[whole] as Buffer;
      if (piece.length > left) {
        this.#pieces[whole] = piece.subarray(left);
        break;
      }
      left -= piece.length;
      whole++;
    }
    if (whole > 0) this.#pieces.splice(0, whole);
  }
}
