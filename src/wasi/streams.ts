/**
 * `wasi:io/streams`: what all streams share. Sockets, the process's own streams and preview2-shim's are subclasses.
 *
 * Runs on the calling thread.
 */

import { type IoError, ioErrorOf } from "./error-codes.js";
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

abstract class Stream implements EventSource {
  #open = true;
  #dropped = false;

  subscribe(): Pollable {
    return new Pollable(this);
  }

  isReady(): boolean {
    return !this.#open || this.hasEvent();
  }

  abstract pollEntry(): ReturnType<EventSource["pollEntry"]>;

  [DISPOSE](): void {
    this.#open = false;
    if (this.#dropped) return;
    this.#dropped = true;
    this.release();
  }

  /** Whether the stream can be used, has ended or has failed. */
  protected abstract hasEvent(): boolean;

  /** Called when the guest drops the stream. */
  protected abstract release(): void;

  /** What `call` returns; null means the end. After the end or a failure the stream is closed. Rethrows bugs. */
  protected attempt<T>(call: () => T | null): T {
    if (!this.#open) closed();
    let result: T | null;
    try {
      result = call();
    } catch (error) {
      const val = ioErrorOf(error);
      this.#open = false;
      throw { tag: "last-operation-failed", val } satisfies StreamError;
    }
    if (result !== null) return result;
    this.#open = false;
    closed();
  }
}

export abstract class InputStream extends Stream {
  read(length: bigint): Uint8Array {
    return this.attempt(() => this.take(length > READ_MAX ? READ_MAX : Number(length)));
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

  /** Up to `max` bytes that are there; empty if there are none, null once no more will come. Throws the failure. */
  protected abstract take(max: number): Uint8Array | null;
}

export abstract class OutputStream extends Stream {
  /** The bytes that the last `check-write` allowed and `write` has not used. */
  #permit = 0;

  checkWrite(): bigint {
    this.#permit = this.attempt(() => this.room());
    return BigInt(this.#permit);
  }

  write(contents: Uint8Array): void {
    if (contents.length > this.#permit) {
      trap(`write of ${contents.length} bytes, and check-write has allowed ${this.#permit}`);
    }
    this.#permit -= contents.length;
    this.attempt(() => this.put(contents) || null);
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
    this.#awaitRoom();
    this.#permit = 0;
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
    return this.#move(source.read(room < length ? room : length));
  }

  blockingSplice(source: InputStream, length: bigint): bigint {
    const room = BigInt(this.#awaitRoom());
    return this.#move(source.blockingRead(room < length ? room : length));
  }

  /** How many bytes `put` takes now; null once it takes no more. Throws the failure. */
  protected abstract room(): number | null;

  /** Takes all of `contents`, which fit. Returns false if it takes no more at all. Throws the failure. */
  protected abstract put(contents: Uint8Array): boolean;

  /**
   * Flushes what `put` has buffered, and waits for it if `wait`. Returns false if the stream takes no more at all.
   * Throws the failure. The streams of this package buffer nothing.
   */
  protected sync(_wait: boolean): boolean {
    return this.room() !== null;
  }

  #flush(wait: boolean): void {
    this.#permit = 0;
    this.attempt(() => this.sync(wait) || null);
  }

  #move(bytes: Uint8Array): bigint {
    if (bytes.length > 0) this.write(bytes);
    return BigInt(bytes.length);
  }

  #awaitRoom(): number {
    for (;;) {
      const room = this.checkWrite();
      if (room > 0n) return Number(room);
      waitFor(this);
    }
  }
}
