/**
 * The response to a request; it may not have arrived yet.
 *
 * Runs on the calling thread.
 */

import { Deadline, type Pollable, pollable, type TcpSocket, type Timeout, type Watch } from "../main/index.js";
import { events, lines, maxLengthOf, type ServerSentEvent, type TextOptions } from "./body-text.js";
import type { Call } from "./call.js";
import { parseForm } from "./form-parser.js";
import { type HttpError, withoutCredentials } from "./http-error.js";
import { stepAll, waitFor, watchAll } from "./progress.js";
import { amount } from "./request-options.js";

const EMPTY = Buffer.alloc(0);
/** The most bytes of a body that is read as a whole. */
const WHOLE_MAX = 1024 * 1024 * 1024;

/**
 * A response that is garbage-collected returns its connection. Objects registered here survive minor collections, with
 * everything they refer to. So the usual response, which is read before the next request, is never registered, and the
 * others drop their call when it is over.
 */
const forgotten = new FinalizationRegistry<{ call: Call | null }>((held) => held.call?.abort());
/** The last response that was made. */
let latest: HttpResponse | null = null;

let responses = 0;

/** A response. Made by `fetch`. */
export class HttpResponse implements Pollable {
  /** A number that is unique among the responses of this thread. */
  readonly id = ++responses;
  readonly #call: Call;
  #closed = false;
  #headers: Headers | null = null;
  #held: { call: Call | null } | null = null;
  #used = false;
  #takenWhole = false;
  #headTaken = false;
  #endTaken = false;

  /** @internal Use `fetch`. */
  constructor(call: Call) {
    this.#call = call;
    if (latest !== null) latest.#guard();
    latest = this;
  }

  // The head.

  /**
   * Blocks until the head has arrived, or for `timeout` ms (-1: no limit); returns whether it has. Throws the request's
   * error.
   */
  waitUntilHeaders(timeout: Timeout = -1): boolean {
    const call = this.#open();
    const found = waitFor(call, Deadline.of(timeout), () => call.head !== null || call.error !== null);
    if (call.head === null && call.error !== null) throw this.#failure();
    if (found) this.#headTaken = true;
    return found;
  }

  /** The status, 200 to 999, or 101. Like the next properties, blocks for the head. */
  get status(): number {
    return this.#head.status;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    const { status } = this.#head;
    return status >= 200 && status <= 299;
  }

  /** The server's own words for the status. */
  get statusText(): string {
    return this.#head.statusText;
  }

