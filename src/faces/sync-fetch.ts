/**
 * ringnet/sync-fetch: the interface of the package sync-fetch, on top of ringnet/http. `fetch` returns when the
 * response is complete.
 *
 * Runs on the calling thread.
 */

import * as http from "../http/index.js";
import { FetchError } from "./sync-fetch/fetch-error.js";
import { SyncHeaders } from "./sync-fetch/headers.js";
import { type RequestInit, SyncRequest } from "./sync-fetch/request.js";
import { SyncResponse } from "./sync-fetch/response.js";

export type { BodyInit } from "./sync-fetch/body.js";
export type { HeadersInit } from "./sync-fetch/headers.js";
export type { RequestInit } from "./sync-fetch/request.js";
export type { ResponseInit } from "./sync-fetch/response.js";
export { FetchError, SyncHeaders as Headers, SyncRequest as Request, SyncResponse as Response };

/**
 * Blocks until the response is complete, or for `init.timeout` ms. Throws a `FetchError` if there is no response, and a
 * `TypeError` for wrong arguments. Errors of the body are thrown by `text`, `json` and the like. A status of 400 or
 * more does not throw.
 */
export function fetch(resource: string | URL | SyncRequest, init: RequestInit = {}): SyncResponse {
  const request = new SyncRequest(resource, init);
  const response = http.fetch(request.url, optionsOf(request));
  try {
    response.waitUntilHeaders();
  } catch (error) {
    throw failure(error, request, "request-timeout");
  }
  let bytes: Buffer | null = null;
  let error: unknown = null;
  try {
    bytes = response.bytes();
  } catch (thrown) {
    error = failure(thrown, request, "body-timeout");
    response.close();
  }
  const { status, statusText, url, redirected } = response;
  const headers = headersOf(response.rawHeaders);
  return new SyncResponse(bytes, { status, statusText, headers, url }, { redirected, error });
}

Object.assign(fetch, { FetchError, Headers: SyncHeaders, Request: SyncRequest, Response: SyncResponse });

export declare namespace fetch {
  export { FetchError, SyncHeaders as Headers, SyncRequest as Request, SyncResponse as Response };
}

function optionsOf(request: SyncRequest): http.RequestOptions {
  const { method, redirect, signal, follow, timeout, size, compress } = request;
  if (timeout !== undefined && !Number.isInteger(timeout)) {
    throw new TypeError(`timeout must be a whole number of ms, not ${String(timeout)}`);
  }
  const headers = new SyncHeaders(request.headers);
  headers.delete("content-length"); // the body's real length is sent
  return {
    method,
    redirect,
    headers: headers.entries(),
    body: request.unusedBytes(),
    decompress: compress ?? true,
    ...(signal === null ? {} : { signal }),
    ...(follow === undefined ? {} : { maxRedirects: follow }),
    ...(timeout ? { timeout } : {}),
    ...(size ? { maxLength: size } : {}),
  };
}

function headersOf(raw: readonly string[]): SyncHeaders {
  const headers = new SyncHeaders();
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
  return headers;
}

/**
 * The error in the words of node-fetch; errors of other origin, such as the reason of a signal, are returned unchanged.
 */
function failure(error: unknown, request: SyncRequest, late: "request-timeout" | "body-timeout"): unknown {
  if (!(error instanceof http.HttpError)) return error;
  const { code, url } = error;
  if (code === "ETIMEDOUT" && request.timeout) return new FetchError("The operation was aborted.", late, error);
  if (code === "EMSGSIZE" && late === "body-timeout") {
    return new FetchError(`content size at ${url} over limit: ${request.size}`, "max-size", error);
  }
  if (code === "ERR_HTTP_TOO_MANY_REDIRECTS") {
    return new FetchError(`maximum redirect reached at: ${url}`, "max-redirect", error);
  }
  if (code === "ERR_HTTP_REDIRECT") {
    return request.redirect === "error"
      ? new FetchError(
          `uri requested responds with a redirect, redirect mode is set to error: ${url}`,
          "no-redirect",
          error,
        )
      : new FetchError(error.message, "invalid-redirect", error);
  }
  const failed = new FetchError(`request to ${url} failed, reason: ${error.message}`, "system", error);
  return Object.assign(failed, { code: codeOf(error, late), errno: codeOf(error, late) });
}

/** Node's own code, if ringnet's is unknown to programs written for the original. */
function codeOf(error: http.HttpError, late: "request-timeout" | "body-timeout"): string | undefined {
  if (error.code === "ERR_STREAM_PREMATURE_CLOSE" && late === "request-timeout") return "ECONNRESET";
  if (error.code !== "ERR_CONTENT_DECODING") return error.code;
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string" && /^(?:Z_|ERR__)/.test(code)) return code;
  }
  return error.code;
}
