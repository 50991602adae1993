/**
 * A listening server, TCP, TLS or Unix, and its pending clients.
 *
 * Runs on the networking thread. A pending client is a paused socket: what it sends stays in the kernel's buffer, and
 * it gets a slot and rings when the program accepts it.
 */

import net, { type AddressInfo, type Server, type Socket } from "node:net";
import type { TlsOptions, Server as TlsServer } from "node:tls";
import type { AcceptCommand, ListenCommand } from "../ring/protocol.js";
import { type BoundPort, boundPort } from "./bound-port.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { Connection } from "./connection.js";
import { connectionFacts } from "./connection-facts.js";
import { setDscp } from "./dscp.js";
import { faultOf } from "./faults.js";
import { withOnread } from "./node-internals.js";
import { ipv6OnlyError } from "./other-runtimes.js";
import { keepRemains, type Remains } from "./pushed-bytes.js";
import { isSecure, nodeTls } from "./secure-modules.js";
import { Slot } from "./slot.js";
import { checkSocketPath, isSocketFile } from "./socket-path.js";
import type { TlsContextCache } from "./tls-context-cache.js";
import { UnfinishedConnections } from "./unfinished-connections.js";

/** A client that was not accepted yet. */
interface PendingClient {
  readonly socket: Socket;
  /** The bytes that a destroyed one had received; see `keepRemains`. */
  readonly remains: () => Remains | null;
}

export class Listener implements Handle {
  readonly slot: Slot;
  readonly #command: ListenCommand;
  readonly #lingerMs: number;
  readonly #pending = new Map<number, PendingClient>();
  /** Connections whose TLS handshake is under way. */
  readonly #unfinished = new UnfinishedConnections();
  readonly #bound: BoundPort | null;
  #server: Server | null = null;
  #pendingCount = 0;
  #closed = false;

  constructor(link: CallerLink, command: ListenCommand, tlsContexts: TlsContextCache, lingerMs: number) {
    this.slot = new Slot(link, command.slot);
    this.#command = command;
    this.#lingerMs = lingerMs;
    this.#bound = command.bound === null ? null : boundPort(link, command.bound);
    link.handles.set(this.slot.handleId, this);
    const { tls } = command;
    const listen = (server: Server): void => {
      if (this.#closed) return; // the program has given up
      try {
        this.#listen(server);
      } catch (error) {
        this.slot.fail(faultOf(error));
      }
    };
    try {
      const server = tls === null ? plainServer() : tlsContexts.server(tls, secureServer);
      if (server instanceof Promise) server.then(listen, (error) => this.slot.fail(faultOf(error)));
      else listen(server);
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
  }

  service(): void {} // a server is closed by a command, after the commands that accept its clients

  /** The program accepts a pending client, which now gets a slot and rings. */
  accept(command: AcceptCommand): void {
    const pending = this.#pending.get(command.pending);
    this.#pending.delete(command.pending);
    const waiting = pending?.socket;
    const remains = pending?.remains() ?? null;
    const connection = new Connection(new Slot(this.slot.link, command.slot), command.rings, this.#lingerMs);
    if (remains !== null && remains.pieces.length > 0) {
      connection.gone(remains);
      return;
    }
    if (waiting === undefined || waiting.destroyed) {
      connection.failed(
        Object.assign(new Error("accept ECONNABORTED: the client was gone before it was accepted"), {
          code: "ECONNABORTED",
          syscall: "accept",
        }),
      );
      return;
    }
    waiting.removeAllListeners("error");
    setDscp(waiting, command.dscp);
    if (isSecure(waiting)) {
      waiting.on("error", () => waiting.destroy()); // as in Connector: Node leaves the socket open
      waiting.setNoDelay(true);
      connection.take(waiting, false);
    } else {
      const { socket, direct } = withOnread(waiting, connection.onread);
      socket.setNoDelay(true); // here and not on the server: a socket object has only the settings made on it
      connection.take(socket, direct);
    }
    connection.opened(true);
  }

  /** Stops listening, and closes pending connections. */
  close(): void {
    this.shutdown();
    this.slot.release();
  }

  shutdown(): void {
    this.#closed = true;
    this.#server?.close();
    this.#bound?.close();
    for (const { socket } of this.#pending.values()) socket.destroy();
    this.#unfinished.destroy();
    this.#pending.clear();
  }

  #listen(server: Server): void {
    const { host, port, path, backlog, ipv6Only, reusePort, tls } = this.#command;
    if (path !== null) checkSocketPath(path, "listen");
    const refusal = ipv6OnlyError(ipv6Only, host);
    if (path === null && refusal !== null) return void this.slot.fail(faultOf(refusal));
    const taken = this.#bound?.take() ?? null;
    this.#server = server;
    server.on(tls === null ? "connection" : "secureConnection", (socket: Socket) => this.#addPending(socket));
    if (tls !== null) {
      server.on("connection", (socket: Socket) => this.#unfinished.add(socket));
      server.on("tlsClientError", (_error, socket) => socket.destroy());
    }
    server.once("listening", () => {
      if (this.#closed) return void server.close(); // the caller has given up
      server.off("error", failed);
      server.on("error", (error) => this.slot.addPendingError(faultOf(error)));
      const address = server.address();
      if (address === null || typeof address === "string") this.slot.bound(address ?? "", 0);
      else this.slot.bound((address as AddressInfo).address, (address as AddressInfo).port);
    });
    const failed = (error: Error): void => {
      if (taken !== null) this.slot.fail({ ...faultOf(error), address: taken.address, port: taken.port });
      else if (path === null) this.slot.fail(faultOf(error));
      else this.#explain(error, path);
    };
    server.once("error", failed);
    if (taken !== null) server.listen(taken.handle, backlog);
    else if (path !== null) server.listen({ path, backlog });
    else
      server.listen({
        port,
        backlog,
        ipv6Only,
        ...(reusePort ? { reusePort } : {}),
        ...(host === null ? {} : { host }),
      });
  }

  #addPending(socket: Socket): void {
    this.#unfinished.finish(socket);
    if (this.#closed) {
      socket.destroy(); // the slot may belong to another handle now
      return;
    }
    socket.allowHalfOpen = true;
    const pending = ++this.#pendingCount;
    // If a TCP client resets, its bytes and the reset stay in the kernel. For TLS, Node has already read some bytes.
    this.#pending.set(pending, { socket, remains: isSecure(socket) ? keepRemains(socket) : () => null });
    socket.on("error", () => socket.destroy());
    this.slot.pending(pending, connectionFacts(socket));
  }

  /** The path in use may be the socket file of a server that has ended: then connecting to it is refused. */
  #explain(error: NodeJS.ErrnoException, path: string): void {
    if (error.code !== "EADDRINUSE") {
      this.slot.fail(faultOf(error));
      return;
    }
    const probe = net.connect({ path });
    const answer = (stale: boolean): void => {
      probe.destroy();
      const fault = faultOf(error);
      if (stale) fault.message += ` (a stale socket file without a listener: remove it first)`;
      this.slot.fail(fault);
    };
    probe.once("connect", () => answer(false));
    probe.once("error", (reason: NodeJS.ErrnoException) =>
      answer(reason.code === "ECONNREFUSED" && isSocketFile(path)),
    );
  }
}

function plainServer(): Server {
  return net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
}

/** A client that ends during the handshake is disconnected. */
function secureServer(options: TlsOptions): TlsServer {
  return nodeTls().createServer(options);
}
