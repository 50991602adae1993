/**
 * The `net` facade: the original API's names, arguments and results over the TypeScript API. A mapping, and nothing else.
 *
 * Runs on the calling thread. A call that can fail returns `[value, errmsg]`; what is absent is `null`.
 */

import type { Address } from "./api/address.js";
import * as check from "./api/arguments.js";
import { caBundlePath, setCaBundlePath } from "./api/ca-bundle.js";
import { defaultRuntime } from "./api/default-runtime.js";
import { NetError } from "./api/net-error.js";
import { pollable } from "./api/pollable.js";
import type { TcpServer } from "./api/tcp-server.js";
import type { TcpSocket } from "./api/tcp-socket.js";
import type { Datagram, UdpSocket } from "./api/udp-socket.js";

type Result<T> = [T, null] | [null, string];
type Bytes = string | Uint8Array;

/** Run-time failures become texts; programming mistakes are thrown. */
function attempt<T>(call: () => T): [T, null] | [null, string] {
  try {
    return [call(), null];
  } catch (error) {
    return [null, textOf(error)];
  }
}

function textOf(error: unknown): string {
  if (error instanceof NetError) return error.message;
  throw error;
}

function statusOf({ status, error }: Address | TcpSocket): [net.status, string | null] {
  return [status, error?.message ?? null];
}

function hostOf(address: net.address): Address {
  if (!(address instanceof AddressFacade)) throw new TypeError("address must be a net.address");
  return address.target;
}

class AddressFacade {
  /** @internal */
  readonly target: Address;
  /** The IP of the connection that it is the remote address of. */
  readonly #ip: string | undefined;

  /** @internal */
  constructor(target: Address, ip?: string) {
    this.target = target;
    this.#ip = ip;
  }

  /** The name it was made from, or its IP if it has no name. */
  get_hostname(): string {
    return this.target.hostname;
  }

  /** The first resolved IP, `null` until then and after a failure. */
  get_ip(): string | null {
    return this.#ip ?? this.target.ip;
  }

  /** `[status, errmsg]`, without waiting. */
  get_status(): [net.status, string | null] {
    return statusOf(this.target);
  }

  /** Waits for the look-up for up to `timeout` ms (0: polls once; -1: no limit): `[status, errmsg]`. */
  wait_until_resolved(timeout = 0): [net.status, string | null] {
    this.target.waitUntilResolved(timeout);
    return statusOf(this.target);
  }

  /** Same as `get_hostname()`; never throws. */
  toString(): string {
    return this.target.hostname;
  }

  /** For `poll` and `Poller`: it stands for its address. */
  [pollable](): Address {
    return this.target;
  }
}

class TcpFacade {
  readonly #socket: TcpSocket;
  readonly #host: Address | null;

  /** @internal `host` is what it was opened with, null for an accepted connection. */
  constructor(socket: TcpSocket, host: Address | null) {
    this.#socket = socket;
    this.#host = host;
  }

