/**
 * The `net` facade: the original API's names, arguments and results, mapped to the TypeScript API.
 *
 * Runs on the calling thread. A call that can fail returns `[value, errmsg]`; what is absent is `null`.
 */

import type { Address } from "./address.js";
import * as check from "./arguments.js";
import { caBundlePath, setCaBundlePath } from "./ca-bundle.js";
import { ringBytes, SMALLEST_UDP_RING } from "./commands.js";
import { defaultRuntime } from "./default-runtime.js";
import { NetError } from "./net-error.js";
import { type Names, ownOptions } from "./option-names.js";
import { pollable } from "./pollable.js";
import { Runtime } from "./runtime.js";
import type { TcpServer } from "./tcp-server.js";
import type { TcpSocket } from "./tcp-socket.js";
import type { Datagram, UdpSocket } from "./udp-socket.js";

type Result<T> = [T, null] | [null, string];
type Bytes = string | Uint8Array;

/** Options of `createNet`. */
export interface NetOptions {
  /** The runtime that opens the sockets. Default: the one of the package root. */
  runtime?: Runtime | undefined;
  /** Bytes of each receive ring, a power of two from 4096; of UDP sockets at least 131072. Default: the runtime's. */
  receiveBuffer?: number | undefined;
  /** Bytes of each send ring, likewise. Default: the runtime's. */
  sendBuffer?: number | undefined;
  /** The error text that `read` returns at the end of a stream: `[null, text]`. Default: none, `[null, null]`. */
  endOfStream?: string | null | undefined;
}

const NET_OPTIONS: Names<NetOptions> = { runtime: true, receiveBuffer: true, sendBuffer: true, endOfStream: true };

/** What the objects of one `net` share. */
interface Context {
  runtime(): Runtime;
  endOfStream: string | null;
}

/** The longest host name: RFC 1035, 2.3.4, less the lengths of the first and the last label. */
const LONGEST_NAME = 253;

/** Why a string is not a valid host name, or null. */
function badName(name: string): string | null {
  try {
    check.text("name", name);
  } catch (error) {
    return (error as Error).message;
  }
  if (name.replace(/\.$/, "").length <= LONGEST_NAME) return null;
  return `name must have at most ${LONGEST_NAME} characters, not ${name.length}`;
}

/** An IPv4 address in its IPv6 form (RFC 4291, 2.5.5.2) as IPv4 text. */
function plainIp(ip: string): string {
  return ip.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Turns run-time failures into texts; programming mistakes are thrown. */
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
  /** For the remote address of a connection: the connection's IP. */
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
  wait_until_resolved(timeout: number | null = 0): [net.status, string | null] {
    this.target.waitUntilResolved(timeout ?? 0);
    return statusOf(this.target);
  }

  /** Same as `get_hostname()`; never throws. */
  toString(): string {
    return this.target.hostname;
  }

  /** For `poll` and `Poller`. */
  [pollable](): Address {
    return this.target;
  }
}

class TcpFacade {
  readonly #context: Context;
  readonly #socket: TcpSocket;
  readonly #host: Address | null;

  /** @internal `host` is what it was opened with, null for an accepted connection. */
  constructor(context: Context, socket: TcpSocket, host: Address | null) {
    this.#context = context;
    this.#socket = socket;
    this.#host = host;
  }

