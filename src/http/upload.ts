/**
 * Sends a request over a connection, as far as there is room: its head, then its body.
 *
 * Runs on the calling thread.
 */

import type { TcpSocket } from "../main/index.js";
import type { RequestBody } from "./request-body.js";

/** A body up to this size is sent together with its head. */
const TOGETHER = 16384;
/** An iterable that yields more slowly than its bytes are sent finds room for ever, which must not extend the time. */
const STEP_PIECES = 256;

export class Upload {
  /** Whether everything was taken. */
  done = false;
  /** Whether the body waits for 100 Continue. */
  held: boolean;
  readonly #chunked: boolean;
  readonly #declared: number | null;
  #pending: Uint8Array;
  #offset = 0;
  #rest: Uint8Array | null = null;
  #iterable: Iterable<Uint8Array> | null = null;
  #pieces: Iterator<Uint8Array> | null = null;
  #sent = 0;

  /** `declared`: the length in the head for a body of pieces; null if it is sent in chunks. */
  constructor(head: Buffer, body: RequestBody | null, held: boolean, declared: number | null) {
    this.held = held;
    this.#declared = declared;
    this.#pending = head;
    const source = body?.source ?? null;
    this.#chunked = source !== null && !(source instanceof Uint8Array) && declared === null;
    if (source === null) return;
    if (!(source instanceof Uint8Array)) this.#iterable = source;
    else if (held || source.length > TOGETHER) this.#rest = source;
    else if (source.length > 0) this.#pending = Buffer.concat([head, source]);
  }

  /** Writes as much as fits, of an iterable at most `STEP_PIECES`. Throws the connection's error, and errors of the program's iterable. */
  pump(socket: TcpSocket): void {
    for (let pieces = 0; pieces < STEP_PIECES && !this.done; pieces++) {
      if (this.#offset < this.#pending.length) {
        const bytes = this.#offset === 0 ? this.#pending : this.#pending.subarray(this.#offset);
        const count = socket.write(bytes);
        this.#offset += count;
        if (count < bytes.length) return;
      }
      if (this.held && (this.#rest !== null || this.#iterable !== null)) return;
      const next = this.#next();
      if (next === null) this.done = true;
      else {
        this.#pending = next;
        this.#offset = 0;
      }
    }
  }

  /** Drops the rest, and ends the iterable. Throws what its `return()` throws. */
  abandon(): void {
    const pieces = this.#pieces;
    this.#iterable = null;
    this.#pieces = null;
    this.#rest = null;
    this.#pending = new Uint8Array(0);
    pieces?.return?.();
  }

  #next(): Uint8Array | null {
    if (this.#rest !== null) {
      const rest = this.#rest;
      this.#rest = null;
      return rest;
    }
    while (this.#iterable !== null) {
      const { done, value } = this.#piece(this.#iterable);
      if (done) {
        this.#iterable = null;
        this.#pieces = null;
        return this.#end();
      }
      if (!(value instanceof Uint8Array)) throw new TypeError("the body's iterable must yield Uint8Arrays");
      if (value.length === 0) continue;
      this.#sent += value.length;
      if (this.#chunked) return chunk(value);
      if (this.#sent > (this.#declared as number)) throw this.#mismatch();
      return value;
    }
    return null;
  }

  /** An iterator that has thrown is over: `return()` is not called. */
  #piece(iterable: Iterable<Uint8Array>): IteratorResult<Uint8Array> {
    try {
      this.#pieces ??= iterable[Symbol.iterator]();
      return this.#pieces.next();
    } catch (error) {
      this.#pieces = null;
      throw error;
    }
  }

  #end(): Uint8Array | null {
    if (this.#chunked) return Buffer.from("0\r\n\r\n");
    if (this.#sent !== this.#declared) throw this.#mismatch();
    return null;
  }

  #mismatch(): RangeError {
    return new RangeError(`header Content-Length is ${this.#declared}, but the iterable yielded ${this.#sent} bytes`);
  }
}

function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
