/**
 * A proxy's URL and its parts.
 *
 * Used on the calling thread.
 */

import type { ProxyTarget, TlsCopies } from "../../ring/protocol.js";
import * as check from "./arguments.js";
import { hostName } from "./host-name.js";
import { type Names, ownOptions } from "./option-names.js";

export type { ProxyTarget };

const PORTS = { http: 80, https: 443, socks5: 1080, socks5h: 1080 };
const PARTS: Names<ProxyTarget> = { kind: true, host: true, port: true, username: true, password: true };

/**
 * Returns the parts of a proxy's URL: `http://user:password@host:port`, `https://…`, `socks5://…`, `socks5h://…`;
 * without a scheme it is an http proxy. A `ProxyTarget` is checked and returned. Throws a `TypeError` or `RangeError`
 * that does not show the password.
 */
export function parseProxy(proxy: string | URL | ProxyTarget): ProxyTarget {
  if (typeof proxy === "string") return parsed(url(proxy));
  if (proxy instanceof URL) return parsed(proxy);
  const { kind, host, port, username = "", password = "" } = ownOptions("proxy", proxy, PARTS);
  return {
    kind: kindOf(kind),
    host: hostName("proxy.host", host),
    port: check.port("proxy.port", port),
    username: credential("proxy.username", username),
    password: credential("proxy.password", password),
  };
}

/** The TLS options for a proxy: the server's, as far as they decide about trust, versions and ciphers. */
export function proxyTlsOptions(tls: boolean | TlsCopies): TlsCopies {
  if (typeof tls === "boolean") return {};
  const { ca, caFile, minVersion, maxVersion, ciphers } = tls;
  return Object.fromEntries(
    Object.entries({ ca, caFile, minVersion, maxVersion, ciphers }).filter(([, value]) => value !== undefined),
  );
}

/** Throws a `RangeError` for a host that can't be part of a request line to a proxy. */
export function mustBePlain(host: string): void {
  if (/[\0-\x20\x7f]/.test(host)) throw new RangeError("host must not contain spaces or control characters");
}

function url(text: string): URL {
  const full = text.includes("://") ? text : `http://${text}`;
  try {
    return new URL(full); // for `URL.canParse` see parsed-url.ts
  } catch {
    throw new TypeError("proxy must be a URL such as http://user:password@host:port");
  }
}

function parsed(url: URL): ProxyTarget {
  const kind = kindOf(url.protocol.slice(0, -1));
  // URL parses hosts only for schemes such as http; for others the host stays as written.
  const { hostname } = url;
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  if (host === "") throw new TypeError("a proxy needs a host");
  return {
    kind,
    host: hostName("proxy.host", host),
    port: url.port === "" ? PORTS[kind] : Number(url.port),
    username: decoded(url.username),
    password: decoded(url.password),
  };
}

function kindOf(kind: unknown): ProxyTarget["kind"] {
  if (typeof kind === "string" && Object.hasOwn(PORTS, kind)) return kind as ProxyTarget["kind"];
  throw new TypeError(`a proxy must be http://, https://, socks5:// or socks5h://, not ${String(kind)}://`);
}

function credential(name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string`);
  return value;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
