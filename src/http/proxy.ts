/**
 * The proxy that the environment names, and credentials for proxies.
 *
 * Runs on the calling thread.
 */

import { type ProxyTarget, parseProxy } from "../main/index.js";
import { isExcepted } from "./no-proxy.js";

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
  const forScheme =
    url.protocol === "https:"
      ? env.https_proxy || env.HTTPS_PROXY
      : env.http_proxy || (env.REQUEST_METHOD === undefined && env.HTTP_PROXY);
  const proxy = forScheme || env.all_proxy || env.ALL_PROXY;
  if (!proxy || isExcepted(url, env.no_proxy || env.NO_PROXY || "")) return null;
  return parseProxy(proxy);
}
