/**
 * ringnet/xhr: `XMLHttpRequest` in synchronous mode, by the XMLHttpRequest Standard, on top of ringnet/http.
 *
 * Runs on the calling thread.
 */

import * as http from "../http/index.js";
import { parsedUrl } from "./parsed-url.js";
import { XhrEvents } from "./xhr/events.js";
import { failure, notSupported, refused } from "./xhr/exceptions.js";
import { finalCharset, finalType } from "./xhr/mime-type.js";
import { RequestHeaders } from "./xhr/request-headers.js";

export type { XhrEvent, XhrListener } from "./xhr/events.js";

export type XMLHttpRequestResponseType = "" | "arraybuffer" | "blob" | "document" | "json" | "text";

/** The argument of `send`. */
export type XMLHttpRequestBody = Exclude<http.BodyInput, Iterable<Uint8Array>> | Uint8Array | null;

interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  /** By lower-case name, sorted; values joined. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
}

const UNSENT = 0;
const OPENED = 1;
const HEADERS_RECEIVED = 2;
const LOADING = 3;
const DONE = 4;
const NO_BODY = new Set(["GET", "HEAD"]);
const HIDDEN = new Set(["set-cookie", "set-cookie2"]);

/** One request at a time; `send` blocks until the response is complete. */
export class XMLHttpRequest extends XhrEvents {
  static readonly UNSENT = UNSENT;
  static readonly OPENED = OPENED;
  static readonly HEADERS_RECEIVED = HEADERS_RECEIVED;
  static readonly LOADING = LOADING;
  static readonly DONE = DONE;
  readonly UNSENT = UNSENT;
  readonly OPENED = OPENED;
  readonly HEADERS_RECEIVED = HEADERS_RECEIVED;
  readonly LOADING = LOADING;
  readonly DONE = DONE;

  /** Stored, but without effect: there is no page whose origin could differ. */
  withCredentials = false;
  #state = UNSENT;
  #method = "GET";
  #url = "";
  #timeout = 0;
  #responseType: XMLHttpRequestResponseType = "";
  #mimeType: string | null = null;
  #headers = new RequestHeaders();
  #answer: Answer | null = null;
  #object: unknown;

  get readyState(): number {
    return this.#state;
  }

  /** The timeout of the whole request, in ms; 0: no limit. Browsers allow it in synchronous mode only in workers. */
  get timeout(): number {
    return this.#timeout;
  }

  set timeout(ms: number) {
    this.#timeout = Math.max(0, Math.trunc(Number(ms)) || 0);
  }

  get responseType(): XMLHttpRequestResponseType {
    return this.#responseType;
  }

