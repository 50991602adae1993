/**
 * SOCKS 5 (RFC 1928) with user name and password (RFC 1929): asks the proxy for a connection to the server.
 *
 * Runs on the networking thread.
 */

import { isIP, isIPv6 } from "node:net";
import type { ProxyTarget } from "../ring/protocol.js";
import { type ProxyConversation, proxyError } from "./proxy-conversation.js";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

const REPLIES: Record<number, string> = {
  1: "general failure",
  2: "not allowed by its rules",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "time to live expired",
  7: "command not supported",
  8: "address type not supported",
};

/** Resolves once the proxy has connected to `host`, a name or an IP. Rejects if it refuses. */
export async function socks5(
  proxy: ProxyConversation,
  { username, password }: ProxyTarget,
  host: string,
  port: number,
): Promise<void> {
  const withPassword = username !== "" || password !== "";
  const methods = withPassword ? [NO_AUTHENTICATION, USER_AND_PASSWORD] : [NO_AUTHENTICATION];
  proxy.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method] = await proxy.exactly(2);
  if (version !== VERSION) throw proxyError(`it answered with version ${version} of SOCKS instead of 5`);
  if (method === USER_AND_PASSWORD && withPassword) {
    proxy.write(Buffer.concat([Buffer.from([1]), short(username, "user name"), short(password, "password")]));
    const [, status] = await proxy.exactly(2);
    if (status !== 0) throw proxyError("it refused the user name or the password");
  } else if (method !== NO_AUTHENTICATION) {
    throw proxyError(withPassword ? "it does not accept a user name and password" : "it requires authentication");
  }
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  proxy.write(Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), destination(host), portBytes]));
  const [, status, , type] = await proxy.exactly(4);
  if (status !== 0) {
    const reason = REPLIES[status as number] ?? `code ${status}`;
    throw proxyError(`it could not connect to ${host}:${port}: ${reason}`);
  }
  if (type === NAME) await proxy.exactly(((await proxy.exactly(1))[0] as number) + 2);
  else if (type === IPV4 || type === IPV6) await proxy.exactly((type === IPV4 ? 4 : 16) + 2);
  else throw proxyError(`it answered with an unknown address type, ${type}`);
}

function destination(host: string): Buffer {
  const family = isIP(host);
  if (family === 4) return Buffer.from([IPV4, ...host.split(".").map(Number)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([IPV6]), ipv6Bytes(host)]);
  return Buffer.concat([Buffer.from([NAME]), short(host, "host name")]);
}

/** The text's bytes after one byte with their number. */
function short(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > 255) throw proxyError(`the ${what} is too long for SOCKS: ${bytes.length} bytes, at most 255`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function ipv6Bytes(host: string): Buffer {
  // URL normalizes every form of an address to groups of hexadecimal digits, with at most one "::".
  const text = new URL(`http://[${host.split("%", 1)[0]}]`).hostname.slice(1, -1);
  const [front = "", back] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const head = groups(front);
  const tail = back === undefined ? [] : groups(back);
  const all = [...head, ...new Array(8 - head.length - tail.length).fill(0), ...tail];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}
