/**
 * The options of ringnet/sync-request.
 *
 * Used on the calling thread.
 */

import { FormData } from "./form-data.js";

/** Options of `request`. Times are in ms. */
export interface Options {
  headers?: Record<string, string | string[] | number | undefined>;
  /** Added to the URL's query; nested objects and arrays in the format of the package qs. */
  qs?: Record<string, unknown>;
  /** Sent as JSON. */
  json?: unknown;
  body?: string | Uint8Array;
  form?: FormData;
  followRedirects?: boolean;
  /** Default: 20. */
  maxRedirects?: number;
  /** Names of headers that redirected requests keep. */
  allowRedirectHeaders?: string[];
  /** Whether to request and decode compressed responses. Default: true. */
  gzip?: boolean;
  /** For the whole request. */
  timeout?: number;
  /** For each wait for the server. */
  socketTimeout?: number;
  /** Whether to send a `GET` again that fails, or is answered with 400 or more. */
  retry?: boolean;
  /** Default: 200. */
  retryDelay?: number;
  /** Default: 5. */
  maxRetries?: number;
  /** No effect: connections are always kept. */
  agent?: boolean;
}

const TYPES: Record<keyof Options, string> = {
  headers: "object",
  qs: "object",
  json: "any",
  body: "body",
  form: "form",
  followRedirects: "boolean",
  maxRedirects: "number",
  allowRedirectHeaders: "object",
  gzip: "boolean",
  timeout: "number",
  socketTimeout: "number",
  retry: "boolean",
  retryDelay: "number",
  maxRetries: "number",
  agent: "boolean",
};

/** The given options, checked. Throws a `TypeError` or `RangeError` that names the wrong option. */
export function checkOptions(options: Options): Options {
  if (typeof options !== "object") throw new TypeError("Options must be an object (or null).");
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(TYPES, name)) {
      throw new TypeError(`unknown option ${name}; expected one of ${Object.keys(TYPES).join(", ")}`);
    }
    if (value === undefined || value === null) continue;
    mustBe(name, value, TYPES[name as keyof Options]);
    given[name] = value;
  }
  return given as Options;
}

function mustBe(name: string, value: unknown, type: string): void {
  if (type === "any") return;
  if (type === "body") {
    if (typeof value === "string" || value instanceof Uint8Array) return;
    throw new TypeError("body should be a Buffer or a String");
  }
  if (type === "form") {
    if (value instanceof FormData) return;
    throw new TypeError("form must be a FormData of ringnet/sync-request");
  }
  if (typeof value !== type) throw new TypeError(`${name} must be of type ${type}, not ${typeof value}`);
  if (type === "number" && !((value as number) >= 0)) throw new RangeError(`${name} must not be negative`);
}
