/**
 * ringnet/http: blocking HTTP.
 *
 * `fetch` returns immediately; reading from the response blocks until the data has arrived.
 */

import { HttpClient, type HttpClientOptions } from "./http-client.js";
import type { RequestOptions } from "./request-options.js";
import type { HttpResponse } from "./response.js";

export type { Timeout } from "../main/index.js";
export type { ServerSentEvent } from "./body-text.js";
export type { CookieJar } from "./cookies.js";
export type { HeadersInput } from "./header-list.js";
export type { HttpClient, HttpClientOptions } from "./http-client.js";
export { HttpError, type Stage } from "./http-error.js";
export type { BodyInput } from "./request-body.js";
export type { RequestOptions } from "./request-options.js";
export { HttpResponse } from "./response.js";

let standard: HttpClient | null = null;

/**
 * Starts a request and returns its response immediately, usually before it has arrived: reading from it blocks until
 * the data has arrived. Throws a `TypeError` or `RangeError` for wrong options, before anything is sent. The response's
 * calls throw later errors.
 */
export function fetch(url: string | URL, options: RequestOptions = {}): HttpResponse {
  standard ??= new HttpClient({});
  return standard.fetch(url, options);
}

/** A client with its own connections and settings. Throws a `TypeError` or `RangeError` for wrong options. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  return new HttpClient(options);
}
