/**
 * Redirects by the Fetch Standard: the target, the method, and the headers to drop.
 *
 * Runs on the calling thread.
 */

import type { UnreadRequest } from "./outgoing-request.js";
import { parsedUrl } from "./parsed-url.js";
import { isReplayable } from "./request-body.js";
import type { ResponseHead } from "./response-head.js";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Headers that describe the body. */
const OF_THE_BODY = ["content-encoding", "content-language", "content-location", "content-type", "content-length"];
/** Headers that are for the first server only. */
const CONFIDENTIAL = ["authorization", "proxy-authorization", "cookie", "host"];

/** A redirect that can't be followed. */
export class RedirectError extends Error {}

/** Where a response redirects to; null if it does not. Throws a `RedirectError` unless it is an http or https URL. */
export function redirectTarget(head: ResponseHead, from: URL): URL | null {
  if (!REDIRECTS.has(head.status)) return null;
  const location = head.all("location")[0];
  if (location === undefined) return null;
  // Servers send UTF-8 here although they should not, and all clients accept it.
  const text = Buffer.from(location, "latin1").toString("utf8");
  const target = parsedUrl(text, from.href);
  if (target === null) throw new RedirectError("the server redirects to something that is not a URL");
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    throw new RedirectError(`the server redirects to ${target.protocol}, which is not followed`);
  }
  if (target.hash === "") target.hash = from.hash;
  if ((target.username !== "" || target.password !== "") && target.origin !== from.origin) {
    throw new RedirectError("the server redirects to another origin with credentials in the URL");
  }
  return target;
}

/** The request that follows a redirect. Throws a `RedirectError` if its body can't be sent again. */
export function redirected(request: UnreadRequest, head: ResponseHead, url: URL): UnreadRequest {
  const { status } = head;
  let { method, body } = request;
  const headers = request.headers.copy();
  if (status !== 303 && body !== null && !isReplayable(body)) {
    throw new RedirectError("the server redirects, but the body is an iterable, which can't be sent again");
  }
  const toGet = status === 303 ? method !== "GET" && method !== "HEAD" : status <= 302 && method === "POST";
  if (toGet) {
    method = "GET";
    body = null;
    for (const key of OF_THE_BODY) headers.delete(key);
    headers.delete("expect");
  }
  if (url.origin !== request.url.origin) for (const key of CONFIDENTIAL) headers.delete(key);
  const referer = headers.get("referer");
  const referrerPolicy = policyIn(head.get("referrer-policy")) ?? request.referrerPolicy;
  if (referer !== null) {
    const next = refererFor(referer, url, referrerPolicy);
    if (next === null) headers.delete("referer");
    else headers.set("referer", next);
  }
  return { ...request, method, url, headers, body, referrerPolicy };
}

export const DEFAULT_POLICY = "strict-origin-when-cross-origin";

const POLICIES = new Set([
  "no-referrer",
  "no-referrer-when-downgrade",
  "origin",
  "origin-when-cross-origin",
  "same-origin",
  "strict-origin",
  "strict-origin-when-cross-origin",
  "unsafe-url",
]);

/** The last known policy in a `Referrer-Policy`. */
function policyIn(header: string | null): string | undefined {
  return (header ?? "")
    .toLowerCase()
    .split(",")
    .map((each) => each.trim())
    .findLast((each) => POLICIES.has(each));
}

/** The `Referer` that a policy allows; null for none. */
function refererFor(referer: string, target: URL, policy: string): string | null {
  const from = parsedUrl(referer);
  if (from === null) return null;
  const sameOrigin = from.origin === target.origin;
  const downgrade = from.protocol === "https:" && target.protocol !== "https:";
  const origin = `${from.origin}/`;
  switch (policy) {
    case "no-referrer":
      return null;
    case "no-referrer-when-downgrade":
      return downgrade ? null : referer;
    case "origin":
      return origin;
    case "origin-when-cross-origin":
      return sameOrigin ? referer : origin;
    case "same-origin":
      return sameOrigin ? referer : null;
    case "strict-origin":
      return downgrade ? null : origin;
    case "unsafe-url":
      return referer;
    default:
      return sameOrigin ? referer : downgrade ? null : origin;
  }
}
