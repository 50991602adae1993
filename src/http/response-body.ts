/**
 * The body of a response, from the connection to the program: decodes and counts bytes, and keeps them until they are
 * read.
 *
 * Runs on the calling thread.
 */

import { BodyBuffer } from "./body-buffer.js";
import { type Decoder, decoder, tooLong } from "./content-decoding.js";
import type { ResponseHead } from "./response-head.js";
import type { BodyConsumer } from "./response-reader.js";

export class ResponseBody implements BodyConsumer {
  readonly buffer = new BodyBuffer();
  /** Its length, if the head has it and the body is not encoded. */
  length: number | null = null;
  readonly #decompress: boolean;
  #maxLength: number;
  #decoder: Decoder | null = null;

  /** `maxLength`: the most bytes, decoded. */
  constructor(decompress: boolean, maxLength: number) {
    this.#decompress = decompress;
    this.#maxLength = maxLength;
  }

  get hasRoom(): boolean {
    return this.buffer.hasRoom;
  }

  begin(head: ResponseHead): void {
    if (this.#decompress) {
      this.#decoder = decoder(head.get("content-encoding"), (bytes) => this.#push(bytes), this.#maxLength);
    }
    // The length in a 304 is that of the full response.
    if (this.#decoder === null && head.status !== 304) this.length = head.contentLength;
  }

  /** From now on the whole body is received, at most `limit` bytes. Throws `EMSGSIZE` if its known length is larger. */
  collect(limit: number): void {
    this.#maxLength = Math.min(this.#maxLength, limit);
    if (Math.max(this.buffer.total, this.length ?? 0) > this.#maxLength) throw tooLong(this.#maxLength);
    this.buffer.collect(this.length);
  }

  take(bytes: Uint8Array): void {
    if (this.#decoder === null) this.#push(bytes);
    else this.#decoder.write(bytes);
  }

  end(): void {
    this.#decoder?.end();
  }

  #push(bytes: Uint8Array): void {
    if (this.buffer.total + bytes.length > this.#maxLength) throw tooLong(this.#maxLength);
    this.buffer.push(bytes);
  }
}
