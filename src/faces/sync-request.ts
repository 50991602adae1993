/**
 * ringnet/sync-request: the interface of the package sync-request, over ringnet/http.
 *
 * Runs on the calling thread.
 */

import * as http from "../http/index.js";
import { parsedUrl } from "./parsed-url.js";
import { FormData } from "./sync-request/form-data.js";
import { checkOptions, type Options } from "./sync-request/options.js";
import { withQuery } from "./sync-request/query.js";
import { Response } from "./sync-request/response.js";

export { FormData, type Options, Response };

const WITHOUT_BODY = new Set(["GET", "DELETE", "HEAD"]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const RETRY_DELAY_MS = 200;
const MAX_RETRIES = 5;

/** One request; redirects and retries make several. */
interface Step {
  readonly method: string;
  readonly url: string;
  readonly headers: [string, string][];
  readonly body: string | Uint8Array | null;
}

/**
 * Blocks until the whole response has arrived, after all redirects. A status of 400 or more does not throw: `getBody`
 * does. Throws the request's `HttpError`, and a `TypeError` or `RangeError` for wrong arguments.
 */
export function request(method: string, url: string | URL, options: Options | null = {}): Response {
  if (typeof method !== "string") throw new TypeError("The method must be a string.");
  const given = checkOptions(options ?? {});
  const address = typeof url === "object" && url !== null ? url.href : url;
  if (typeof address !== "string") throw new TypeError("The URL/path must be a string.");
  const first: Step = {
    method: method.toUpperCase(),
    url: withQuery(address, given.qs),
    ...contentOf(method.toUpperCase(), given),
  };
  const tries = given.retry && first.method === "GET" ? (given.maxRetries || MAX_RETRIES) + 1 : 1;
  for (let left = tries - 1; ; left--) {
    let response: Response | null = null;
    try {
      response = follow(first, given);
    } catch (error) {
      if (left === 0 || !(error instanceof http.HttpError)) throw error;
    }
    if (response !== null && (left === 0 || !response.isError())) return response;
    pause(given.retryDelay || RETRY_DELAY_MS);
  }
}

Object.assign(request, { FormData, Response });

export declare namespace request {
  export { FormData, type Options, Response };
}

/** Sends a request and follows redirects. As in the original, redirected requests only have the allowed headers. */
function follow(first: Step, options: Options): Response {
  const { followRedirects = true, maxRedirects = 20, allowRedirectHeaders = [] } = options;
  let step = first;
  for (let redirects = 0; ; redirects++) {
    const response = send(step, options);
    const { location } = response.headers;
    if (!followRedirects || !REDIRECTS.has(response.statusCode) || typeof location !== "string") return response;
    if (redirects >= maxRedirects) throw new Error("Maximum number of redirects exceeded");
    const target = parsedUrl(location, step.url);
    if (target === null) throw new Error("The server redirects to something that is not a URL");
    const allowed = new Set(allowRedirectHeaders.map((name) => name.toLowerCase()));
    const changes = !WITHOUT_BODY.has(step.method) || (step.method === "DELETE" && response.statusCode === 303);
    step = {
      method: changes ? "GET" : step.method,
      url: target.href,
      headers: first.headers.filter(([name]) => allowed.has(name.toLowerCase())),
      body: null,
    };
  }
}

function send(step: Step, { gzip = true, timeout, socketTimeout }: Options): Response {
  const { method, url, body } = step;
  const headers = [...step.headers];
  const coded = headers.some(([name]) => name.toLowerCase() === "accept-encoding");
  if (gzip && !coded) headers.push(["Accept-Encoding", "gzip,deflate"]);
  const response = http.fetch(url, {
    method,
    headers,
    body,
    redirect: "manual",
    decompress: gzip,
    ...(timeout ? { timeout } : {}),
  });
  const idle = socketTimeout || -1;
  const late = (): Error => {
    response.close();
    return Object.assign(new Error(`Request timed out after ${idle}ms`), { code: "ETIMEDOUT", timeout: true });
  };
  if (!response.waitUntilHeaders(idle)) throw late();
  const pieces: Buffer[] = [];
  for (;;) {
    if (!response.waitUntilReadable(idle)) throw late();
    const piece = response.read();
    if (piece === null) break;
    pieces.push(piece);
  }
  return new Response(response.status, headersOf(response.rawHeaders, gzip), Buffer.concat(pieces), url);
}

function contentOf(method: string, { headers = {}, body, json, form }: Options): Pick<Step, "headers" | "body"> {
  const list = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each): [string, string] => [name, String(each)]),
  );
  const given = [body, json, form].filter((each) => each !== undefined && each !== null);
  if (given.length === 0) return { headers: list, body: null };
  if (WITHOUT_BODY.has(method)) throw new Error(`You cannot pass a body to a ${method} request.`);
  if (given.length > 1) throw new TypeError("only one of body, json and form can be given");
  let content = body as string | Uint8Array;
  let type: string | null = null;
  if (form != null) ({ body: content, type } = form.encode());
  else if (json !== undefined && json !== null) [content, type] = [JSON.stringify(json), "application/json"];
  else if (typeof body === "string") content = Buffer.from(body); // the original sets no type for a string
  if (type !== null && !list.some(([name]) => name.toLowerCase() === "content-type")) list.push(["Content-Type", type]);
  return { headers: list, body: typeof content === "string" ? Buffer.from(content) : content };
}

/**
 * Headers by lower-case name, as in Node: `set-cookie` is a list; of others the values are joined, or only the first is
 * kept.
 */
function headersOf(raw: readonly string[], decoded: boolean): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    const known = headers[name];
    if (name === "set-cookie") headers[name] = [...((known as string[] | undefined) ?? []), value];
    else if (known === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = `${known}, ${value}`;
  }
  if (decoded) delete headers["content-encoding"];
  return { ...headers };
}

/** Headers of which Node keeps only the first. */
const SINGLE = new Set(
  (
    "age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since last-modified " +
    "location max-forwards proxy-authorization referer retry-after server user-agent"
  ).split(" "),
);

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); // no partner: sleeps
}
