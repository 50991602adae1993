/**
 * Starts TLS on an open connection: `tls.connect` or a TLS server over its socket.
 *
 * Runs on the networking thread.
 */

import { isIP, isIPv6, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket, TlsOptions } from "node:tls";
import type { Target, TlsParameters } from "../ring/protocol.js";
import { nodeTls } from "./secure-modules.js";
import { checkIPv6, type KeptContext, type TlsContextCache } from "./tls-context-cache.js";
import { sessionKey, type TlsSessions } from "./tls-sessions.js";
import { ticketKeys } from "./tls-ticket-keys.js";

/** Called once with the outcome of the handshake. */
export interface HandshakeEnd {
  done(socket: TLSSocket): void;
  failed(error: Error): void;
}

/**
 * A client's handshake over `below`, which is paused and has the peer's unread bytes. The peer is verified as in
 * `connect`: for `servername`, or else for the host of `target`; sessions with `target` are resumed. Throws, or fails,
 * if a certificate, key or bundle can't be used.
 */
export function startClient(
  contexts: TlsContextCache,
  sessions: TlsSessions,
  parameters: TlsParameters,
  below: Socket,
  target: Target | null,
  end: HandshakeEnd,
): void {
  const host = target !== null && "host" in target ? target.host : undefined;
  const { rejectUnauthorized, ALPNProtocols, servername = host } = parameters;
  // SNI must not be an IP (RFC 6066), and is not sent with an empty `servername`; the verified name is `servername`, or else `host`.
  const verified = servername || host;
  const unsent = servername === "" || isIP(verified ?? "") !== 0;
  const start = (kept: KeptContext): void => {
    const begin = (session: Buffer | undefined): TLSSocket =>
      nodeTls().connect({
        secureContext: kept.context,
        rejectUnauthorized: rejectUnauthorized !== false,
        ...(verified === undefined ? {} : unsent ? { host: verified, servername: "" } : { servername: verified }),
        ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
        ...(isIPv6(verified ?? "") ? { checkServerIdentity: checkIPv6 } : {}),
        ...(session === undefined ? {} : { session }),
        socket: below,
      } as ConnectionOptions);
    // The peer of an accepted connection is not a known server, so no session belongs to it.
    const socket =
      target === null ? begin(undefined) : sessions.resume(sessionKey(kept, target, servername, parameters), begin);
    settle(socket, "secureConnect", end);
  };
  whenReady(contexts.context(parameters), below, start, end);
}

/** A server's handshake over `below`, as `listen({ tls })` does it. Throws, or fails, as `startClient`. */
export function startServer(
  contexts: TlsContextCache,
  parameters: TlsParameters,
  below: Socket,
  end: HandshakeEnd,
): void {
  const start = (options: TlsOptions): void => {
    // Each connection has a server of its own: the keys let one resume a session of another.
    const server = nodeTls().createServer({ ...options, ticketKeys: ticketKeys(options, parameters) });
    let over = false;
    const failed = (error: Error): void => {
      if (!over) end.failed(error);
      over = true;
      below.destroy();
    };
    server.once("tlsClientError", failed);
    server.once("secureConnection", (socket) => {
      over = true;
      socket.allowHalfOpen = true;
      socket.on("error", () => socket.destroy()); // as in Listener: Node leaves the socket open
      end.done(socket);
    });
    below.once("close", () => failed(cutOff()));
    below.allowHalfOpen = false; // for the TLS socket: a peer that ends during the handshake closes it
    server.emit("connection", below); // the documented way to give a TLS server a connection
  };
  whenReady(contexts.serverOptions(parameters), below, start, end);
}

/** Starts once the files are read, unless the connection is gone by then. */
function whenReady<T>(ready: T | Promise<T>, below: Socket, start: (ready: T) => void, end: HandshakeEnd): void {
  if (!(ready instanceof Promise)) {
    start(ready);
    return;
  }
  ready
    .then((value) => {
      if (below.destroyed) throw cutOff();
      start(value);
    })
    .catch((error: Error) => {
      end.failed(error);
      below.destroy();
    });
}

function settle(socket: TLSSocket, event: "secureConnect", end: HandshakeEnd): void {
  let over = false;
  let reason: Error | null = null;
  socket.on("error", (error) => {
    reason ??= error;
    socket.destroy(); // after the handshake Node only emits TLS errors, and leaves the socket open
  });
  socket.once("close", () => {
    if (!over) end.failed(reason ?? cutOff());
    over = true;
  });
  socket.once(event, () => {
    if (over || socket.destroyed) return;
    over = true;
    end.done(socket);
  });
}

function cutOff(): Error {
  return Object.assign(new Error("the connection was closed before TLS was established"), { code: "ECONNRESET" });
}
