/**
 * The request of ringnet/sync-fetch.
 *
 * Runs on the calling thread.
 */

import { parsedUrl } from "../parsed-url.js";
import { Body, type BodyInit, parseBody } from "./body.js";
import { makeEnumerable } from "./enumerable.js";
import { type HeadersInit, SyncHeaders } from "./headers.js";

/** The options of a request; other members have no effect. */
export interface RequestInit {
  method?: string | undefined;
  headers?: HeadersInit | undefined;
  body?: BodyInit | undefined;
  redirect?: "follow" | "manual" | "error" | undefined;
  signal?: AbortSignal | null | undefined;
  /** The most redirects to follow. Default: 20. */
  follow?: number | undefined;
  /** The timeout of the whole request, including the body, in ms. Default, and for 0: no limit. */
  timeout?: number | undefined;
  /** Whether to decompress the response's body. Default: true. */
  compress?: boolean | undefined;
  /** The most bytes of the response's body. Default, and for 0: no limit. */
  size?: number | undefined;
  // Stored, but without effect.
  cache?: string | undefined;
  credentials?: string | undefined;
  integrity?: string | undefined;
  keepalive?: boolean | undefined;
  mode?: string | undefined;
  referrer?: string | undefined;
  referrerPolicy?: string | undefined;
  agent?: unknown;
}

const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);

export class SyncRequest extends Body {
  readonly #init: RequestInit;
  readonly #url: string;
  readonly #method: string;
  readonly #headers: SyncHeaders;

  /** Throws a `TypeError` for a URL that is not absolute, and for a body of a `GET` or `HEAD` request. */
  constructor(resource: string | URL | SyncRequest, init: RequestInit = {}) {
    const from = resource instanceof SyncRequest ? resource : null;
    const given = init.body === undefined || init.body === null ? null : parseBody(init.body);
    super(given?.bytes ?? from?.unusedBytes() ?? null);
    this.#init = from === null ? init : { ...from.#init, ...init };
    this.#url = from?.url ?? absolute(resource as string | URL);
    const method = String(this.#init.method ?? "GET");
    this.#method = NORMALIZED.has(method.toUpperCase()) ? method.toUpperCase() : method;
    this.#headers = new SyncHeaders(init.headers ?? from?.headers);
    if (this.unusedBytes() !== null && (this.method === "GET" || this.method === "HEAD")) {
      throw new TypeError(`a ${this.method} request has no body`);
    }
    const type = given?.type ?? null;
    if (type !== null && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get url(): string {
    return this.#url;
  }
  get method(): string {
    return this.#method;
  }
  get headers(): SyncHeaders {
    return this.#headers;
  }
  get redirect(): "follow" | "manual" | "error" {
    return this.#init.redirect ?? "follow";
  }
  get signal(): AbortSignal | null {
    return this.#init.signal ?? null;
  }
  get follow(): number | undefined {
    return this.#init.follow;
  }
  get timeout(): number | undefined {
    return this.#init.timeout;
  }
  get compress(): boolean | undefined {
    return this.#init.compress;
  }
  get size(): number | undefined {
    return this.#init.size;
  }
  /** 0: as in the original, redirects are not counted here. */
  get counter(): number {
    return 0;
  }
  get agent(): unknown {
    return this.#init.agent;
  }
  get cache(): string {
    return this.#init.cache ?? "default";
  }
  get credentials(): string {
    return this.#init.credentials ?? "same-origin";
  }
  get destination(): string {
    return "";
  }
  get integrity(): string {
    return this.#init.integrity ?? "";
  }
  get keepalive(): boolean {
    return this.#init.keepalive ?? false;
  }
  get mode(): string {
    return this.#init.mode ?? "cors";
  }
  get referrer(): string {
    return this.#init.referrer ?? "about:client";
  }
  get referrerPolicy(): string {
    return this.#init.referrerPolicy ?? "";
  }

  /** Throws a `TypeError` if the body was used. */
  clone(): SyncRequest {
    return new SyncRequest(this);
  }

  get [Symbol.toStringTag](): string {
    return "Request";
  }
}

makeEnumerable(SyncRequest.prototype, [
  "cache",
  "clone",
  "credentials",
  "destination",
  "headers",
  "integrity",
  "method",
  "mode",
  "redirect",
  "referrer",
  "referrerPolicy",
  "signal",
  "url",
]);

function absolute(resource: string | URL): string {
  const text = String(resource);
  const url = parsedUrl(text);
  // Not quoted: it may contain a password.
  if (url === null) throw new TypeError("url must be absolute, such as http://host:port/path");
  return url.href;
}
