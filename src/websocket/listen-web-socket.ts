/**
 * Opens a WebSocket server: checks the options and sends the command to the networking thread.
 *
 * Runs on the calling thread.
 */

import { resolve } from "node:path";
import * as check from "../main/api/arguments.js";
import { listenCommand } from "../main/api/commands.js";
import { defaultRuntime } from "../main/api/default-runtime.js";
import { type Hints, type Names, ownOptions } from "../main/api/option-names.js";
import type { TlsOptions } from "../main/api/options.js";
import { networkMustBeAllowed } from "../main/api/permission.js";
import { awaitBound, type Runtime } from "../main/api/runtime.js";
import { checkedProtocols, checkedSettings } from "./settings.js";
import { type Verify, WebSocketServer } from "./web-socket-server.js";

/** Options of `listenWebSocket`. */
export interface ListenWebSocketOptions {
  /** Default 0: the system picks one; see `WebSocketServer.port`. */
  port?: number | undefined;
  /** The address to listen on. Default: all interfaces, IPv4 and IPv6. */
  host?: string | undefined;
  /** The path of the WebSocket; requests for another path are answered with 404. Default: any path. */
  path?: string | undefined;
  /** TLS with `cert` and `key` or `pfx`. */
  tls?: TlsOptions | false | undefined;
  /** Subprotocols in order of preference; the first that the client also offers is chosen. */
  protocols?: string | readonly string[] | undefined;
  /**
   * The origins of pages that may open a WebSocket, such as `https://example.com`; requests from others are answered
   * with 403. Default: any origin, or none. Browsers let any page connect to any server, and send that server's
   * cookies.
   */
  origins?: readonly string[] | undefined;
  /**
   * Called by `accept`, with each request for a WebSocket, before its handshake is answered: returns true to accept it,
   * false to answer with 403, or the status of the answer, 400 to 599. If it throws, the client gets 500, and `accept`
   * throws the same. The client waits for its answer until the program accepts. Default: every request is answered by
   * the networking thread, while the program computes.
   */
  verify?: Verify | undefined;
  /** A folder to serve to plain HTTP requests. Without it they are answered with 426. */
  files?: string | undefined;
  /** As in `OpenWebSocketOptions`. */
  maxPayload?: number | undefined;
  /** Whether to accept compression. Default: false. */
  perMessageDeflate?: boolean | undefined;
  /** As in `OpenWebSocketOptions`. */
  pingInterval?: number | undefined;
  /** The most clients that the kernel queues for the networking thread. Default: 511. */
  backlog?: number | undefined;
  /** Refuse IPv4 clients on `::`. Default: false. */
  ipv6Only?: boolean | undefined;
  /** For accepted WebSockets, as in `OpenWebSocketOptions`. */
  receiveBuffer?: number | undefined;
  /** For accepted WebSockets, as in `OpenWebSocketOptions`. */
  sendBuffer?: number | undefined;
  /** The runtime to open it on. Default: the package's own. */
  runtime?: Runtime | undefined;
}

const OPTIONS: Names<ListenWebSocketOptions> = {
  port: true,
  host: true,
  path: true,
  tls: true,
  protocols: true,
  origins: true,
  verify: true,
  files: true,
  maxPayload: true,
  perMessageDeflate: true,
  pingInterval: true,
  backlog: true,
  ipv6Only: true,
  receiveBuffer: true,
  sendBuffer: true,
  runtime: true,
};
const HINTS: Hints = {
  verifyClient: "use verify",
  handleProtocols: "use protocols",
  server: "a server has its port for itself",
  noServer: "a server has its port for itself",
  hostname: "use host",
  cert: "write it as tls: { cert: … }",
  key: "write it as tls: { key: … }",
};

/**
 * Listens for WebSockets. The server is bound when this returns. Throws the system's error (`EADDRINUSE`, `EACCES`,
 * `EADDRNOTAVAIL`, …), or a `TypeError` or `RangeError` that names the wrong option.
 */
export function listenWebSocket(options: ListenWebSocketOptions = {}): WebSocketServer {
  const own = ownOptions("options", options, OPTIONS, HINTS);
  const { port, host, tls, backlog, ipv6Only, receiveBuffer, sendBuffer } = own;
  const path = own.path === undefined ? null : check.text("path", own.path);
  if (path !== null && !path.startsWith("/")) throw new RangeError("path must begin with a slash");
  const asked = {
    protocols: checkedProtocols("protocols", own.protocols),
    origins: own.origins === undefined ? null : checkedOrigins(own.origins),
    files: own.files === undefined ? null : resolve(check.text("files", own.files)),
    settings: checkedSettings(own, false),
    verifies: own.verify !== undefined,
  };
  if (own.verify !== undefined && typeof own.verify !== "function") throw new TypeError("verify must be a function");
  const runtime = own.runtime ?? defaultRuntime();
  const given = { port, host, tls, backlog, ipv6Only, receiveBuffer, sendBuffer };
  const { command, host: place, accept } = listenCommand(given, runtime.ringSizes);
  networkMustBeAllowed("listen");
  const link = runtime.openOn();
  const channel = link.openPlain();
  link.post({
    ...command,
    ...asked,
    type: "listen-websocket",
    host: place as string | null,
    path,
    slot: channel.memory.reference,
  });
  awaitBound(channel, () => link.post({ type: "close", handleId: channel.handleId }), "listen");
  return new WebSocketServer(link, channel, accept, own.verify ?? null);
}

function checkedOrigins(value: readonly string[]): string[] {
  if (!Array.isArray(value)) throw new TypeError("origins must be an array of strings");
  for (const each of value) {
    if (each === "null") continue; // the origin of pages from files
    if (!URL.canParse(each) || new URL(each).origin !== each) {
      throw new TypeError(`origins must be like "https://example.com", without a path, not ${JSON.stringify(each)}`);
    }
  }
  return [...value];
}