  /** `[status, errmsg]`, without waiting. */
  get_status(): [net.status, string | null] {
    return statusOf(this.#socket);
  }

  /** Waits for the connection for up to `timeout` ms (0: polls once; -1: no limit): `[status, errmsg]`. */
  wait_until_connected(timeout: number | null = 0): [net.status, string | null] {
    this.#socket.waitUntilConnected(timeout ?? 0);
    return statusOf(this.#socket);
  }

  /** The remote address. */
  get_address(): Result<net.address> {
    return attempt(() => {
      if (this.#socket.closed) throw this.#socket.error;
      const { remoteAddress } = this.#socket;
      const ip = remoteAddress === undefined ? undefined : plainIp(remoteAddress);
      return new AddressFacade(this.#host ?? this.#context.runtime().resolve(ip ?? "::"), ip);
    });
  }

  /**
   * Up to `amount` received bytes; empty if there are none yet. `[null, null]` at the end, or `[null, endOfStream]`.
   */
  read(amount: number): [Buffer, null] | [null, null] | [null, string] {
    const [bytes, errmsg] = attempt(() => this.#socket.read(check.amount("amount", amount)));
    if (bytes !== null) return [bytes, null];
    return [null, errmsg ?? this.#context.endOfStream];
  }

  /** Takes as much of `data` as fits; returns the number of bytes. */
  write(data: Bytes): Result<number> {
    return attempt(() => this.#socket.write(data));
  }

  /** The number of bytes taken by `write` and not yet by the operating system. */
  get_pending_writes(): Result<number> {
    return attempt(() => this.#socket.pendingWrites);
  }

  /** Waits for up to `timeout` ms until nothing is pending; returns the number of bytes still pending. */
  wait_until_drained(timeout: number | null = 0): Result<number> {
    return attempt(() => this.#socket.waitUntilDrained(timeout ?? 0));
  }

  /** Sends pending bytes in the background, then closes. Idempotent. */
  close(): void {
    this.#socket.close();
  }

  /** For `poll` and `Poller`. */
  [pollable](): TcpSocket {
    return this.#socket;
  }
}

class ServerFacade {
  readonly #context: Context;
  readonly #server: TcpServer;

  /** @internal */
  constructor(context: Context, server: TcpServer) {
    this.#context = context;
    this.#server = server;
  }

  /** The next client, or `[null, null]` if none waits. */
  accept(): [net.tcp, null] | [null, null] | [null, string] {
    return attempt(() => {
      const socket = this.#server.accept();
      return socket === null ? null : new TcpFacade(this.#context, socket, null);
    }) as [net.tcp, null];
  }

  /** The port it listens on. */
  get_port(): number {
    return this.#server.port;
  }

  /** Stops listening. Idempotent. */
  close(): void {
    this.#server.close();
  }

  /** For `poll` and `Poller`. */
  [pollable](): TcpServer {
    return this.#server;
  }
}

class UdpFacade {
  readonly #context: Context;
  readonly #socket: UdpSocket;

  /** @internal */
  constructor(context: Context, socket: UdpSocket) {
    this.#context = context;
    this.#socket = socket;
  }

  /** `[true, null]` or `[false, errmsg]`. */
  send(address: net.address, port: number, data: Bytes): [true, null] | [false, string] {
    const [taken, errmsg] = attempt(() => this.#socket.send(data, port, hostOf(address)));
    if (taken === true) return [true, null];
    return [false, errmsg ?? "the send buffer is full"];
  }

  /** The oldest datagram, or `[null, null]` if there is none. */
  receive(): [net.datagram, null] | [null, null] | [null, string] {
    return attempt(() => {
      const datagram = this.#socket.receive();
      return datagram === null ? null : new DatagramFacade(this.#context, datagram);
    }) as [net.datagram, null];
  }

  /** The port it is bound to. */
  get_port(): number {
    return this.#socket.port;
  }

  /** Idempotent. */
  close(): void {
    this.#socket.close();
  }

  /** For `poll` and `Poller`. */
  [pollable](): UdpSocket {
    return this.#socket;
  }
}

class DatagramFacade {
  readonly #context: Context;
  readonly #datagram: Datagram;

  /** @internal */
  constructor(context: Context, datagram: Datagram) {
    this.#context = context;
    this.#datagram = datagram;
  }

  /** The sender's address. */
  get_address(): net.address {
    return new AddressFacade(this.#context.runtime().resolve(plainIp(this.#datagram.address)));
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

/**
 * A separate `net`: on another runtime, with rings of other sizes, or with an error text at the end of a stream. Throws
 * a `TypeError` or `RangeError` that names the wrong option.
 */
export function createNet(options: Runtime | NetOptions = {}) {
  const own = ownOptions("options", options instanceof Runtime ? { runtime: options } : options, NET_OPTIONS);
  const { runtime, receiveBuffer, sendBuffer, endOfStream = null } = own;
  if (runtime !== undefined && !(runtime instanceof Runtime)) throw new TypeError("runtime must be a Runtime");
  if (endOfStream !== null) check.text("endOfStream", endOfStream);
  const rings = {
    ...(receiveBuffer === undefined ? {} : { receiveBuffer: ringBytes("receiveBuffer", receiveBuffer) }),
    ...(sendBuffer === undefined ? {} : { sendBuffer: ringBytes("sendBuffer", sendBuffer) }),
  };
  const udpRings = Object.fromEntries(
    Object.entries(rings).map(([name, size]) => [name, Math.max(size, SMALLEST_UDP_RING)]),
  );
  const context: Context = { runtime: () => runtime ?? defaultRuntime(), endOfStream };

  /** Starts the look-up of a host name or IP literal and returns immediately. */
  function resolve_address(name: string): Result<net.address> {
    const bad = typeof name === "string" ? badName(name) : null;
    if (bad !== null) return [null, bad];
    return attempt(() => new AddressFacade(context.runtime().resolve(check.text("name", name))));
  }

  /** Starts a connection, with TLS if `ssl` is true. The address may still be `waiting`. */
  function open_tcp(address: net.address, port: number, ssl: boolean | null = false): Result<net.tcp> {
    const host = hostOf(address);
    const secure = check.boolean("ssl", ssl ?? false);
    const caFile = secure ? caBundlePath() : null;
    const tls = caFile !== null ? { caFile } : secure;
    check.port("port", port);
    return attempt(() => new TcpFacade(context, context.runtime().connect({ host, port, tls, ...rings }), host));
  }

  /** Starts a server; without an address on all interfaces, IPv4 and IPv6. Port 0: the system picks one. */
  function create_server(port: number): Result<net.server>;
  function create_server(address: net.address | null, port: number): Result<net.server>;
  function create_server(first: net.address | number | null, second?: number): Result<net.server> {
    const address = typeof first === "number" && second === undefined ? null : first;
    const port = check.port("port", typeof first === "number" && second === undefined ? first : second);
    const host = address === null ? undefined : hostOf(address as net.address);
    return attempt(() => new ServerFacade(context, context.runtime().listen({ host, port, ...rings })));
  }

  /** Binds a UDP socket locally; without an address on all interfaces. */
  function open_udp(address: net.address | null, port: number): Result<net.udp> {
    const host = address === null ? undefined : hostOf(address);
    check.port("port", port);
    return attempt(() => new UdpFacade(context, context.runtime().bindUdp({ host, port, ...udpRings })));
  }

  /** This machine's addresses, IPv4 and IPv6, loopback included. */
  function get_local_addresses(): Result<net.address[]> {
    return attempt(() =>
      context
        .runtime()
        .localAddresses()
        .map((address) => new AddressFacade(address)),
    );
  }

  return {
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
}

export const net = createNet();

export namespace net {
  export type status = "success" | "waiting" | "failure";
  export type address = AddressFacade;
  export type tcp = TcpFacade;
  export type server = ServerFacade;
  export type udp = UdpFacade;
  export type datagram = DatagramFacade;
}

export const { resolve_address, open_tcp, create_server, open_udp, get_local_addresses } = net;

export {
  AddressFacade as address,
  caBundlePath as get_cacert_path,
  DatagramFacade as datagram,
  ServerFacade as server,
  setCaBundlePath as set_cacert_path,
  TcpFacade as tcp,
  UdpFacade as udp,
};
