/**
 * The connections of a server that are not its clients yet, because a handshake is under way. Node has no list of them,
 * and `Server.close` does not end them.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { socketBelow } from "./node-internals.js";
import { isSecure } from "./secure-modules.js";

export class UnfinishedConnections {
  /** Plain sockets: with TLS, the ones below. */
  readonly #sockets = new Set<Socket>();

  /** Watches a connection, a plain socket, until it is finished or has closed. */
  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** The handshake is done: the connection is a client now. With TLS, `socket` is the secure one. */
  finish(socket: Socket): void {
    if (isSecure(socket)) this.#finishBelow(socket as TLSSocket);
    else this.#sockets.delete(socket);
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /**
   * If Node does not say which socket is below, its remote address and port identify it. A Unix domain socket has none:
   * then all are dropped from the list, because closing the server must not close an accepted connection.
   */
  #finishBelow(socket: TLSSocket): void {
    const below = socketBelow(socket);
    for (const each of below === null ? [...this.#sockets] : [below]) {
      if (each === below || (each.remotePort === socket.remotePort && each.remoteAddress === socket.remoteAddress)) {
        this.#sockets.delete(each);
      }
    }
  }
}
