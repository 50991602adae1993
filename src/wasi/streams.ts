/**
 * `wasi:io/streams`: what all streams share. Sockets, the process's own streams and preview2-shim's are subclasses.
 *
 * Runs on the calling thread.
 */

import { IoError } from "./error-codes.js";
import { type EventSource, Pollable, waitFor } from "./pollable.js";
import { DISPOSE, trap } from "./resource.js";

/** `stream-error`, thrown as jco expects it. */
export type StreamError = { tag: "closed" } | { tag: "last-operation-failed"; val: IoError };

/** The most that the calls take that write and flush. */
const BLOCKING_MAX = 4096;

/** The most bytes that one read returns; larger wishes are legal. */
const READ_MAX = 2 ** 30;

function closed(): never {
  throw { tag: "closed" } satisfies StreamError;
}

export abstract class InputStream implements EventSource {
  #open = true;
  #dropped = false;

  read(length: bigint): Uint8Array {
    if (!this.#open) closed();
    const bytes = this.#call(() => this.take(length > READ_MAX ? READ_MAX : Number(length)));
    if (bytes !== null) return bytes;
    this.#open = false;
    closed();
  }

  blockingRead(length: bigint): Uint8Array {
    for (;;) {
      const bytes = this.read(length);
      if (bytes.length > 0 || length === 0n) return bytes;
      waitFor(this);
    }
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint): bigint {
    return BigInt(this.blockingRead(length).length);
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  isReady(): boolean {
    return !this.#open || this.hasInput();
  }

  abstract pollEntry(): ReturnType<EventSource["pollEntry"]>;

  /** Up to `max` bytes that are there; empty if there are none, null once no more will come. Throws the failure. */
  protected abstract take(max: number): Uint8Array | null;

  /** Whether `take` has bytes, the end or a failure. */
  protected abstract hasInput(): boolean;

  /** Called when the guest drops the stream. */
  protected abstract release(): void;

  [DISPOSE](): void {
    this.#open = false;
    if (this.#dropped) return;
    this.#dropped = true;
    this.release();
  }

  #call<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      this.#open = false;
      throw { tag: "last-operation-failed", val: new IoError(error) } satisfies StreamError;
    }
  }
}

export abstract class OutputStream implements EventSource {
  #open = true;
  #dropped = false;
  /** The bytes that the last `check-write` allowed and `write` has not used. */
  #permit = 0;

  checkWrite(): bigint {
    if (!this.#open) closed();
    const room = this.#call(() => this.room());
    if (room === null) {
      this.#open = false;
      closed();
    }
    this.#permit = room;
    return BigInt(room);
  }

  write(contents: Uint8Array): void {
    if (contents.length > this.#permit) {
      trap(`write of ${contents.length} bytes, and check-write has allowed ${this.#permit}`);
    }
    this.#permit -= contents.length;
    if (!this.#open) closed();
    if (this.#call(() => this.put(contents))) return;
    this.#open = false;
    closed();
  }

  writeZeroes(length: bigint): void {
    if (length > this.#permit) trap(`write-zeroes of ${length} bytes, and check-write has allowed ${this.#permit}`);
    this.write(new Uint8Array(Number(length)));
  }

  flush(): void {
    this.#flush(false);
  }

  blockingFlush(): void {
    this.#flush(true);
  }

  blockingWriteAndFlush(contents: Uint8Array): void {
    if (contents.length > BLOCKING_MAX) trap(`blocking-write-and-flush takes at most ${BLOCKING_MAX} bytes`);
    let rest = contents;
    while (rest.length > 0) {
      const part = rest.subarray(0, this.#awaitRoom());
      this.write(part);
      rest = rest.subarray(part.length);
    }
    this.blockingFlush();
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    if (length > BLOCKING_MAX) trap(`blocking-write-zeroes-and-flush takes at most ${BLOCKING_MAX} bytes`);
    this.blockingWriteAndFlush(new Uint8Array(Number(length)));
  }

  splice(source: InputStream, length: bigint): bigint {
    const room = this.checkWrite();
    const bytes = source.read(room < length ? room : length);
    if (bytes.length > 0) this.write(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(source: InputStream, length: bigint): bigint {
    const room = BigInt(this.#awaitRoom());
    const bytes = source.blockingRead(room < length ? room : length);
    this.write(bytes);
    return BigInt(bytes.length);
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  isReady(): boolean {
    return !this.#open || this.hasRoom();
  }

  abstract pollEntry(): ReturnType<EventSource["pollEntry"]>;

  /** How many bytes `put` takes now; null once it takes no more. Throws the failure. */
  protected abstract room(): number | null;

  /** Takes all of `contents`, which fit. Returns false if it takes no more at all. Throws the failure. */
  protected abstract put(contents: Uint8Array): boolean;

  /** Whether `room` returns anything but 0, or throws. */
  protected abstract hasRoom(): boolean;

  /**
   * Flushes what `put` has buffered, and waits for it if `wait`. Returns false if the stream takes no more at all.
   * Throws the failure. The streams here buffer nothing.
   */
  protected sync(_wait: boolean): boolean {
    return this.room() !== null;
  }

  /** Called when the guest drops the stream. */
  protected abstract release(): void;

  [DISPOSE](): void {
    this.#open = false;
    if (this.#dropped) return;
    this.#dropped = true;
    this.release();
  }

  #flush(wait: boolean): void {
    if (!this.#open) closed();
    this.#permit = 0;
    if (this.#call(() => this.sync(wait))) return;
    this.#open = false;
    closed();
  }

  #awaitRoom(): number {
    for (;;) {
      const room = this.checkWrite();
      if (room > 0n) return Number(room);
      waitFor(this);
    }
  }

  #call<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      this.#open = false;
      throw { tag: "last-operation-failed", val: new IoError(error) } satisfies StreamError;
    }
  }
}
