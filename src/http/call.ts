/**
 * A call of `fetch`, from its first request to the last byte: redirects, cookies, timeouts and errors.
 *
 * Runs on the calling thread.
 */

import { type Deadline, NetError, type Watch } from "../main/index.js";
import type { Connection } from "./connection.js";
import type { ConnectionPool } from "./connection-pool.js";
import { storeCookies } from "./cookies.js";
import { Exchange } from "./exchange.js";
import { HttpError, type Stage } from "./http-error.js";
import { ParseError } from "./llhttp.js";
import type { OutgoingRequest, UnreadRequest } from "./outgoing-request.js";
import { enter, type InFlight, leave } from "./progress.js";
import { environmentProxy } from "./proxy.js";
import { RedirectError, redirected, redirectTarget } from "./redirect.js";
import { type RequestBody, readBody } from "./request-body.js";
import type { CheckedRequest } from "./request-options.js";
import { ResponseBody } from "./response-body.js";
import type { ResponseHead } from "./response-head.js";
import { isRelayed, routeOf } from "./route.js";

const STAGES: Record<Stage, string> = {
  queue: "waiting for a free connection",
  resolve: "looking the name up",
  connect: "connecting",
  TLS: "reading certificates or in the TLS handshake",
  proxy: "in the handshake with the proxy",
  request: "sending the request",
  head: "waiting for the head of the response",
  body: "receiving the body",
};
const CONNECTING = new Set<Stage>(["resolve", "connect", "TLS", "proxy"]);

export class Call implements InFlight {
  readonly deadline: Deadline;
  /** The head of the final response; null until it has arrived. */
  head: ResponseHead | null = null;
  /** The body of that response. */
  body: ResponseBody;
  /** The error with which it has failed, or null. */
  error: unknown = null;
  redirects = 0;
  readonly #request: CheckedRequest;
  readonly #pool: ConnectionPool;
  readonly #retry: boolean;
  #outgoing: UnreadRequest;
  #exchange: Exchange | null = null;

  /** Starts the call. Throws a `TypeError` or `RangeError` for wrong options; other failures are in `error`. */
  constructor(request: CheckedRequest, pool: ConnectionPool, retry: boolean) {
    this.#request = request;
    this.#pool = pool;
    this.#retry = retry;
    this.#outgoing = request.outgoing;
    this.deadline = request.deadline;
    this.body = new ResponseBody(request.decompress, request.maxLength);
    enter(this);
    try {
      // A request that was aborted before it began must not be sent.
      if (request.signal?.aborted) this.#fail(request.signal.reason);
      else this.#start();
    } catch (error) {
      if (!(error instanceof NetError)) {
        leave(this);
        throw error;
      }
      this.#fail(error);
    }
  }

  /** The URL of the last request. */
  get url(): URL {
    return this.#outgoing.url;
  }

  /** Whether nothing will change any more. */
  get settled(): boolean {
    return this.error !== null || (this.head !== null && this.#exchange?.settled === true);
  }

  /** Whether the whole response has arrived. */
  get complete(): boolean {
    return this.head !== null && this.#exchange?.reader?.done === true;
  }

  get trailers(): readonly string[] {
    return this.#exchange?.reader?.trailers ?? [];
  }

  get connection(): Connection | null {
    return this.#exchange?.connection ?? null;
  }

  /** Whether it waits for a connection. */
  get queued(): boolean {
    return !this.settled && this.connection === null;
  }

  get reading(): boolean {
    return this.#exchange?.reading === true;
  }

  get writing(): boolean {
    return this.#exchange?.writing === true;
  }

  get patience(): number {
    let ms = this.deadline.left;
    const exchange = this.#exchange;
    if (exchange === null) return ms;
    const { connectBy, wakeAt } = exchange;
    if (connectBy !== null) ms = Math.min(ms, connectBy.left);
    if (wakeAt !== null) ms = Math.min(ms, wakeAt.left);
    return ms;
  }

  /** Adds what it waits for. */
  watch(watch: Watch): void {
    if (this.settled) return;
    const { connection, reading, writing } = this;
    // Even if it waits for nothing on it: requests in the queue watch the connections that they may get.
    if (connection !== null) watch(connection.socket, { readable: reading, writable: writing });
    watch(this.deadline);
    const { connectBy, wakeAt } = this.#exchange ?? {};
    if (connectBy) watch(connectBy);
    if (wakeAt) watch(wakeAt);
  }

  /** Makes as much progress as it can. Never throws: see `error`. */
  step(): void {
    if (this.settled) return;
    const { signal } = this.#request;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    try {
      this.#advance();
    } catch (error) {
      this.#fail(error);
    }
    if (!this.settled) this.#checkTime();
    if (this.settled) leave(this);
  }

  starve(): void {
    const message = "all connections to the server are held by responses that were not read to their end or closed";
    this.#fail(new NetError({ code: "EAGAIN", message }));
  }

