/**
 * Checks the options that clients and servers share: subprotocols, headers, limits. Each function throws a `TypeError`
 * or `RangeError` that names the wrong option.
 *
 * Used on the calling thread.
 */

import * as check from "../main/api/arguments.js";
import type { WebSocketSettings } from "../ring/protocol.js";

/** Headers by name; a list is sent as one header per value. */
export type HeadersOption = Readonly<Record<string, string | readonly string[]>>;

const MAX_PAYLOAD = 100 * 1024 * 1024;
/** At least what a Buffer holds, on Node 20. */
const LARGEST_PAYLOAD = 2 ** 32 - 1;
const LONGEST_INTERVAL = 2 ** 31 - 1;
/** RFC 9110, sections 5.6.2 and 5.5. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers that the handshake sets itself. */
const RESERVED = new Set(["connection", "upgrade", "sec-websocket-key", "sec-websocket-version"]);

/** A list of subprotocols; a string means a list of one. */
export function checkedProtocols(name: string, value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  const list = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list)) throw new TypeError(`${name} must be a string or an array of strings`);
  for (const [i, each] of list.entries()) {
    if (typeof each !== "string" || !TOKEN.test(each)) {
      throw new TypeError(`${name} must be tokens of HTTP, such as "chat.v1", not ${JSON.stringify(each)}`);
    }
    if (list.indexOf(each) !== i) throw new TypeError(`${name} must not name ${each} twice`);
  }
  return [...list];
}

/** Returns a checked copy of the headers. */
export function checkedHeaders(value: HeadersOption | undefined): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  if (value === undefined) return headers;
  for (const [name, given] of Object.entries(check.options("headers", value))) {
    if (!TOKEN.test(name)) throw new TypeError(`headers has an invalid name: ${JSON.stringify(name)}`);
    const lower = name.toLowerCase();
    if (RESERVED.has(lower)) throw new TypeError(`headers must not have ${name}: the handshake sets it`);
    if (lower === "sec-websocket-protocol")
      throw new TypeError("headers must not have Sec-WebSocket-Protocol: use protocols");
    if (lower === "sec-websocket-extensions") {
      throw new TypeError("headers must not have Sec-WebSocket-Extensions: use perMessageDeflate");
    }
    const list = Array.isArray(given) ? given : [given];
    for (const each of list) {
      if (typeof each !== "string" || !FIELD_VALUE.test(each)) {
        throw new TypeError(`headers.${name} must be text without line ends and without characters beyond Latin-1`);
      }
    }
    headers[name] = Array.isArray(given) ? [...given] : (given as string);
  }
  return headers;
}

/** Limits, compression and pings. */
export function checkedSettings(
  given: {
    maxPayload?: number | undefined;
    perMessageDeflate?: boolean | undefined;
    pingInterval?: number | undefined;
  },
  perMessageDeflate: boolean,
): WebSocketSettings {
  return {
    maxPayload: check.integer("maxPayload", given.maxPayload ?? MAX_PAYLOAD, 0, LARGEST_PAYLOAD),
    perMessageDeflate: check.boolean("perMessageDeflate", given.perMessageDeflate ?? perMessageDeflate),
    pingInterval: check.integer("pingInterval", given.pingInterval ?? 0, 0, LONGEST_INTERVAL),
  };
}