  /** Throws an `InvalidStateError` once the response has arrived. Unknown values are ignored. */
  set responseType(type: XMLHttpRequestResponseType) {
    if (this.#state >= LOADING)
      throw refused("InvalidStateError", "responseType can't change once the response has arrived");
    if (["", "arraybuffer", "blob", "json", "text"].includes(type)) this.#responseType = type;
    else if (type === "document") throw notSupported("responseType document needs an HTML parser");
  }

  /**
   * Throws a `SyntaxError` for an invalid method or URL, a `SecurityError` for `CONNECT`, `TRACE` and
   * `TRACK`, and a `NotSupportedError` unless `async` is `false`.
   */
  open(method: string, url: string | URL, async = true, user?: string | null, password?: string | null): void {
    const name = String(method);
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
      throw refused("SyntaxError", `method ${JSON.stringify(name)} is not a token`);
    if (/^(?:connect|trace|track)$/i.test(name)) throw refused("SecurityError", `method ${name} is not possible`);
    // Not quoted: it may contain a password.
    const parsed = parsedUrl(String(url));
    if (parsed === null) throw refused("SyntaxError", "url must be absolute, such as http://host:port/path");
    if (async) throw notSupported("ringnet/xhr blocks: call open(method, url, false)");
    if (user != null) parsed.username = user;
    if (password != null) parsed.password = password;
    parsed.hash = "";
    this.#method = /^(?:delete|get|head|options|post|put)$/i.test(name) ? name.toUpperCase() : name;
    this.#url = parsed.href;
    this.#headers = new RequestHeaders();
    this.#forget();
    if (this.#state !== OPENED) this.#become(OPENED);
  }

  /** Values of the same name are joined. Forbidden names are ignored, as in browsers. */
  setRequestHeader(name: string, value: string): void {
    if (this.#state !== OPENED) throw refused("InvalidStateError", "setRequestHeader comes between open and send");
    this.#headers.add(name, value);
  }

  /** Throws an `InvalidStateError` once the response has arrived. */
  overrideMimeType(mime: string): void {
    if (this.#state >= LOADING) throw refused("InvalidStateError", "overrideMimeType comes before the response");
    this.#mimeType = String(mime);
  }

  /** Blocks until the response is complete. Throws a `NetworkError`, or a `TimeoutError` after `timeout` ms. */
  send(body: XMLHttpRequestBody = null): void {
    if (this.#state !== OPENED) throw refused("InvalidStateError", "send comes after open");
    const sent = NO_BODY.has(this.#method) ? null : body;
    try {
      const response = http.fetch(this.#url, {
        method: this.#method,
        headers: this.#headers.forBody(sent),
        body: sent,
        ...(this.#timeout > 0 ? { timeout: this.#timeout } : {}),
      });
      try {
        this.#answer = answerOf(response);
      } finally {
        response.close();
      }
    } catch (error) {
      this.#forget();
      this.#state = DONE;
      throw failure(error);
    }
    this.#become(DONE);
    this.fire("load", this.#answer.bytes.length);
    this.fire("loadend", this.#answer.bytes.length);
  }

  /** Drops the response: no request is in progress outside `send`. */
  abort(): void {
    this.#forget();
    if (this.#state === DONE) this.#state = UNSENT;
  }

  get status(): number {
    return this.#answer?.status ?? 0;
  }

  get statusText(): string {
    return this.#answer?.statusText ?? "";
  }

  get responseURL(): string {
    return this.#answer?.url ?? "";
  }

  getResponseHeader(name: string): string | null {
    return this.#answer?.headers.get(String(name).toLowerCase()) ?? null;
  }

  /** One line per header, with lower-case names, sorted. */
  getAllResponseHeaders(): string {
    return [...(this.#answer?.headers ?? [])].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  }

  get responseText(): string {
    if (this.#responseType !== "" && this.#responseType !== "text") {
      throw refused("InvalidStateError", `responseText is not available with responseType ${this.#responseType}`);
    }
    return this.#text();
  }

  /** Documents are not parsed. */
  get responseXML(): null {
    if (this.#responseType !== "") {
      throw refused("InvalidStateError", `responseXML is not available with responseType ${this.#responseType}`);
    }
    return null;
  }

  /** The body, by `responseType`: a string, `ArrayBuffer`, `Blob`, or parsed JSON (`null` if it can't be parsed). */
  get response(): unknown {
    if (this.#responseType === "" || this.#responseType === "text") return this.#text();
    if (this.#answer === null) return null;
    if (this.#object === undefined) this.#object = this.#made(this.#answer.bytes);
    return this.#object;
  }

  #made(bytes: Buffer): unknown {
    if (this.#responseType === "arraybuffer") return new Uint8Array(bytes).buffer;
    if (this.#responseType === "blob") return new Blob([new Uint8Array(bytes)], { type: this.#type() });
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return null;
    }
  }

  #text(): string {
    if (this.#answer === null) return "";
    return new TextDecoder(finalCharset(this.getResponseHeader("content-type"), this.#mimeType)).decode(
      this.#answer.bytes,
    );
  }

  #type(): string {
    return finalType(this.getResponseHeader("content-type"), this.#mimeType);
  }

  #forget(): void {
    this.#answer = null;
    this.#object = undefined;
  }

  #become(state: number): void {
    this.#state = state;
    this.fire("readystatechange");
  }
}

function answerOf(response: http.HttpResponse): Answer {
  const { status, statusText, url, rawHeaders } = response;
  const headers = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    if (HIDDEN.has(name)) continue;
    const before = headers.get(name);
    const value = rawHeaders[i + 1] as string;
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const sorted = new Map([...headers].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { status, statusText, url, headers: sorted, bytes: response.bytes() };
}