  /** Cancels the call. */
  abort(): void {
    if (!this.settled) this.#fail(new NetError({ code: "ERR_SOCKET_CLOSED", message: "the response is closed" }));
    else if (this.#exchange?.reader?.upgraded && this.connection !== null) this.takeConnection().close(true);
    leave(this);
  }

  /** The connection of a response that switches protocols. */
  takeConnection(): Connection {
    return (this.#exchange as Exchange).takeConnection();
  }

  /** Wraps an error in one that names the request. */
  wrap(error: unknown): unknown {
    const subject = this.#outgoing;
    const stage = this.#exchange?.stage ?? "connect";
    const wrapped = (code: string, message: string) => new HttpError(code, message, subject, stage, error);
    if (error instanceof HttpError) return error;
    if (error instanceof ParseError) return wrapped("ERR_HTTP_PARSE", `the response is not HTTP/1.1: ${error.message}`);
    if (error instanceof RedirectError) return wrapped("ERR_HTTP_REDIRECT", error.message);
    if (!(error instanceof NetError)) return error;
    if (error.code === "ERR_PROXY") return wrapped("ERR_HTTP_PROXY", error.message);
    const route = this.#exchange?.route;
    const proxy = route !== undefined && isRelayed(route) ? route.proxy : null;
    // With a tunnelling proxy, the connection's errors already name it.
    const failedAtProxy = proxy !== null && CONNECTING.has(stage);
    return wrapped(error.code, failedAtProxy ? `proxy ${proxy.host}:${proxy.port}: ${error.message}` : error.message);
  }

  /** Makes an error of this request. */
  failure(code: string, message: string): HttpError {
    return new HttpError(code, message, this.#outgoing, this.#exchange?.stage ?? "connect");
  }

  /** The error of a call that has timed out. */
  timedOut(milliseconds: number, what: string): HttpError {
    const stage = this.#exchange?.stage ?? "connect";
    const message = `${what} timed out after ${milliseconds} ms, ${STAGES[stage]}`;
    const late = new NetError({ code: "ETIMEDOUT", message });
    const reason = this.#exchange?.connection?.socket.reasonOf(late) ?? late;
    return new HttpError(reason.code, reason.message, this.#outgoing, stage, reason === late ? undefined : late);
  }

  #start(): void {
    const request = this.#request;
    const { url, headers } = this.#outgoing;
    let outgoing: OutgoingRequest = { ...this.#outgoing, body: this.#readBody() };
    this.#outgoing = outgoing;
    const cookies = request.cookies?.getCookieStringSync(url.href) ?? "";
    if (cookies !== "") {
      const own = headers.get("cookie");
      outgoing = { ...outgoing, headers: headers.copy() };
      outgoing.headers.set("cookie", own === null ? cookies : `${own}; ${cookies}`);
    }
    const proxy = request.proxy === undefined ? environmentProxy(url) : request.proxy;
    this.#exchange = new Exchange(outgoing, routeOf(url, proxy, request.tls), this.#pool, this.body, {
      retry: this.#retry,
      connectTimeout: request.connectTimeout,
    });
  }

  #readBody(): RequestBody | null {
    const { body } = this.#outgoing;
    if (body === null) return null;
    try {
      return readBody(body, this.deadline);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      throw new HttpError(error.code, error.message, this.#outgoing, "request", error);
    }
  }

  #advance(): void {
    for (;;) {
      const exchange = this.#exchange as Exchange;
      exchange.step();
      const head = exchange.reader?.head ?? null;
      if (head !== null && this.head === null && !this.#isFollowed(exchange, head)) this.head = head;
      if (this.#exchange !== exchange) continue;
      if (exchange.error !== null) this.#fail(exchange.error);
      return;
    }
  }

  /** Follows a redirect; returns whether there was one to follow. */
  #isFollowed(exchange: Exchange, head: ResponseHead): boolean {
    const { cookies, redirect, maxRedirects } = this.#request;
    if (cookies !== null) storeCookies(cookies, head, this.url);
    if (redirect === "manual") return false;
    const target = redirectTarget(head, this.url);
    if (target === null) return false;
    if (redirect === "error")
      throw new RedirectError(`the server redirects to ${target.origin}, and redirect is "error"`);
    if (this.redirects >= maxRedirects) {
      const message = `the server redirects more than ${maxRedirects} times`;
      throw new NetError({ code: "ERR_HTTP_TOO_MANY_REDIRECTS", message });
    }
    const next = redirected(this.#outgoing, head, target);
    exchange.abort(null);
    this.redirects++;
    this.#outgoing = next;
    this.body = new ResponseBody(this.#request.decompress, this.#request.maxLength);
    this.#start();
    return true;
  }

  #checkTime(): void {
    const connectBy = this.#exchange?.connectBy;
    if (this.deadline.expired) this.#fail(this.timedOut(this.deadline.timeout, "the request"));
    else if (connectBy?.expired) this.#fail(this.timedOut(connectBy.timeout, "connecting"));
  }

  #fail(error: unknown): void {
    if (this.error !== null) return;
    this.error = this.wrap(error);
    this.#exchange?.abort(this.error);
    leave(this);
  }
}
