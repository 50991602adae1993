/**
 * Where a request goes: the server, and the proxy in front of it. Requests with the same route can share connections.
 *
 * Runs on the calling thread.
 */

import type { ProxyTarget, TlsOptions } from "../main/index.js";
import { sameFields } from "./tls-copy.js";

export interface Route {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly proxy: ProxyTarget | null;
  readonly tls: TlsOptions | undefined;
}

export function routeOf(url: URL, proxy: ProxyTarget | null, tls: TlsOptions | undefined): Route {
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  return { secure, host: bareHost(url), port, proxy, tls };
}

/** Whether the proxy gets the request itself, with the full URL, instead of making a tunnel for it. */
export function isRelayed({ secure, proxy }: Route): boolean {
  return !secure && (proxy?.kind === "http" || proxy?.kind === "https");
}

/** A URL's host for connecting: an IPv6 address without its brackets. */
export function bareHost(url: URL): string {
  const { hostname } = url;
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** Routes are compared field by field, not by a joined key. */
export function sameRoute(a: Route, b: Route): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.secure === b.secure &&
    sameFields(a.proxy, b.proxy) &&
    sameFields(a.tls, b.tls)
  );
}
