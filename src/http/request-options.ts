/**
 * The options of a request, checked before anything happens.
 *
 * Runs on the calling thread.
 */

import { Deadline, type ProxyTarget, parseProxy, type Timeout, type TlsOptions } from "../main/index.js";
import { acceptedCodings } from "./content-decoding.js";
import type { CookieJar } from "./cookies.js";
import { HeaderList, type HeadersInput, mustBeToken } from "./header-list.js";
import { mustBeKnown } from "./option-names.js";
import type { UnreadRequest } from "./outgoing-request.js";
import { parsedUrl } from "./parsed-url.js";
import { basic, decoded } from "./proxy.js";
import { DEFAULT_POLICY } from "./redirect.js";
import { type BodyInput, type GivenBody, lengthOf, requestBody } from "./request-body.js";
import { tlsCopy } from "./tls-copy.js";

/** Options of one request. */
export interface RequestOptions {
  /** Default: `GET`. */
  method?: string;
  headers?: HeadersInput;
  body?: BodyInput | null;
  /** What to do with redirects. Default: `follow`. `manual` returns the redirect itself, `error` throws. */
  redirect?: "follow" | "manual" | "error";
  /** The most redirects to follow. Default: 20. */
  maxRedirects?: number;
  /** For the whole request, from the look-up of the name to the last byte: ms, or a deadline. Default: no limit. */
  timeout?: Timeout;
  /** The most time to establish a connection: ms for each, since redirects may need several, or a deadline. */
  connectTimeout?: Timeout;
  /** Whether to decode gzip, deflate, br and zstd. Default: true. */
  decompress?: boolean;
  /** The most bytes of the body, decompressed. */
  maxLength?: number;
  /** Cookies are sent from it and stored in it: a jar with the synchronous calls of tough-cookie. */
  cookies?: CookieJar;
  /** A proxy's URL; `null` or `false` for none. Default: from the environment. */
  proxy?: string | URL | null | false;
  /** TLS options, for https. */
  tls?: TlsOptions;
  /** Checked between waits. */
  signal?: AbortSignal;
}

/** The checked options of a request. */
export interface CheckedRequest {
  readonly outgoing: UnreadRequest;
  readonly redirect: "follow" | "manual" | "error";
  readonly maxRedirects: number;
  readonly deadline: Deadline;
  readonly connectTimeout: Timeout;
  readonly decompress: boolean;
  readonly maxLength: number;
  readonly cookies: CookieJar | null;
  /** `undefined`: from the environment. */
  readonly proxy: ProxyTarget | null | undefined;
  readonly tls: TlsOptions | undefined;
  readonly signal: AbortSignal | null;
}

const NAMES = new Set<string>([
  "method",
  "headers",
  "body",
  "redirect",
  "maxRedirects",
  "timeout",
  "connectTimeout",
  "decompress",
  "maxLength",
  "cookies",
  "proxy",
  "tls",
  "signal",
]);
const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);
const FORBIDDEN_IN_URL = /[\0\r\n]/;
const MAX_REDIRECTS = 20;

