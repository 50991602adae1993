/**
 * The proxy that the environment names, and credentials for proxies.
 *
 * Runs on the calling thread.
 */

import { getProxyForUrl } from "proxy-from-env";
import { type ProxyTarget, parseProxy } from "../main/index.js";

export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value of `Authorization` and `Proxy-Authorization` for a user name and a password. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/**
 * The proxy of the environment for a URL: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, in lower or upper case.
 * In a CGI program upper-case `HTTP_PROXY` is ignored, because a client's header `Proxy` sets it there.
 */
export function environmentProxy(url: URL): ProxyTarget | null {
  const { env } = process;
  const scheme = url.protocol === "https:" ? env.https_proxy || env.HTTPS_PROXY : env.http_proxy || env.HTTP_PROXY;
  if (!scheme && !env.all_proxy && !env.ALL_PROXY) return null;
  if (url.protocol === "http:" && !env.http_proxy && env.HTTP_PROXY && env.REQUEST_METHOD !== undefined) return null;
  const text = getProxyForUrl(url.href);
  if (text === "") return null;
  // A proxy without a scheme is an http proxy, also for https URLs.
  const named = scheme || env.all_proxy || env.ALL_PROXY || "";
  return parseProxy(named.includes("://") ? text : named);
}
