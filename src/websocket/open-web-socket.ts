/**
 * Opens a WebSocket as a client: checks the options and sends the command to the networking thread.
 *
 * Runs on the calling thread.
 */

import { connectCommand, ringSizes } from "../main/api/commands.js";
import { defaultRuntime } from "../main/api/default-runtime.js";
import { timedOut } from "../main/api/net-error.js";
import { type Hints, type Names, ownOptions } from "../main/api/option-names.js";
import type { TlsOptions } from "../main/api/options.js";
import type { Runtime } from "../main/api/runtime.js";
import type { Timeout } from "../main/link/deadline.js";
import { checkedHeaders, checkedProtocols, checkedSettings, type HeadersOption } from "./settings.js";
import { WebSocket } from "./web-socket.js";

/** Options of `openWebSocket`. */
export interface OpenWebSocketOptions {
  /** Subprotocols in order of preference. If any are given, the server must choose one. */
  protocols?: string | readonly string[] | undefined;
  /** Additional request headers, by name. */
  headers?: HeadersOption | undefined;
  /** TLS options, for `wss:`. */
  tls?: TlsOptions | undefined;
  /** A proxy's URL, as in `ConnectOptions`. Default: none. */
  proxy?: string | URL | undefined;
  /** Block until it is open, for at most this many ms (-1: no limit). Default: `openWebSocket` returns immediately. */
  timeout?: Timeout | undefined;
  /**
   * The most bytes of a received message; a longer one closes the connection (code 1009). Default: 100 MiB; 0: no
   * limit.
   */
  maxPayload?: number | undefined;
  /** Whether to offer compression. Default: true. */
  perMessageDeflate?: boolean | undefined;
  /**
   * Milliseconds between pings; a peer that has not answered a ping by the next one counts as lost (code 1006). Default
   * 0: no pings.
   */
  pingInterval?: number | undefined;
  /** Bytes of the receive ring, a power of two from 4096. Default: the runtime's. */
  receiveBuffer?: number | undefined;
  /** Bytes of the send ring, a power of two from 4096. Default: the runtime's. */
  sendBuffer?: number | undefined;
  /** The runtime to open it on. Default: the package's own. */
  runtime?: Runtime | undefined;
}

const OPTIONS: Names<OpenWebSocketOptions> = {
  protocols: true,
  headers: true,
  tls: true,
  proxy: true,
  timeout: true,
  maxPayload: true,
  perMessageDeflate: true,
  pingInterval: true,
  receiveBuffer: true,
  sendBuffer: true,
  runtime: true,
};
const HINTS: Hints = {
  protocol: "use protocols",
  subprotocols: "use protocols",
  origin: "use headers: { origin }",
  handshakeTimeout: "use timeout",
  agent: "connections are made by the networking thread",
  ca: "write it as tls: { ca: … }",
  rejectUnauthorized: "write it as tls: { rejectUnauthorized: … }",
};

/** `connectCommand` checks the given sizes; here the runtime's defaults are checked too. */
const NO_RINGS = { receiveBuffer: 4096, sendBuffer: 4096 };

/**
 * Opens a WebSocket to a `ws:` or `wss:` URL, and returns immediately, with status `waiting`. With `timeout` it blocks
 * until the handshake is done, and throws the `NetError` of a failure (`ECONNREFUSED`, `ERR_WEBSOCKET_HANDSHAKE` with
 * the server's answer, …) or one with code `ETIMEDOUT`. Throws a `TypeError` or `RangeError` that names the wrong
 * argument.
 */
export function openWebSocket(url: string | URL, options: OpenWebSocketOptions = {}): WebSocket {
  const own = ownOptions("options", options, OPTIONS, HINTS);
  const target = checkedUrl(url);
  const secure = target.protocol === "wss:";
  if (!secure && own.tls !== undefined)
    throw new TypeError(`tls is for URLs with wss:, and this one has ${target.protocol}`);
  const host = target.hostname.replace(/^\[|\]$/g, ""); // an IPv6 address has brackets
  const port = target.port === "" ? (secure ? 443 : 80) : Number(target.port);
  const { proxy, timeout } = own;
  const tls = secure && (own.tls ?? true);
  const { command, options: socketOptions, deadline } = connectCommand({ host, port, tls, proxy, timeout }, NO_RINGS);
  const request = {
    url: target.href,
    protocols: checkedProtocols("protocols", own.protocols),
    headers: checkedHeaders(own.headers),
    settings: checkedSettings(own, true),
  };
  const runtime = own.runtime ?? defaultRuntime();
  const sizes = ringSizes(own, runtime.ringSizes);
  const link = runtime.openOn();
  const { channel, rings } = link.openRinged(sizes);
  channel.destination = { host, port };
  link.post({
    ...command,
    ...socketOptions,
    ...request,
    type: "open-websocket",
    slot: channel.memory.reference,
    rings,
    target: { host, port, addresses: null, lookup: null },
  });
  const socket = new WebSocket(channel, false);
  if (deadline === null) return socket;
  const status = socket.waitUntilOpen(deadline);
  if (status === "success" || socket.wasOpen) return socket;
  const error =
    socket.error ?? channel.outOfTime(timedOut(`opening ${target.origin}${target.pathname}`, deadline.timeout));
  socket.close();
  throw error;
}

function parsed(text: string): URL {
  try {
    return new URL(text); // for `URL.canParse` see parsed-url.ts
  } catch {
    throw new TypeError("url must be a URL such as ws://host:port/path");
  }
}

function checkedUrl(url: string | URL): URL {
  if (typeof url !== "string" && !(url instanceof URL)) throw new TypeError("url must be a string or a URL");
  const target = parsed(String(url));
  if (target.protocol === "http:") target.protocol = "ws:";
  if (target.protocol === "https:") target.protocol = "wss:";
  if (target.protocol !== "ws:" && target.protocol !== "wss:") {
    throw new TypeError(`url must begin with ws: or wss:, not ${target.protocol}`);
  }
  if (target.hash !== "") throw new TypeError("url must not have a fragment");
  return target;
}
