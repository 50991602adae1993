/**
 * A connection to a server or its proxy, from the look-up of the name to the handshake with the proxy.
 *
 * Runs on the calling thread.
 */

import { isIP } from "node:net";
import type { Address, ConnectOptions, TcpSocket } from "../main/index.js";
import { now } from "./clock.js";
import type { Stage } from "./http-error.js";
import { ProxyError } from "./proxy.js";
import type { Route } from "./route.js";
import { socks5Handshake } from "./socks5.js";

/** What opens connections: the package's own functions, or a runtime. */
export interface Opener {
  connect(options: ConnectOptions): TcpSocket;
  resolve(host: string): Address;
}

export class Connection {
  readonly socket: TcpSocket;
  readonly route: Route;
  /** Requests that it has carried. */
  uses = 0;
  /** When it is too old to be used again. */
  idleUntil = 0;
  /** The name that the connection waits for. */
  readonly #address: Address | null;
  readonly #secure: boolean;
  /** The name that the proxy wants to know the address of. */
  #target: Address | null = null;
  #handshake: Generator<void, void> | null = null;

  constructor(route: Route, opener: Opener) {
    this.route = route;
    const { secure, proxy } = route;
    if (secure && proxy !== null) {
      throw new ProxyError("HTTPS through a proxy is not supported yet: TLS can't begin on an open connection");
    }
    const { host, port } = proxy ?? route;
    // A look-up of its own, so that a time-out can say that it waited for the name.
    this.#address = isIP(host) === 0 ? opener.resolve(host) : null;
    this.#secure = secure || proxy?.kind === "https";
    const tls = this.#secure ? { ALPNProtocols: ["http/1.1"], ...route.tls } : false;
    this.socket = opener.connect({ host: this.#address ?? host, port, tls });
    if (proxy?.kind === "socks5" || proxy?.kind === "socks5h") {
      if (proxy.kind === "socks5") this.#target = opener.resolve(route.host);
      this.#handshake = socks5Handshake(this.socket, route.host, route.port, proxy, this.#target);
      this.#handshake.next();
    }
  }

  /** Goes on with the handshake; returns whether requests can be written. Throws what the connection has failed with. */
  advance(): boolean {
    if (this.#handshake === null) return true;
    if (this.#handshake.next().done !== true) return false;
    this.#handshake = null;
    this.#target?.close();
    this.#target = null;
    return true;
  }

  /** Which stage it is in, or has failed in; null once it is established. */
  get stage(): Stage | null {
    const { socket } = this;
    for (const name of [this.#address, this.#target]) {
      if (name !== null && name.status !== "success") return "resolve";
    }
    if (socket.remoteAddress !== undefined) return this.#handshake === null ? null : "proxy";
    return socket.error !== null && socket.error.syscall === undefined && this.#secure ? "TLS" : "connect";
  }

  /** What to wait for to become readable. */
  get source(): TcpSocket | Address {
    return this.#target?.status === "waiting" ? this.#target : this.socket;
  }

  /** Whether it can carry another request: open, quiet, and not too old. */
  get reusable(): boolean {
    if (now() > this.idleUntil || this.socket.status !== "success") return false;
    try {
      return this.socket.peek()?.length === 0;
    } catch {
      return false;
    }
  }

  /** Ends it in good order, or with `reset` at once: what was not sent is dropped. */
  close(reset = false): void {
    if (reset) this.socket.reset();
    else this.socket.close();
    this.#address?.close();
    this.#target?.close();
  }
}