/** Throws a `TypeError` or `RangeError` that names the wrong option. */
export function checkRequest(url: string | URL, options: RequestOptions): CheckedRequest {
  mustBeKnown(options, NAMES);
  const parsed = checkUrl(url);
  const method = checkMethod(options.method ?? "GET");
  const headers = new HeaderList(options.headers);
  const deadline = Deadline.of(options.timeout ?? -1);
  const body = requestBody(options.body);
  if (body !== null && (method === "GET" || method === "HEAD")) throw new TypeError(`a ${method} request has no body`);
  checkFraming(headers, body);
  if (body?.type != null && !headers.has("content-type")) headers.append("content-type", body.type);
  headers.setDefault("accept", "*/*");
  headers.setDefault("user-agent", "ringnet");
  const decompress = options.decompress ?? true;
  // A range of an encoded body can't be decoded.
  headers.setDefault("accept-encoding", headers.has("range") || !decompress ? "identity" : acceptedCodings());
  if ((parsed.username !== "" || parsed.password !== "") && !headers.has("authorization")) {
    headers.append("authorization", basic(decoded(parsed.username), decoded(parsed.password)));
  }
  const closes = /(?:^|[\s,])close(?:[\s,]|$)/i.test(headers.get("connection") ?? "");
  const { proxy, tls, connectTimeout = -1 } = options;
  Deadline.of(connectTimeout, "connectTimeout"); // its time begins with each connection
  return {
    outgoing: { method, url: parsed, headers, body, closes, referrerPolicy: DEFAULT_POLICY },
    redirect: oneOf("redirect", options.redirect ?? "follow", ["follow", "manual", "error"]),
    maxRedirects: amount("maxRedirects", options.maxRedirects ?? MAX_REDIRECTS),
    deadline,
    connectTimeout,
    decompress,
    maxLength: amount("maxLength", options.maxLength ?? Number.POSITIVE_INFINITY),
    cookies: checkJar(options.cookies ?? null),
    proxy: proxy === undefined ? undefined : proxy === null || proxy === false ? null : parseProxy(proxy),
    tls: tls == null ? undefined : tlsCopy(tls), // for http as well: a redirect may lead to https
    signal: options.signal ?? null,
  };
}

function checkJar(jar: CookieJar | null): CookieJar | null {
  if (jar === null) return jar;
  if (typeof jar.getCookieStringSync === "function" && typeof jar.setCookieSync === "function") return jar;
  throw new TypeError("cookies must be a jar with getCookieStringSync and setCookieSync, such as tough-cookie's");
}

function checkUrl(url: string | URL): URL {
  const text = String(url);
  if (FORBIDDEN_IN_URL.test(text)) throw new TypeError("url must not contain CR, LF or NUL");
  const parsed = parse(text);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw new TypeError(`url must begin with http:// or https://, not ${parsed.protocol}`);
  }
  return parsed;
}

/** The error does not quote the text, which may contain a password. */
function parse(text: string): URL {
  const url = parsedUrl(text);
  if (url === null) throw new TypeError("url must be an absolute URL such as http://host:port/path");
  return url;
}

function checkMethod(method: string): string {
  mustBeToken("method", method);
  if (method === "GET") return method;
  const upper = method.toUpperCase();
  if (FORBIDDEN_METHODS.has(upper)) throw new TypeError(`method ${upper} is not possible with fetch`);
  return NORMALIZED.has(upper) ? upper : method;
}

/** Checks the headers that determine where the request ends. */
function checkFraming(headers: HeaderList, body: GivenBody | null): void {
  if (headers.has("transfer-encoding")) {
    throw new TypeError("header Transfer-Encoding can't be set: a body of unknown length is sent in chunks anyway");
  }
  for (const key of ["content-length", "host", "expect"]) {
    if (headers.count(key) > 1)
      throw new TypeError(`header ${key} must occur only once, not ${headers.count(key)} times`);
  }
  const length = headers.get("content-length");
  if (length !== null) {
    if (!/^\d{1,15}$/.test(length))
      throw new TypeError(`header Content-Length must be a number, not ${JSON.stringify(length)}`);
    const real = body === null ? 0 : (lengthOf(body) ?? Number(length));
    if (Number(length) !== real)
      throw new TypeError(`header Content-Length is ${length}, but the body has ${real} bytes`);
  }
  const expect = headers.get("expect");
  if (expect !== null && expect.toLowerCase() !== "100-continue") {
    throw new TypeError("header Expect can only be 100-continue");
  }
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value))
    throw new TypeError(`${name} must be one of ${allowed.join(", ")}, not ${String(value)}`);
  return value;
}

export function amount(name: string, value: number): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, not ${typeof value}`);
  if (value === Number.POSITIVE_INFINITY) return value;
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`${name} must be a whole number from 0, not ${value}`);
  return value;
}