  /** The URL of the last request, after all redirects, without credentials and fragment. */
  get url(): string {
    this.#head;
    const url = new URL(withoutCredentials(this.#call.url));
    url.hash = "";
    return url.href;
  }

  /** Whether redirects were followed. */
  get redirected(): boolean {
    this.#head;
    return this.#call.redirects > 0;
  }

  /** The headers, as Node's `Headers`. */
  get headers(): Headers {
    const { raw } = this.#head;
    this.#headers ??= asHeaders(raw);
    return this.#headers;
  }

  /** Names and values alternating, as the server spells them. */
  get rawHeaders(): readonly string[] {
    return this.#head.raw;
  }

  /** The headers that the server sent after the body; empty until the body has ended. */
  get trailers(): Headers {
    return asHeaders(this.#call.trailers);
  }

  // The whole body.

  /** Whether the body was read, in whole or in part. */
  get bodyUsed(): boolean {
    return this.#used;
  }

  /**
   * Blocks for the whole body. Throws `ETIMEDOUT` after `timeout` ms; received bytes are kept for the next call. Throws
   * `EMSGSIZE` if the body is longer than `maxLength`, or 1 GiB.
   */
  bytes(timeout: Timeout = -1): Buffer {
    this.#collect(timeout, "bytes");
    return this.#call.body.buffer.takeAll();
  }

  /** The body as text (UTF-8, without a byte order mark). Throws as `bytes`. */
  text(timeout: Timeout = -1): string {
    this.#collect(timeout, "text");
    return utf8(this.#call.body.buffer.takeAll());
  }

  /** The body as JSON. Throws as `bytes`, and a `SyntaxError`. */
  json(timeout: Timeout = -1): unknown {
    this.#collect(timeout, "json");
    return JSON.parse(utf8(this.#call.body.buffer.takeAll()));
  }

  /** The body as an `ArrayBuffer`. Throws as `bytes`. */
  arrayBuffer(timeout: Timeout = -1): ArrayBuffer {
    this.#collect(timeout, "arrayBuffer");
    const bytes = this.#call.body.buffer.takeAll();
    return new Uint8Array(bytes).buffer;
  }

  /** The body as a `Blob` of its type. Throws as `bytes`. */
  blob(timeout: Timeout = -1): Blob {
    this.#collect(timeout, "blob");
    const type = this.#call.head?.get("content-type") ?? "";
    return new Blob([this.#call.body.buffer.takeAll() as Uint8Array<ArrayBuffer>], { type });
  }

  /** The body as a form, multipart or URL-encoded. Throws as `bytes`, and a `TypeError` if it is not a form. */
  formData(timeout: Timeout = -1): FormData {
    this.#collect(timeout, "formData");
    return parseForm(this.#call.body.buffer.takeAll(), this.#call.head?.get("content-type") ?? "");
  }

  // The body in pieces.

  /**
   * Returns up to `max` received bytes: empty if there are none yet, `null` at the end. Throws the request's error
   * after all bytes that arrived before it.
   */
  read(max: number = Number.POSITIVE_INFINITY): Buffer | null {
    const limit = amount("max", max);
    const piece = this.peek() as Buffer | null;
    if (piece === null || piece.length === 0) return piece;
    const taken = piece.length > limit ? piece.subarray(0, limit) : piece;
    this.#call.body.buffer.drop(taken.length);
    return taken;
  }

  /** Copies received bytes into `target`; returns their number, `null` at the end. Throws as `read`. */
  readInto(target: Uint8Array): number | null {
    if (!(target instanceof Uint8Array)) throw new TypeError("target must be a Uint8Array");
    let filled = 0;
    while (filled < target.length) {
      const piece = filled === 0 ? this.peek() : (this.#call.body.buffer.first() ?? EMPTY);
      if (piece === null) return null;
      if (piece.length === 0) break;
      const part = piece.subarray(0, target.length - filled);
      target.set(part, filled);
      this.#call.body.buffer.drop(part.length);
      filled += part.length;
    }
    return filled;
  }

  /**
   * The next bytes in place: valid until `consume` or any other reading call. Empty, `null` and errors as with `read`.
   */
  peek(): Uint8Array | null {
    const call = this.#open();
    if (this.#takenWhole) throw this.#bodyUsed();
    const { buffer } = call.body;
    if (buffer.size === 0) call.step();
    const first = call.head === null ? null : call.body.buffer.first();
    if (first !== null) {
      this.#used = true;
      return first;
    }
    if (call.error !== null) throw this.#failure();
    if (!call.complete) return EMPTY;
    this.#used = true;
    this.#endTaken = true;
    this.#unguard();
    return null;
  }

  /** Drops `count` readable bytes. Throws a `RangeError` if there are fewer. */
  consume(count: number): void {
    const { buffer } = this.#open().body;
    if (!Number.isInteger(count) || count < 0 || count > buffer.size) {
      throw new RangeError(`count must be a whole number from 0 to ${buffer.size}, not ${count}`);
    }
    if (count > 0) this.#used = true;
    buffer.drop(count);
  }

  /** Blocks until `read` will return bytes or the end, or throw. Returns whether it will. */
  waitUntilReadable(timeout: Timeout = -1): boolean {
    const call = this.#open();
    return waitFor(call, Deadline.of(timeout), () => call.settled || (call.head !== null && call.body.buffer.size > 0));
  }

  /** The pieces of the body as they arrive; each step blocks for the next one. */
  *[Symbol.iterator](): Generator<Buffer, void> {
    for (;;) {
      this.waitUntilReadable();
      const bytes = this.read();
      if (bytes === null) return;
      if (bytes.length > 0) yield bytes;
    }
  }

  /**
   * The lines of the body as they arrive, without their terminators; the last line needs none. `maxLength`: the most
   * characters of a line, 1 Mi by default; a longer one throws `EMSGSIZE`.
   */
  lines(options: TextOptions = {}): Generator<string, void> {
    return this.#named(lines(this, maxLengthOf(options)));
  }

  /**
   * The events of a `text/event-stream` as they arrive. `maxLength`: the most characters of an event, 1 Mi by default.
   */
  events(options: TextOptions = {}): Generator<ServerSentEvent, void> {
    return this.#named(events(this, maxLengthOf(options)));
  }

  // Other members.

  /**
   * The connection itself, when the server has switched protocols (status 101, after a request with `Upgrade`). The
   * program owns it from now on.
   */
  takeSocket(): TcpSocket {
    if (this.#head.status !== 101)
      throw new TypeError(`the server did not switch protocols: its status is ${this.status}`);
    this.#endTaken = true;
    return this.#call.takeConnection().socket;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Whether there is something to do: the head has arrived and was not read yet, the body has readable bytes, or no
   * call has returned its end or thrown its error yet. `poll` reports this.
   */
  get ready(): boolean {
    if (this.closed) return false;
    const call = this.#call;
    if (call.queued)
      stepAll(); // others must give a connection back
    else call.step();
    if (call.error !== null) return !this.#endTaken;
    if (call.head === null) return false;
    return !this.#headTaken || call.body.buffer.size > 0 || (call.complete && !this.#endTaken);
  }

  /** For `poll` and `Poller`: watches its current connection and its deadlines. */
  [pollable](watch: Watch, { readable }: { readonly readable: boolean }): boolean {
    if (!readable) return false;
    if (this.ready) return true;
    if (this.#call.queued) watchAll(watch);
    this.#call.watch(watch);
    return false;
  }

  /**
   * Cancels the request, and closes its connection if the response is not complete. Received properties stay. A
   * response whose body was read to its end needs no `close`.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unguard();
    this.#call.abort();
  }

  /** Same as `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** One line for `console.log`: the class, the id, the URL and the state. Changes nothing. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.constructor.name} #${this.id} { ${withoutCredentials(this.#call.url)}, ${this.#describe()} }`;
  }

  #describe(): string {
    const { head, error } = this.#call;
    if (this.#closed) return "closed";
    if (error !== null) return `failed: ${(error as { code?: string }).code ?? (error as Error).message}`;
    return head === null ? "waiting" : `${head.status} ${head.statusText}`.trim();
  }

  /** From now on the connection is returned to the pool when the response is garbage-collected. */
  #guard(): void {
    if (this.#held !== null || this.#call.settled) return;
    this.#held = { call: this.#call };
    forgotten.register(this, this.#held, this);
  }

  #unguard(): void {
    if (latest === this) latest = null;
    if (this.#held === null) return;
    this.#held.call = null;
    this.#held = null;
    forgotten.unregister(this);
  }

  get #head() {
    if (this.#call.head === null) this.waitUntilHeaders();
    this.#headTaken = true;
    return this.#call.head as NonNullable<Call["head"]>;
  }

  #collect(timeout: Timeout, what: string): void {
    const call = this.#open();
    if (this.#used) throw this.#bodyUsed();
    const deadline = Deadline.of(timeout);
    waitFor(call, deadline, () => call.head !== null || call.error !== null);
    if (call.head !== null) {
      try {
        call.body.collect(WHOLE_MAX);
      } catch (error) {
        throw call.wrap(error);
      }
    }
    waitFor(call, deadline, () => call.settled);
    if (call.error !== null) throw this.#failure();
    if (!call.complete) throw call.timedOut(deadline.timeout, what);
    this.#used = true;
    this.#takenWhole = true;
    this.#headTaken = true;
    this.#endTaken = true;
    this.#unguard();
  }

  /** Wraps errors of lines and events, so that they name the request. */
  *#named<T>(found: Generator<T, void>): Generator<T, void> {
    try {
      yield* found;
    } catch (error) {
      throw this.#call.wrap(error);
    }
  }

  #open(): Call {
    if (this.closed && !this.#call.complete) throw this.#failure();
    return this.#call;
  }

  #failure(): unknown {
    this.#endTaken = true;
    return this.#call.error;
  }

  #bodyUsed(): HttpError {
    return this.#call.failure("ERR_HTTP_BODY_USED", "the body was read already");
  }
}

const decoder = new TextDecoder();

function utf8(bytes: Buffer): string {
  return decoder.decode(bytes);
}

function asHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i] as string, raw[i + 1] as string);
  return headers;
}
