/**
 * Decodes content codings piece by piece, synchronously: gzip, deflate, and where the runtime decodes them reliably br and zstd.
 *
 * Runs on the calling thread.
 */

import * as zlib from "node:zlib";
import { BrotliDecompress, Gunzip, Inflate, InflateRaw, ZstdDecompress } from "minizlib";
import { NetError } from "../main/index.js";

/** Decodes one coding, and passes the result on. */
export interface Decoder {
  write(bytes: Uint8Array): void;
  /** Throws if the encoded body is not complete. */
  end(): void;
}

type Stream = Gunzip | BrotliDecompress | ZstdDecompress;
type Output = (bytes: Uint8Array) => void;

/** Whether Brotli's decoder detects truncation: Deno's does not. (A trial takes 5 ms, which every program would pay at its first request.) */
const HAS_BROTLI = process.versions.deno === undefined;

/** A truncated zstd frame. */
const CUT_OFF = Buffer.from("28b52ffd2007390000637574206f66", "hex");

let zstd: boolean | null = null;

/** Whether this runtime decodes zstd and detects truncation: Node 22 does not. */
function hasZstd(): boolean {
  if (zstd !== null) return zstd;
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Uint8Array) => unknown };
  zstd = false;
  try {
    zstdDecompressSync?.(CUT_OFF);
  } catch {
    zstd = true;
  }
  return zstd;
}

/** The value of `Accept-Encoding`. */
export function acceptedCodings(): string {
  return ["gzip", "deflate", "br", "zstd"].filter(isKnown).join(", ");
}

/** The most nested codings. More are probably an attack. */
const MAX_CODINGS = 5;
/** The most bytes that one piece may expand to, because decoding can't stop within a piece. */
const MAX_EXPANSION = 128 * 1024 * 1024;
/**
 * The bytes decoded at a time. gzip and deflate expand one byte to at most a thousand. The others can expand a dozen to
 * 16 MB: their pieces start small, grow while the output is small, and become small again when it is large.
 */
const PIECE = { gzip: 16384, other: 4096 };
const SMALL_PIECE = 64;
const MUCH = 1024 * 1024;
/** The lower half of the first byte of zlib's header: deflate (RFC 1950). */
const ZLIB_METHOD = 8;

/** A decoder for `Content-Encoding`; null if there is none, or an unknown coding. */
export function decoder(encoding: string | null, output: Output, maxLength: number): Decoder | null {
  if (encoding === null) return null;
  const codings = encoding
    .toLowerCase()
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each !== "identity");
  if (codings.length === 0 || !codings.every(isKnown)) return null;
  if (codings.length > MAX_CODINGS) throw undecodable(`the body is coded ${codings.length} times`);
  let next: Decoder | null = null;
  for (const coding of codings) {
    const behind = next as Decoder | null;
    const out: Output = behind === null ? output : (bytes) => behind.write(bytes);
    next = new StreamDecoder(coding, out, () => behind?.end(), Math.min(maxLength, MAX_EXPANSION));
  }
  return next;
}

function isKnown(coding: string): boolean {
  if (coding === "br") return HAS_BROTLI;
  if (coding === "zstd") return hasZstd();
  return ["gzip", "x-gzip", "deflate"].includes(coding);
}

class StreamDecoder implements Decoder {
  readonly #coding: string;
  readonly #output: Output;
  readonly #ended: () => void;
  readonly #maxOutputLength: number;
  readonly #largest: number;
  readonly #smallest: number;
  #stream: Stream | null = null;
  #error: unknown = null;
  #piece: number;
  #produced = 0;

  constructor(coding: string, output: Output, ended: () => void, maxOutputLength: number) {
    this.#coding = coding;
    this.#output = output;
    this.#ended = ended;
    this.#maxOutputLength = maxOutputLength;
    const unbounded = coding === "br" || coding === "zstd";
    this.#largest = unbounded ? PIECE.other : PIECE.gzip;
    this.#smallest = unbounded ? SMALL_PIECE : PIECE.gzip;
    this.#piece = this.#smallest;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#stream ??= this.#open(bytes[0] as number);
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#piece);
      at += piece.length;
      this.#produced = 0;
      this.#stream.write(piece as Buffer);
      this.#check();
      if (this.#produced > MUCH) this.#piece = this.#smallest;
      else if (this.#piece < this.#largest) this.#piece *= 2;
    }
  }

  end(): void {
    // An empty body needs no decoding.
    if (this.#stream !== null) {
      this.#stream.end();
      this.#check();
    }
    this.#ended();
  }

  #open(first: number): Stream {
    const stream = this.#make(first);
    // Node destroys a stream with an error and keeps it until its next tick, which may never come in a thread that blocks. The call throws
    // the error anyway, and the garbage collector closes the stream.
    const { handle } = stream;
    if (handle !== undefined) handle.destroy = () => handle;
    stream.on("data", (bytes) => {
      this.#produced += bytes.length;
      if (this.#error === null) {
        try {
          this.#output(bytes as Buffer);
        } catch (error) {
          this.#error = error;
        }
      }
    });
    stream.on("error", (error) => {
      this.#error ??= this.#refusal(error as Error & { code?: string });
    });
    return stream;
  }

  #make(first: number): Stream {
    // minizlib passes unknown options on to Node, such as this limit.
    const options: object = { maxOutputLength: this.#maxOutputLength };
    switch (this.#coding) {
      case "br":
        return new BrotliDecompress(options);
      case "zstd":
        return new ZstdDecompress(options);
      case "deflate": // the standard requires zlib's header; some servers leave it out
        return (first & 15) === ZLIB_METHOD ? new Inflate(options) : new InflateRaw(options);
      default:
        return new Gunzip(options);
    }
  }

  #refusal(error: Error & { code?: string }): NetError {
    if (error.code !== "ERR_BUFFER_TOO_LARGE")
      return undecodable(`the body is not ${this.#coding}: ${error.message}`, error);
    if (this.#maxOutputLength === MAX_EXPANSION)
      return undecodable("a piece of the body expands to more than 128 MiB", error);
    return tooLong(this.#maxOutputLength);
  }

  #check(): void {
    if (this.#error !== null) throw this.#error;
  }
}

function undecodable(message: string, cause?: unknown): NetError {
  return new NetError({ code: "ERR_CONTENT_DECODING", message }, cause);
}

/** The error of a body longer than `maxLength`. */
export function tooLong(maxLength: number): NetError {
  return new NetError({
    code: "EMSGSIZE",
    message: `the body of the response exceeds maxLength (${maxLength} bytes)`,
  });
}
