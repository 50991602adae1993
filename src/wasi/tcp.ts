/**
 * `wasi:sockets/tcp` and `tcp-create-socket`.
 *
 * `start-bind` already listens: so a port in use is refused here and not only by `start-listen` (Node's sockets share ports), and errors come from the call
 * that the WIT names. `start-listen` resets clients that have connected before. A bound socket that connects stops
 * listening, and then connects from that port.
 *
 * Runs on the calling thread.
 */

import { connect, listen, type PollEntry, type TcpServer } from "../main/index.js";
import { resetEarlyClients } from "../posix/index.js";
import { errorCodeOf, withErrorCode } from "./error-codes.js";
import {
  endpointOf,
  type IpAddressFamily,
  type IpSocketAddress,
  isDestination,
  isMulticast,
  isOfFamily,
  socketAddressOf,
} from "./ip-addresses.js";
import { Network } from "./network.js";
import { type EventSource, Pollable } from "./pollable.js";
import { DISPOSE } from "./resource.js";
import { bufferSize, positive } from "./settings.js";
import type { InputStream, OutputStream } from "./streams.js";
import { type ShutdownType, TcpConnection } from "./tcp-streams.js";

type State =
  | "unbound"
  | "bind-in-progress"
  | "bound"
  | "listen-in-progress"
  | "listening"
  | "connect-in-progress"
  | "connected"
  | "closed";

const BUSY: readonly State[] = ["bind-in-progress", "listen-in-progress", "connect-in-progress"];

const SECOND = 1_000_000_000n;
const MAX_SECONDS = 32767n;
const MAX_PROBES = 127;
const NS_PER_MS = 1_000_000n;

/** What a listening socket hands down to the sockets that it accepts. */
interface Settings {
  keepAlive: boolean;
  /** In ns. */
  keepAliveIdleTime: bigint;
  keepAliveInterval: bigint;
  keepAliveCount: number;
  hopLimit: number;
  receiveBufferSize: bigint;
  sendBufferSize: bigint;
}

const DEFAULTS: Settings = {
  keepAlive: false,
  keepAliveIdleTime: 7200n * SECOND,
  keepAliveInterval: 75n * SECOND,
  keepAliveCount: 9,
  hopLimit: 64,
  receiveBufferSize: 1048576n,
  sendBufferSize: 1048576n,
};

export class TcpSocket implements EventSource {
  #state: State = "unbound";
  readonly #family: IpAddressFamily;
  #settings: Settings = { ...DEFAULTS };
  #network: Network | null = null;
  #backlog = 128;
  #server: TcpServer | null = null;
  /** The address that it was bound to. */
  #bound: IpSocketAddress | null = null;
  #connection: TcpConnection | null = null;

  /** @internal Guests get sockets by `create-tcp-socket`. */
  constructor(family: IpAddressFamily) {
    this.#family = family;
  }

