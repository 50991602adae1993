/**
 * Which proxy a request goes through: the one that the program names, or the one of the environment.
 *
 * Runs on the calling thread.
 */

import { getProxyForUrl } from "proxy-from-env";
import { bareHost, type ProxyTarget } from "./route.js";

/** What a proxy has refused, or what can't be done through one. Reported as `ERR_HTTP_PROXY`. */
export class ProxyError extends Error {}

const PORTS = { http: 80, https: 443, socks5: 1080, socks5h: 1080 };

/** The proxy that a text names; a `TypeError` says what is wrong with it, without its password. */
export function parseProxy(text: string | URL): ProxyTarget {
  const url = typeof text === "string" ? parsed(text) : text;
  const kind = url.protocol.slice(0, -1);
  if (!Object.hasOwn(PORTS, kind)) {
    throw new TypeError(`a proxy must be http://, https://, socks5:// or socks5h://, not ${kind}://`);
  }
  const known = kind as ProxyTarget["kind"];
  // URL knows the hosts of http only: of other schemes they stay as they were written.
  const host = bareHost(url);
  if (host === "") throw new TypeError("a proxy needs a host");
  const port = url.port === "" ? PORTS[known] : Number(url.port);
  const username = decoded(url.username);
  const password = decoded(url.password);
  return { kind: known, host, port, username, password };
}

function parsed(text: string): URL {
  const full = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(full)) throw new TypeError("proxy must be a URL such as http://user:password@host:port");
  return new URL(full);
}

export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value of `Authorization` and `Proxy-Authorization` for a name and a password. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/**
 * The proxy of the environment for a URL: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, in small or capital letters.
 * `HTTP_PROXY` in capitals is ignored within a CGI program, where a client's header `Proxy` sets it.
 */
export function environmentProxy(url: URL): ProxyTarget | null {
  const { env } = process;
  const scheme = url.protocol === "https:" ? env.https_proxy || env.HTTPS_PROXY : env.http_proxy || env.HTTP_PROXY;
  if (!scheme && !env.all_proxy && !env.ALL_PROXY) return null;
  if (url.protocol === "http:" && !env.http_proxy && env.HTTP_PROXY && env.REQUEST_METHOD !== undefined) return null;
  const text = getProxyForUrl(url.href);
  if (text === "") return null;
  // A proxy without a scheme is one of http, also for https.
  const named = scheme || env.all_proxy || env.ALL_PROXY || "";
  return parseProxy(named.includes("://") ? text : named);
}
