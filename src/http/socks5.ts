/**
 * SOCKS 5 (RFC 1928) with user name and password (RFC 1929): asks the proxy for a connection to the server.
 *
 * Runs on the calling thread.
 */

import { isIP, isIPv6 } from "node:net";
import type { Address, TcpSocket } from "../main/index.js";
import { ProxyError } from "./proxy.js";
import type { ProxyTarget } from "./route.js";

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

/**
 * Yields where it has to wait for the proxy, and returns once requests can be written. Without `target`, the proxy looks
 * the name up. Throws a `ProxyError` when the proxy refuses.
 */
export function* socks5Handshake(
  socket: TcpSocket,
  host: string,
  port: number,
  { username, password }: ProxyTarget,
  target: Address | null,
): Generator<void, void> {
  const read = reader(socket);
  const withPassword = username !== "" || password !== "";
  const methods = withPassword ? [NO_AUTHENTICATION, USER_AND_PASSWORD] : [NO_AUTHENTICATION];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method] = yield* read(2);
  if (version !== VERSION) throw new ProxyError(`the SOCKS proxy answered with version ${version} instead of 5`);
  if (method === USER_AND_PASSWORD && withPassword) {
    socket.write(Buffer.concat([Buffer.from([1]), short(username, "user name"), short(password, "password")]));
    const [, status] = yield* read(2);
    if (status !== 0) throw new ProxyError("the SOCKS proxy refused the user name or the password");
  } else if (method !== NO_AUTHENTICATION) {
    throw new ProxyError(
      `the SOCKS proxy ${withPassword ? "accepts no user name and password" : "wants authentication"}`,
    );
  }

  while (target?.status === "waiting") yield;
  if (target !== null && target.error !== null) throw target.error;
  const name = target?.ip ?? host;
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  socket.write(Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), destination(name), portBytes]));
  const reply = yield* read(4);
  if (reply[1] !== 0) {
    const why = REPLIES[reply[1] as number] ?? `code ${reply[1]}`;
    throw new ProxyError(`the SOCKS proxy could not connect to ${host}:${port}: ${why}`);
  }
  const type = reply[3];
  if (type === NAME) yield* read(((yield* read(1))[0] as number) + 2);
  else if (type === IPV4 || type === IPV6) yield* read((type === IPV4 ? 4 : 16) + 2);
  else throw new ProxyError(`the SOCKS proxy answered with an unknown address type, ${type}`);
}

/** Reads exactly so many bytes, yielding until they are there. */
function reader(socket: TcpSocket) {
  let held = Buffer.alloc(0);
  return function* read(count: number): Generator<void, Buffer> {
    while (held.length < count) {
      const bytes = socket.read(count - held.length);
      if (bytes === null) throw new ProxyError("the SOCKS proxy ended the connection during the handshake");
      if (bytes.length === 0) yield;
      else held = Buffer.concat([held, bytes]);
    }
    const taken = held;
    held = Buffer.alloc(0);
    return taken;
  };
}

function destination(host: string): Buffer {
  const family = isIP(host);
  if (family === 4) return Buffer.from([IPV4, ...host.split(".").map(Number)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([IPV6]), ipv6Bytes(host)]);
  return Buffer.concat([Buffer.from([NAME]), short(host, "host name")]);
}

/** A text with its length in one byte in front. */
function short(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > 255) throw new ProxyError(`the ${what} is too long for SOCKS: ${bytes.length} bytes, at most 255`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function ipv6Bytes(host: string): Buffer {
  // URL writes every form of an address in groups of hexadecimal digits, with at most one "::".
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