  /** `[status, errmsg]`, without waiting. */
  get_status(): [net.status, string | null] {
    return statusOf(this.#socket);
  }

  /** Waits for the connection for up to `timeout` ms (0: polls once; -1: no limit): `[status, errmsg]`. */
  wait_until_connected(timeout = 0): [net.status, string | null] {
    this.#socket.waitUntilConnected(timeout);
    return statusOf(this.#socket);
  }

  /** The remote address. */
  get_address(): Result<net.address> {
    return attempt(() => {
      if (this.#socket.closed) throw this.#socket.error;
      const ip = this.#socket.remoteAddress;
      return new AddressFacade(this.#host ?? defaultRuntime().resolve(ip ?? "::"), ip);
    });
  }

  /** Up to `amount` bytes that are there now; empty when there are none yet; `[null, null]` at the end. */
  read(amount: number): [Buffer, null] | [null, null] | [null, string] {
    return attempt(() => this.#socket.read(check.amount("amount", amount))) as [Buffer, null];
  }

  /** Takes what fits of `data` and says how many bytes it took. */
  write(data: Bytes): Result<number> {
    return attempt(() => this.#socket.write(data));
  }

  /** Bytes taken by `write` and not yet handed to the operating system. */
  get_pending_writes(): Result<number> {
    return attempt(() => this.#socket.pendingWrites);
  }

  /** Waits for up to `timeout` ms until nothing is pending: the bytes still pending. */
  wait_until_drained(timeout = 0): Result<number> {
    return attempt(() => this.#socket.waitUntilDrained(timeout));
  }

  /** Sends what was taken in the background, then closes. Idempotent. */
  close(): void {
    this.#socket.close();
  }

  /** For `poll` and `Poller`: it stands for its connection. */
  [pollable](): TcpSocket {
    return this.#socket;
  }
}

class ServerFacade {
  readonly #server: TcpServer;

  /** @internal */
  constructor(server: TcpServer) {
    this.#server = server;
  }

  /** The next client, or `[null, null]` when none waits. */
  accept(): [net.tcp, null] | [null, null] | [null, string] {
    return attempt(() => {
      const socket = this.#server.accept();
      return socket === null ? null : new TcpFacade(socket, null);
    }) as [net.tcp, null];
  }

  /** The port really listened on. */
  get_port(): number {
    return this.#server.port;
  }

  /** Stops listening. Idempotent. */
  close(): void {
    this.#server.close();
  }

  /** For `poll` and `Poller`: it stands for its server. */
  [pollable](): TcpServer {
    return this.#server;
  }
}

class UdpFacade {
  readonly #socket: UdpSocket;

  /** @internal */
  constructor(socket: UdpSocket) {
    this.#socket = socket;
  }

  /** `[true, null]` or `[false, errmsg]`. */
  send(address: net.address, port: number, data: Bytes): [true, null] | [false, string] {
    const [taken, errmsg] = attempt(() => this.#socket.send(data, port, hostOf(address)));
    if (taken === true) return [true, null];
    return [false, errmsg ?? "the send buffer is full"];
  }

  /** One datagram, or `[null, null]` when there is none. */
  receive(): [net.datagram, null] | [null, null] | [null, string] {
    return attempt(() => {
      const datagram = this.#socket.receive();
      return datagram === null ? null : new DatagramFacade(datagram);
    }) as [net.datagram, null];
  }

  /** The port really bound. */
  get_port(): number {
    return this.#socket.port;
  }

  /** Idempotent. */
  close(): void {
    this.#socket.close();
  }

  /** For `poll` and `Poller`: it stands for its socket. */
  [pollable](): UdpSocket {
    return this.#socket;
  }
}

class DatagramFacade {
  readonly #datagram: Datagram;

  /** @internal */
  constructor(datagram: Datagram) {
    this.#datagram = datagram;
  }

  /** The sender's address. */
  get_address(): net.address {
    return new AddressFacade(defaultRuntime().resolve(this.#datagram.address));
  }

  /** The sender's port. */
  get_port(): number {
    return this.#datagram.port;
  }

  /** The bytes. */
  get_data(): Buffer {
    return this.#datagram.data;
  }
}

/** Starts a look-up of a host name or IP literal and returns immediately. */
function resolve_address(name: string): Result<net.address> {
  return attempt(() => new AddressFacade(defaultRuntime().resolve(check.text("name", name))));
}

/** Starts a connection, with TLS when `ssl` is true. An address still `waiting` is allowed. */
function open_tcp(address: net.address, port: number, ssl = false): Result<net.tcp> {
  const host = hostOf(address);
  check.boolean("ssl", ssl);
  const caFile = ssl ? caBundlePath() : null;
  const tls = ssl && caFile !== null ? { caFile } : ssl;
  return attempt(() => new TcpFacade(defaultRuntime().connect({ host, port: check.port("port", port), tls }), host));
}

/** Listens; without an address on all interfaces, IPv4 and IPv6. Port 0: the system picks one. */
function create_server(port: number): Result<net.server>;
function create_server(address: net.address | null, port: number): Result<net.server>;
function create_server(first: net.address | number | null, second?: number): Result<net.server> {
  const address = typeof first === "number" && second === undefined ? null : first;
  const port = check.port("port", typeof first === "number" && second === undefined ? first : second);
  const host = address === null ? undefined : hostOf(address as net.address);
  return attempt(() => new ServerFacade(defaultRuntime().listen({ host, port })));
}

/** Binds a UDP socket locally; without an address on all interfaces. */
function open_udp(address: net.address | null, port: number): Result<net.udp> {
  const host = address === null ? undefined : hostOf(address);
  return attempt(() => new UdpFacade(defaultRuntime().bindUdp({ host, port: check.port("port", port) })));
}

/** This machine's addresses, IPv4 and IPv6, loopback included. */
function get_local_addresses(): Result<net.address[]> {
  return attempt(() =>
    defaultRuntime()
      .localAddresses()
      .map((address) => new AddressFacade(address)),
  );
}

export const net = {
  resolve_address,
  open_tcp,
  create_server,
  open_udp,
  get_local_addresses,
  get_cacert_path: caBundlePath,
  set_cacert_path: setCaBundlePath,
  address: AddressFacade,
  tcp: TcpFacade,
  server: ServerFacade,
  udp: UdpFacade,
  datagram: DatagramFacade,
};

export namespace net {
  export type status = "success" | "waiting" | "failure";
  export type address = AddressFacade;
  export type tcp = TcpFacade;
  export type server = ServerFacade;
  export type udp = UdpFacade;
  export type datagram = DatagramFacade;
}

export {
  AddressFacade as address,
  caBundlePath as get_cacert_path,
  create_server,
  DatagramFacade as datagram,
  get_local_addresses,
  open_tcp,
  open_udp,
  resolve_address,
  ServerFacade as server,
  setCaBundlePath as set_cacert_path,
  TcpFacade as tcp,
  UdpFacade as udp,
};
