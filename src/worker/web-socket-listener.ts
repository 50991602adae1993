/**
 * A server for WebSockets and a folder's files: a `node:http` or `node:https` server, and its pending clients.
 *
 * Runs on the networking thread. A client's handshake is done here; then its WebSocket is paused, and has no slot and
 * no rings until the program accepts it. If the program verifies requests, the handshake waits for its answer.
 */

import type { IncomingHttpHeaders, IncomingMessage, Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { ServerOptions, WebSocket } from "ws";
import { PHASE_WAITING } from "../ring/layout.js";
import type { AcceptCommand, ListenWebSocketCommand, RefuseCommand } from "../ring/protocol.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { connectionFacts } from "./connection-facts.js";
import { faultOf } from "./faults.js";
import { FileServer } from "./file-server.js";
import { INFLATES_SAFELY, ipv6OnlyError } from "./other-runtimes.js";
import { nodeHttp, nodeHttps } from "./secure-modules.js";
import { Slot } from "./slot.js";
import type { TlsContextCache } from "./tls-context-cache.js";
import { UnfinishedConnections } from "./unfinished-connections.js";
import { WebSocketConnection } from "./web-socket.js";

/** A client that waits for the program: with its handshake done, or, if the program verifies requests, before that. */
interface Pending {
  readonly socket: Socket;
  /** Opens `connection` for it. */
  readonly accept: (connection: WebSocketConnection) => void;
  /** Answers its request with an HTTP status. */
  readonly refuse: (status: number) => void;
}

/** What a handshake has negotiated. */
type Negotiated = Pick<WebSocket, "protocol" | "extensions">;
const NOT_SHAKEN: Negotiated = { protocol: "", extensions: "" };

/** Answers a request: completes the handshake, or sends an HTTP status. */
type Answer = (admitted: boolean, status?: number) => void;

export class WebSocketListener implements Handle {
  readonly slot: Slot;
  readonly #command: ListenWebSocketCommand;
  readonly #lingerMs: number;
  readonly #pending = new Map<number, Pending>();
  /** The connections of requests that the program has admitted. */
  readonly #admitted = new WeakMap<IncomingMessage, WebSocketConnection>();
  /** Connections that are not WebSockets (yet). */
  readonly #others = new UnfinishedConnections();
  #server: Server | null = null;
  #pendingCount = 0;
  #closed = false;

  constructor(link: CallerLink, command: ListenWebSocketCommand, tlsContexts: TlsContextCache, lingerMs: number) {
    this.slot = new Slot(link, command.slot);
    this.#command = command;
    this.#lingerMs = lingerMs;
    link.handles.set(this.slot.handleId, this);
    const made = async (): Promise<Server> =>
      command.tls === null ? nodeHttp().createServer() : tlsContexts.server(command.tls, nodeHttps().createServer);
    Promise.all([import("ws"), made()])
      .then(([{ WebSocketServer }, httpServer]) => {
        if (this.#closed) return; // the program has given up
        const { maxPayload, perMessageDeflate } = command.settings;
        const server = new WebSocketServer({
          noServer: true,
          clientTracking: false,
          maxPayload,
          perMessageDeflate: perMessageDeflate && INFLATES_SAFELY,
          verifyClient: command.verifies ? (info, answer) => this.#addRequest(info.req, answer) : undefined,
          handleProtocols: (offered) => command.protocols.find((each) => offered.has(each)) ?? false,
          autoPong: false, // answerPings answers them
          closeTimeout: lingerMs,
        } as ServerOptions);
        this.#listen(httpServer, (request, socket, head) => {
          server.handleUpgrade(request, socket, head, (webSocket) => this.#shaken(webSocket, socket, request));
        });
      })
      .catch((error) => {
        if (!this.#closed) this.slot.fail(faultOf(error));
      });
  }

  service(): void {} // a server is closed by a command, after the commands that accept its clients

  /** The program accepts a pending client, which now gets a slot and rings. */
  accept(command: AcceptCommand): void {
    const connection = new WebSocketConnection(new Slot(this.slot.link, command.slot), command.rings, this.#lingerMs);
    const client = this.#pending.get(command.pending);
    this.#pending.delete(command.pending);
    if (client !== undefined && !client.socket.destroyed) client.accept(connection);
    if (connection.slot.phase !== PHASE_WAITING) return;
    const message = "accept ECONNABORTED: the client was gone before it was accepted";
    connection.failed(Object.assign(new Error(message), { code: "ECONNABORTED", syscall: "accept" }));
  }

  /** The program refuses a client's request. */
  refuse({ pending, status }: RefuseCommand): void {
    this.#pending.get(pending)?.refuse(status);
    this.#pending.delete(pending);
  }

  /** Stops listening, and closes pending clients. */
  close(): void {
    this.shutdown();
    this.slot.release();
  }

  shutdown(): void {
    this.#closed = true;
    this.#server?.close();
    for (const { socket } of this.#pending.values()) socket.destroy();
    this.#others.destroy();
    this.#pending.clear();
  }

  #listen(server: Server, upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void): void {
    const { host, port, backlog, ipv6Only, path, origins, files } = this.#command;
    const served = new FileServer(files);
    this.#server = server;
    server.on("request", (request, response) => served.answer(request, response));
    server.on("connection", (socket: Socket) => this.#others.add(socket));
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const { origin, upgrade: protocol = "" } = request.headers;
      if (protocol.toLowerCase() !== "websocket") answerPlain(served, request, socket);
      else if (path !== null && pathOf(request) !== path) refuse(socket, "404 Not Found");
      else if (origins !== null && (origin === undefined || !origins.includes(origin))) refuse(socket, "403 Forbidden");
      else upgrade(request, socket, head);
    });
    const failed = (error: Error): void => this.slot.fail(faultOf(error));
    const refusal = ipv6OnlyError(ipv6Only, host);
    if (refusal !== null) return void failed(refusal);
    server.once("error", failed);
    server.once("listening", () => {
      if (this.#closed) return void server.close();
      server.off("error", failed);
      server.on("error", (error) => this.slot.addPendingError(faultOf(error)));
      const { address, port } = server.address() as AddressInfo;
      this.slot.bound(address, port);
    });
    server.listen({ port, backlog, ipv6Only, ...(host === null ? {} : { host }) });
  }

  /** A request is valid; the program has to answer it. */
  #addRequest(request: IncomingMessage, answer: Answer): void {
    const accept = (connection: WebSocketConnection): void => {
      this.#admitted.set(request, connection);
      answer(true);
    };
    const { socket } = request;
    this.#addPending({ socket, accept, refuse: (status) => answer(false, status) }, request, NOT_SHAKEN);
  }

  /** The handshake is done. */
  #shaken(webSocket: WebSocket, socket: Socket, request: IncomingMessage): void {
    this.#others.finish(socket);
    const { settings } = this.#command;
    const admitted = this.#admitted.get(request);
    if (admitted !== undefined) {
      admitted.opened(webSocket, socket, settings, asked(request));
      return;
    }
    webSocket.pause();
    webSocket.on("error", () => {}); // `accept` reports that it is gone
    const accept = (connection: WebSocketConnection): void => {
      connection.opened(webSocket, socket, settings, null);
      webSocket.resume();
    };
    this.#addPending({ socket, accept, refuse: () => socket.destroy() }, request, webSocket);
  }

  #addPending(client: Pending, request: IncomingMessage, { protocol, extensions }: Negotiated): void {
    if (this.#closed) {
      client.socket.destroy(); // the slot may belong to another handle now
      return;
    }
    const number = ++this.#pendingCount;
    this.#pending.set(number, client);
    const webSocket = { protocol, extensions, ...asked(request) };
    this.slot.pending(number, { ...connectionFacts(client.socket), webSocket });
  }
}

function asked(request: IncomingMessage): { url: string; headers: IncomingHttpHeaders } {
  return { url: request.url ?? "/", headers: { ...request.headers } };
}

/** Answers a request that may continue in another protocol, such as `h2c`: it stays HTTP. RFC 9110, section 7.8. */
function answerPlain(served: FileServer, request: IncomingMessage, socket: Socket): void {
  socket.on("error", () => socket.destroy());
  const response = new (nodeHttp().ServerResponse)(request);
  response.shouldKeepAlive = false; // Node has taken its parser off the socket
  response.assignSocket(socket);
  socket.on("drain", () => response.emit("drain")); // as the server does for its own
  response.on("finish", () => socket.end(() => socket.destroy()));
  served.answer(request, response);
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

function refuse(socket: Socket, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
