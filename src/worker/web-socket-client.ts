/**
 * Opens WebSockets: connects as `connect` does, then `ws` does the handshake on the socket.
 *
 * Runs on the networking thread.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ClientOptions, WebSocket } from "ws";
import type { OpenWebSocketCommand } from "../ring/protocol.js";
import type { CallerLink } from "./caller-link.js";
import type { Connector, Recipient } from "./connector.js";
import { INFLATES_SAFELY } from "./other-runtimes.js";
import { Slot } from "./slot.js";
import { WebSocketConnection } from "./web-socket.js";

/** Opens a WebSocket as `command` says; its slot gets the result. */
export function openWebSocket(
  link: CallerLink,
  command: OpenWebSocketCommand,
  connector: Connector,
  lingerMs: number,
): void {
  const connection = new WebSocketConnection(new Slot(link, command.slot), command.rings, lingerMs);
  connector.dial(link, command, new Opening(connection, command, lingerMs));
}

/** A WebSocket that is opening: waits for its socket, and for `ws` to load. */
class Opening implements Recipient {
  readonly onread = null;
  readonly #connection: WebSocketConnection;
  readonly #command: OpenWebSocketCommand;
  readonly #lingerMs: number;
  readonly #library = import("ws");
  #socket: Socket | null = null;
  readonly #failed = (error: unknown): void => this.#connection.failed(error);
  readonly #lost = (): void => this.#connection.failed(closedEarly());

  constructor(connection: WebSocketConnection, command: OpenWebSocketCommand, lingerMs: number) {
    this.#connection = connection;
    this.#command = command;
    this.#lingerMs = lingerMs;
  }

  get slot(): Slot {
    return this.#connection.slot;
  }

  connecting(giveUp: () => void): void {
    this.#connection.opening(giveUp);
  }

  early(): void {} // only with onread

  take(socket: Socket): void {
    this.#socket = socket;
    this.#connection.opening(() => socket.destroy());
    socket.on("error", this.#failed);
    socket.on("close", this.#lost);
  }

  opened(): void {
    this.#library.then(({ WebSocket }) => {
      const socket = this.#socket as Socket;
      if (!this.#connection.wanted) return;
      socket.off("error", this.#failed);
      socket.off("close", this.#lost);
      shakeHands(WebSocket, this.#connection, socket, this.#command, this.#lingerMs);
      // The handshake with a proxy has left it paused. Only now, when the request listens for the answer.
      if (socket.isPaused()) setImmediate(() => socket.resume());
    }, this.#failed);
  }

  failed(error: unknown): void {
    this.#connection.failed(error);
  }

  service(): void {
    this.#connection.service();
  }
}

function shakeHands(
  WebSocketOfWs: typeof WebSocket,
  connection: WebSocketConnection,
  socket: Socket,
  command: OpenWebSocketCommand,
  lingerMs: number,
): void {
  const { url, protocols, headers, settings } = command;
  const { maxPayload, perMessageDeflate } = settings;
  const failed = (error: Error): void => {
    connection.failed(handshakeError(error));
    socket.destroy();
  };
  try {
    const webSocket = new WebSocketOfWs(url, protocols, {
      createConnection: () => socket,
      headers: headers as Record<string, string>,
      maxPayload,
      perMessageDeflate: perMessageDeflate && INFLATES_SAFELY,
      autoPong: false, // answerPings answers them
      closeTimeout: lingerMs,
    } as ClientOptions);
    let answer: IncomingMessage["headers"] = {};
    webSocket.on("error", failed);
    webSocket.on("upgrade", (response) => {
      answer = response.headers;
    });
    webSocket.on("unexpected-response", (_, { statusCode, statusMessage }) => {
      failed(new Error(`the server answered ${statusCode} ${statusMessage}; 101 Switching Protocols was expected`));
    });
    webSocket.on("open", () => {
      if (!connection.wanted) return void webSocket.terminate();
      webSocket.off("error", failed);
      const { pathname, search } = new URL(url);
      connection.opened(webSocket, socket, settings, { url: pathname + search, headers: { ...answer } });
    });
  } catch (error) {
    failed(error as Error);
  }
}

/** Node's and the system's errors have codes; errors of `ws` about an answer have none. */
function handshakeError(error: NodeJS.ErrnoException): Error {
  if (error.code !== undefined) return error;
  const message = `the WebSocket handshake failed: ${error.message}`;
  return Object.assign(new Error(message), { code: "ERR_WEBSOCKET_HANDSHAKE" });
}

function closedEarly(): Error {
  return Object.assign(new Error("the connection was closed before the handshake"), { code: "ECONNRESET" });
}
