/**
 * The response of ringnet/sync-fetch, which is complete.
 *
 * Runs on the calling thread.
 */

import { Body, type BodyInit, parseBody } from "./body.js";
import { makeEnumerable } from "./enumerable.js";
import { type HeadersInit, SyncHeaders } from "./headers.js";

export interface ResponseInit {
  status?: number | undefined;
  statusText?: string | undefined;
  headers?: HeadersInit | undefined;
  url?: string | undefined;
}

/** @internal What only a server's response has. */
interface Origin {
  readonly redirected: boolean;
  readonly error: unknown;
}

export class SyncResponse extends Body {
  readonly #status: number;
  readonly #statusText: string;
  readonly #headers: SyncHeaders;
  readonly #url: string;
  readonly #redirected: boolean;

  /** Throws a `TypeError` for a body that is a stream, a `Blob` or `FormData`. */
  constructor(body?: BodyInit, init?: ResponseInit);
  /** @internal */
  constructor(body: BodyInit | undefined, init: ResponseInit, origin: Origin);
  constructor(body?: BodyInit, init: ResponseInit = {}, origin: Origin = { redirected: false, error: null }) {
    if (typeof init !== "object") throw new TypeError("the options of a response must be an object");
    const { bytes, type } = parseBody(body);
    super(bytes, origin.error);
    this.#status = init.status ?? 200;
    this.#statusText = init.statusText ?? "";
    this.#headers = new SyncHeaders(init.headers);
    this.#url = init.url ?? "";
    this.#redirected = origin.redirected;
    if (type !== null && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get status(): number {
    return this.#status;
  }
  get statusText(): string {
    return this.#statusText;
  }
  get headers(): SyncHeaders {
    return this.#headers;
  }
  get url(): string {
    return this.#url;
  }
  get redirected(): boolean {
    return this.#redirected;
  }
  get type(): string {
    return "default";
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** Throws a `TypeError` if the body was used. */
  clone(): SyncResponse {
    const { status, statusText, headers, url, redirected } = this;
    return new SyncResponse(this.unusedBytes(), { status, statusText, headers, url }, { redirected, error: null });
  }

  get [Symbol.toStringTag](): string {
    return "Response";
  }
}

makeEnumerable(SyncResponse.prototype, ["clone", "headers", "ok", "redirected", "status", "statusText", "type", "url"]);
