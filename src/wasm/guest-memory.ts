/**
 * The memory of a WebAssembly program, read and written at the addresses that it passes. An address or length outside
 * it throws EFAULT, as with a system call.
 *
 * Used on the calling thread.
 */

import { PosixError } from "../posix/index.js";

export class GuestMemory {
  readonly #heap: () => Uint8Array;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** `heap` returns the whole memory as it is now; the buffer is replaced when the memory grows. */
  constructor(heap: () => Uint8Array) {
    this.#heap = heap;
  }

  /** `length` bytes at `address`, in place. For a length of 0 any address is valid. */
  bytes(address: number, length: number): Uint8Array {
    const [start, count] = [address >>> 0, length >>> 0];
    const heap = this.#heap();
    if (count === 0) return heap.subarray(0, 0);
    if (start === 0 || start + count > heap.length) throw new PosixError("EFAULT");
    return heap.subarray(start, start + count);
  }

  i16(address: number): number {
    return this.#viewOf(address, 2).getInt16(address >>> 0, true);
  }

  u16(address: number): number {
    return this.#viewOf(address, 2).getUint16(address >>> 0, true);
  }

  i32(address: number): number {
    return this.#viewOf(address, 4).getInt32(address >>> 0, true);
  }

  u32(address: number): number {
    return this.#viewOf(address, 4).getUint32(address >>> 0, true);
  }

  setI16(address: number, value: number): void {
    this.#viewOf(address, 2).setInt16(address >>> 0, value, true);
  }

  setI32(address: number, value: number): void {
    this.#viewOf(address, 4).setInt32(address >>> 0, value, true);
  }

  /** The NUL-terminated text at `address`. Throws `ENAMETOOLONG` if there is no NUL within `limit` bytes. */
  text(address: number, limit = 4096): string {
    const heap = this.#heap();
    const start = address >>> 0;
    if (start === 0 || start >= heap.length) throw new PosixError("EFAULT");
    const bytes = heap.subarray(start, start + limit);
    const end = bytes.indexOf(0);
    if (end < 0) throw new PosixError(bytes.length < limit ? "EFAULT" : "ENAMETOOLONG");
    return Buffer.from(bytes.subarray(0, end)).toString();
  }

  /** Writes text and a NUL, truncated to `room` bytes. */
  setText(address: number, room: number, text: string): void {
    const bytes = Buffer.from(`${text}\0`).subarray(0, room);
    if (bytes.length > 0) bytes[bytes.length - 1] = 0;
    this.bytes(address, bytes.length).set(bytes);
  }

  #viewOf(address: number, length: number): DataView {
    const heap = this.#heap();
    const start = address >>> 0;
    if (start === 0 || start + length > heap.length) throw new PosixError("EFAULT");
    if (this.#view.buffer !== heap.buffer) this.#view = new DataView(heap.buffer, heap.byteOffset, heap.length);
    return this.#view;
  }
}
