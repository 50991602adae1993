/**
 * The body of a request, as bytes or as pieces that are sent one after another.
 *
 * Runs on the calling thread.
 */

import type { Deadline } from "../main/index.js";
import { BlobBytes } from "./blob-bytes.js";
import { encodeMultipart } from "./multipart.js";

/** A request's body. The bytes of a view are not copied: don't change them before the response's head has arrived. */
export type BodyInput =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | FormData
  | Blob
  | Iterable<Uint8Array>;

export interface RequestBody {
  /** The whole body, or pieces of unknown length. */
  readonly source: Uint8Array | Iterable<Uint8Array>;
  /** Its content type. */
  readonly type: string | null;
}

/** A body as the program gave it: its Blobs are not read yet. */
export interface GivenBody {
  readonly source: RequestBody["source"] | BlobBytes;
  readonly type: string | null;
}

/** Whether it can be sent again. */
export function isReplayable(body: GivenBody | null): boolean {
  return body === null || lengthOf(body) !== null;
}

/** Its number of bytes; null for an iterable. */
export function lengthOf({ source }: GivenBody): number | null {
  return source instanceof Uint8Array || source instanceof BlobBytes ? source.length : null;
}

/** Reads its Blobs, if there are any. Throws as `BlobBytes.read`. */
export function readBody(body: GivenBody, deadline: Deadline): RequestBody {
  const { source, type } = body;
  return source instanceof BlobBytes ? { source: source.read(deadline), type } : { source, type };
}

/** Throws a `TypeError` for a value that can't be a body. */
export function requestBody(input: BodyInput | null | undefined): GivenBody | null {
  if (input === undefined || input === null) return null;
  if (typeof input === "string") return { source: Buffer.from(input, "utf8"), type: "text/plain;charset=UTF-8" };
  if (input instanceof Uint8Array) return { source: input, type: null };
  if (ArrayBuffer.isView(input)) {
    return { source: new Uint8Array(input.buffer, input.byteOffset, input.byteLength), type: null };
  }
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) {
    return { source: new Uint8Array(input), type: null };
  }
  if (input instanceof URLSearchParams) {
    return { source: Buffer.from(String(input), "utf8"), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  if (input instanceof Blob) return { source: new BlobBytes([input]), type: input.type === "" ? null : input.type };
  if (isFormData(input)) return encodeMultipart(input);
  if (typeof input === "object" && Symbol.iterator in input)
    return { source: input as Iterable<Uint8Array>, type: null };
  throw new TypeError(
    "body must be a string, bytes, URLSearchParams, FormData, a Blob or a synchronous iterable of bytes, not " +
      Object.prototype.toString.call(input),
  );
}

/** Checks the tag, because loading the class takes long. */
function isFormData(input: object): input is FormData {
  return Object.prototype.toString.call(input) === "[object FormData]";
}
