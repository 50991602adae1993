/**
 * The body of a request or response of ringnet/sync-fetch: complete, in memory.
 *
 * Runs on the calling thread.
 */

import { makeEnumerable } from "./enumerable.js";
import { FetchError } from "./fetch-error.js";
import type { SyncHeaders } from "./headers.js";

/** The types of a body. Anything else, except a stream, a `Blob` and `FormData`, is converted to a string. */
export type BodyInit = string | ArrayBuffer | ArrayBufferView | URLSearchParams | null;

const UNSUPPORTED = new Set(["Blob", "File", "FormData", "ReadableStream"]);

/** The bytes of `input`, and their content type. Throws a `TypeError` for streams, `Blob` and `FormData`. */
export function parseBody(input: unknown): { bytes: Buffer | null; type: string | null } {
  if (input === null || input === undefined) return { bytes: null, type: null };
  if (input instanceof ArrayBuffer || Object.prototype.toString.call(input) === "[object ArrayBuffer]") {
    return { bytes: Buffer.from(new Uint8Array(input as ArrayBuffer)), type: null };
  }
  if (ArrayBuffer.isView(input)) {
    return { bytes: Buffer.from(new Uint8Array(input.buffer, input.byteOffset, input.byteLength)), type: null };
  }
  const kind = Object.prototype.toString.call(input).slice(8, -1);
  if (UNSUPPORTED.has(kind) || typeof (input as { pipe?: unknown }).pipe === "function") {
    throw new TypeError(
      `a body of ringnet/sync-fetch can't be a stream, a Blob or FormData; ringnet/http takes the last two`,
    );
  }
  const type = kind === "URLSearchParams" ? "application/x-www-form-urlencoded" : "text/plain";
  return { bytes: Buffer.from(String(input)), type: `${type};charset=UTF-8` };
}

export abstract class Body {
  abstract readonly url: string;
  abstract readonly headers: SyncHeaders;
  readonly #bytes: Buffer | null;
  readonly #error: unknown;
  #stream: ReadableStream<Uint8Array> | null = null;
  #used = false;

  /** `error`: the reason why the body is not complete. */
  protected constructor(bytes: Buffer | null, error: unknown = null) {
    this.#bytes = bytes;
    this.#error = error;
  }

  /** A stream of the bytes; `null` if there is no body. Reading it does not consume the body. */
  get body(): ReadableStream<Uint8Array> | null {
    const bytes = this.#bytes;
    if (bytes === null) return null;
    this.#stream ??= new ReadableStream({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(Buffer.from(bytes)); // a copy; a Buffer, so that toString() gives the text
        controller.close();
      },
    });
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  /**
   * The bytes. Like the next methods, throws a `TypeError` if the body was used, and the error of a body that is not
   * complete.
   */
  buffer(): Buffer {
    this.unusedBytes();
    this.#used = true;
    return this.#bytes ?? Buffer.alloc(0);
  }

  arrayBuffer(): ArrayBuffer {
    return new Uint8Array(this.buffer()).buffer;
  }

  text(): string {
    return this.buffer().toString();
  }

  // biome-ignore lint/suspicious/noExplicitAny: as the original's, whose programs don't check it
  json(): any {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new FetchError(
        `invalid json response body at ${this.url} reason: ${(error as Error).message}`,
        "invalid-json",
      );
    }
  }

  blob(): Blob {
    return new Blob([this.arrayBuffer()], { type: this.headers.get("content-type") ?? "" });
  }

  /** @internal The bytes of a body that was not used, for a copy. Throws as `buffer`. */
  unusedBytes(): Buffer | null {
    if (this.#error !== null) throw this.#error;
    if (this.#used) throw new TypeError(`body used already for: ${this.url}`);
    return this.#bytes;
  }
}

makeEnumerable(Body.prototype, ["body", "bodyUsed", "arrayBuffer", "blob", "json", "text"]);
