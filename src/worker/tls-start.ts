/**
 * Starts TLS on an open connection: a client's handshake or a TLS server over its socket.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";
import type { Server, TLSSocket, TlsOptions } from "node:tls";
import type { Target, TlsParameters } from "../ring/protocol.js";
import { nodeTls } from "./secure-modules.js";
import { startHandshake } from "./tls-client.js";
import type { KeptContext, TlsContextCache } from "./tls-context-cache.js";
import type { TlsSessions } from "./tls-sessions.js";
import { ticketKeys } from "./tls-ticket-keys.js";

/** Called once with the outcome of the handshake. */
export interface HandshakeEnd {
  done(socket: TLSSocket): void;
  failed(error: Error): void;
}

/**
 * A client's handshake over `below`, which is paused and has the peer's unread bytes. The peer is verified as in
 * `connect` (`startHandshake`). Throws, or fails, if a certificate, key or bundle can't be used.
 */
export function startClient(
  contexts: TlsContextCache,
  sessions: TlsSessions,
  parameters: TlsParameters,
  below: Socket,
  target: Target | null,
  end: HandshakeEnd,
): void {
  const start = (kept: KeptContext): void => {
    const socket = startHandshake(sessions, kept, target, parameters, { socket: below });
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
  // Each connection has a server of its own: the keys let one resume a session of another.
  const withKeys = (options: TlsOptions): TlsOptions => ({ ...options, ticketKeys: ticketKeys(options, parameters) });
  const start = (server: Server): void => {
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
  const create = (options: TlsOptions): Server => nodeTls().createServer(options);
  whenReady(contexts.server(parameters, create, withKeys), below, start, end);
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
