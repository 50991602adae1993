/**
 * ringnet/http: blocking HTTP.
 *
 * `fetch` returns at once; its response blocks where it is asked for something that has not arrived.
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
 * Starts a request and returns its response at once, as a rule long before it has arrived: what the program asks the
 * response for blocks until it is here.
 * Throws a `TypeError` or `RangeError` for wrong options, before anything is sent. What fails later is thrown by the
 * response's calls.
 */
export function fetch(url: string | URL, options: RequestOptions = {}): HttpResponse {
  standard ??= new HttpClient({});
  return standard.fetch(url, options);
}

/** A client with connections and settings of its own. Throws a `TypeError` or `RangeError` for wrong options. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  return new HttpClient(options);
}