  startBind(network: Network, localAddress: IpSocketAddress): void {
    this.#mustBe("unbound");
    if (!Network.allows(network)) throw "access-denied";
    if (!isOfFamily(localAddress, this.#family) || isMulticast(localAddress)) throw "invalid-argument";
    this.#network = network;
    this.#listenOn(endpointOf(localAddress));
    this.#state = "bind-in-progress";
  }

  finishBind(): void {
    this.#mustBeInProgress("bind-in-progress");
    this.#state = "bound";
  }

  startConnect(network: Network, remoteAddress: IpSocketAddress): void {
    this.#mustBe("unbound", "bound");
    if (!Network.allows(network)) throw "access-denied";
    if (this.#network !== null && network !== this.#network) throw "invalid-argument";
    if (!isDestination(remoteAddress, this.#family) || isMulticast(remoteAddress)) throw "invalid-argument";
    try {
      this.#connectTo(remoteAddress);
    } catch (error) {
      this.#close();
      throw error;
    }
    this.#state = "connect-in-progress";
  }

  finishConnect(): [InputStream, OutputStream] {
    this.#mustBeInProgress("connect-in-progress");
    const { handle } = this.#connection as TcpConnection;
    if (handle.status === "waiting") throw "would-block";
    // A connection that was established and has failed since is connected: its streams report the failure.
    if (handle.status === "failure" && handle.remoteAddress === undefined) {
      const code = handle.error === null ? "unknown" : errorCodeOf(handle.error);
      this.#close();
      throw code === "address-not-bindable" ? "address-in-use" : code;
    }
    this.#state = "connected";
    return (this.#connection as TcpConnection).streams();
  }

  startListen(): void {
    this.#mustBe("bound");
    resetEarlyClients(this.#server as TcpServer);
    this.#state = "listen-in-progress";
  }

  finishListen(): void {
    this.#mustBeInProgress("listen-in-progress");
    this.#state = "listening";
  }

  accept(): [TcpSocket, InputStream, OutputStream] {
    this.#mustBe("listening");
    const handle = withErrorCode(() => (this.#server as TcpServer).accept());
    if (handle === null) throw "would-block";
    const socket = new TcpSocket(this.#family);
    socket.#settings = { ...this.#settings };
    socket.#network = this.#network;
    socket.#own(new TcpConnection(handle));
    socket.#state = "connected";
    socket.#applyKeepAlive();
    return [socket, ...(socket.#connection as TcpConnection).streams()];
  }

  localAddress(): IpSocketAddress {
    if (this.#state === "unbound" || this.#state === "bind-in-progress" || this.#state === "closed")
      throw "invalid-state";
    const { localAddress, localPort } = this.#connection?.handle ?? {};
    if (localAddress !== undefined && localPort !== undefined) {
      return socketAddressOf(localAddress, localPort, this.#family);
    }
    if (this.#bound === null) throw "invalid-state";
    return this.#bound;
  }

  remoteAddress(): IpSocketAddress {
    const { remoteAddress, remotePort } = this.#connected;
    if (remoteAddress === undefined || remotePort === undefined) throw "invalid-state";
    return socketAddressOf(remoteAddress, remotePort, this.#family);
  }

  isListening(): boolean {
    return this.#state === "listening";
  }

  addressFamily(): IpAddressFamily {
    return this.#family;
  }

  setListenBacklogSize(value: bigint): void {
    positive(value);
    if (this.#state === "connect-in-progress" || this.#state === "connected" || this.#state === "closed") {
      throw "invalid-state";
    }
    this.#backlog = Number(value > 65535n ? 65535n : value);
  }

  keepAliveEnabled(): boolean {
    return this.#settings.keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#settings.keepAlive = value;
    this.#applyKeepAlive();
  }

  keepAliveIdleTime(): bigint {
    return this.#settings.keepAliveIdleTime;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#settings.keepAliveIdleTime = wholeSeconds(positive(value));
    this.#applyKeepAlive();
  }

  keepAliveInterval(): bigint {
    return this.#settings.keepAliveInterval;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#settings.keepAliveInterval = wholeSeconds(positive(value));
  }

  keepAliveCount(): number {
    return this.#settings.keepAliveCount;
  }

  setKeepAliveCount(value: number): void {
    this.#settings.keepAliveCount = Math.min(positive(value), MAX_PROBES);
  }

  hopLimit(): number {
    return this.#settings.hopLimit;
  }

  setHopLimit(value: number): void {
    this.#settings.hopLimit = positive(value);
  }

  receiveBufferSize(): bigint {
    return this.#settings.receiveBufferSize;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#settings.receiveBufferSize = bufferSize(value);
  }

  sendBufferSize(): bigint {
    return this.#settings.sendBufferSize;
  }

  setSendBufferSize(value: bigint): void {
    this.#settings.sendBufferSize = bufferSize(value);
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  shutdown(type: ShutdownType): void {
    this.#mustBe("connected");
    (this.#connection as TcpConnection).shutdown(type);
  }

  [DISPOSE](): void {
    this.#close();
  }

  isReady(): boolean {
    if (this.#state === "connect-in-progress") return (this.#connection as TcpConnection).handle.status !== "waiting";
    return this.#state !== "listening" || (this.#server as TcpServer).waitUntilAcceptable(0);
  }

  pollEntry(): PollEntry | null {
    return this.#state === "listening" ? this.#server : (this.#connection?.handle ?? null);
  }

  get #connected() {
    if (this.#state !== "connected" || this.#connection === null) throw "invalid-state";
    return this.#connection.handle;
  }

  #mustBe(...allowed: State[]): void {
    if (allowed.includes(this.#state)) return;
    throw BUSY.includes(this.#state) ? "concurrency-conflict" : "invalid-state";
  }

  #mustBeInProgress(state: State): void {
    if (this.#state !== state) throw "not-in-progress";
  }

  #listenOn({ ip, port }: { ip: string; port: number }): void {
    const options = { host: ip, port, backlog: this.#backlog, ipv6Only: this.#family === "ipv6" };
    this.#server = withErrorCode(() => listen(options));
    this.#bound = socketAddressOf(this.#server.address, this.#server.port, this.#family);
  }

  #connectTo(remote: IpSocketAddress): void {
    const { ip, port } = endpointOf(remote);
    const { keepAlive } = this.#settings;
    const from = this.#server === null ? {} : boundTo(this.#server);
    this.#server?.close();
    this.#server = null;
    const handle = withErrorCode(() =>
      connect({ host: ip, port, keepAlive: keepAlive ? this.#keepAliveDelay || true : false, ...from }),
    );
    this.#own(new TcpConnection(handle));
  }

  #own(connection: TcpConnection): void {
    connection.hold();
    this.#connection = connection;
  }

  /** Closes what the socket has; the streams of an established connection stay open. */
  #close(): void {
    this.#state = "closed";
    this.#server?.close();
    this.#server = null;
    this.#connection?.release();
    this.#connection = null;
  }

  get #keepAliveDelay(): number {
    const { keepAliveIdleTime } = this.#settings;
    return keepAliveIdleTime === DEFAULTS.keepAliveIdleTime ? 0 : Number(keepAliveIdleTime / NS_PER_MS);
  }

  #applyKeepAlive(): void {
    const handle = this.#connection?.handle;
    if (handle === undefined || handle.state.failed) return;
    withErrorCode(() => handle.setKeepAlive(this.#settings.keepAlive, this.#keepAliveDelay));
  }
}

/** `wasi:sockets/tcp-create-socket`. */
export function createTcpSocket(family: IpAddressFamily): TcpSocket {
  if (family !== "ipv4" && family !== "ipv6") throw "not-supported";
  return new TcpSocket(family);
}

function boundTo({ address, port }: TcpServer): { localAddress?: string; localPort: number } {
  return address === "0.0.0.0" || address === "::" ? { localPort: port } : { localAddress: address, localPort: port };
}

/** A time as TCP has it: 1 to 32767 s. */
function wholeSeconds(ns: bigint): bigint {
  const seconds = ns / SECOND;
  return (seconds < 1n ? 1n : seconds > MAX_SECONDS ? MAX_SECONDS : seconds) * SECOND;
}
