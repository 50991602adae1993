/**
 * Checks the options of `connect`, `listen` and `bindUdp` and makes commands for the networking thread of them. Pure:
 * opens nothing and starts no thread. Each function throws a `TypeError` or `RangeError` that names the wrong option.
 *
 * Used on the calling thread.
 */

import type { BindCommand, BindTcpCommand, ConnectCommand, ListenCommand } from "../../ring/protocol.js";
import { Deadline } from "../link/deadline.js";
import type { RingSizes } from "../link/slot-memory.js";
import { Address } from "./address.js";
import * as check from "./arguments.js";
import { BoundSocket } from "./bound-socket.js";
import { hostName } from "./host-name.js";
import { mustHaveReusePort, mustHaveTypeOfService } from "./node-features.js";
import { BIND_UDP_HINTS, CONNECT_HINTS, LISTEN_HINTS } from "./option-hints.js";
import { type Names, ownOptions } from "./option-names.js";
import type {
  AcceptOptions,
  BindTcpOptions,
  BindUdpOptions,
  ConnectOptions,
  InputOptions,
  ListenOptions,
  SocketOptions,
} from "./options.js";
import { mustBePlain, parseProxy, proxyTlsOptions } from "./proxy.js";
import { serverTlsParameters, tlsParameters } from "./tls-options.js";

export const SMALLEST_RING = 4096;
const LARGEST_RING = 2 ** 28;
/** A UDP ring must hold a datagram of any size and its header. */
export const SMALLEST_UDP_RING = 128 * 1024;

const CONNECT_OPTIONS: Names<ConnectOptions> = {
  host: true,
  port: true,
  path: true,
  tls: true,
  proxy: true,
  timeout: true,
  noDelay: true,
  keepAlive: true,
  localAddress: true,
  localPort: true,
  bound: true,
  dscp: true,
  receiveBuffer: true,
  sendBuffer: true,
};
const LISTEN_OPTIONS: Names<ListenOptions> = {
  port: true,
  host: true,
  path: true,
  tls: true,
  backlog: true,
  ipv6Only: true,
  reusePort: true,
  bound: true,
  dscp: true,
  noDelay: true,
  keepAlive: true,
  receiveBuffer: true,
  sendBuffer: true,
};
const INPUT_OPTIONS: Names<InputOptions> = { receiveBuffer: true };
const BIND_TCP_OPTIONS: Names<BindTcpOptions> = { port: true, host: true, ipv6Only: true, reusePort: true };
const BIND_UDP_OPTIONS: Names<BindUdpOptions> = {
  port: true,
  host: true,
  reuseAddr: true,
  reusePort: true,
  broadcast: true,
  ipv6Only: true,
  receiveBuffer: true,
  sendBuffer: true,
};

/** Options that have no effect with `path`. */
const BESIDE_PATH_TO_CONNECT = [
  "host",
  "port",
  "proxy",
  "noDelay",
  "keepAlive",
  "localAddress",
  "localPort",
  "bound",
  "dscp",
] as const;
const BESIDE_PATH_TO_LISTEN = [
  "host",
  "port",
  "ipv6Only",
  "noDelay",
  "keepAlive",
  "reusePort",
  "bound",
  "dscp",
] as const;
/** Options that have no effect with `bound`. */
const BESIDE_BOUND_TO_CONNECT = ["tls", "proxy", "localAddress", "localPort"] as const;
const BESIDE_BOUND_TO_LISTEN = ["host", "port", "ipv6Only", "reusePort"] as const;

type SocketChoices = Pick<ConnectOptions, "noDelay" | "keepAlive" | "dscp" | "path">;

/** Where to connect to; `host` is a name or IP in ASCII, or an `Address`. */
export type Destination = { path: string } | { host: string | Address; port: number };

/** The checked options of `connect`. `deadline` is null if it should not block. */
export interface ConnectRequest {
  command: Pick<ConnectCommand, "type" | "localAddress" | "localPort" | "tls" | "proxy" | "proxyTls">;
  options: SocketOptions;
  destination: Destination;
  /** The bound socket to connect from, or null. */
  bound: BoundSocket | null;
  rings: RingSizes;
  deadline: Deadline | null;
}

export function connectCommand(options: ConnectOptions, sizes: RingSizes): ConnectRequest {
  const own = ownOptions("options", options, CONNECT_OPTIONS, CONNECT_HINTS);
  const { tls = false, proxy = null, timeout, localAddress, localPort = 0 } = own;
  const deadline = timeout === undefined ? null : Deadline.of(timeout);
  if (own.path !== undefined) refuseBesidePath(own, BESIDE_PATH_TO_CONNECT);
  const bound = boundOf(own, BESIDE_BOUND_TO_CONNECT, "; for TLS call startTls on the connection");
  const destination = destinationOf(own);
  const through = proxy === null ? null : parseProxy(proxy);
  if (through !== null && "host" in destination) {
    mustBePlain(destination.host instanceof Address ? destination.host.encoded : destination.host);
  }
  const command = {
    type: "connect" as const,
    tls: tlsParameters(tls),
    proxy: through,
    proxyTls: through?.kind === "https" ? tlsParameters(proxyTlsOptions(tls)) : null,
    localAddress:
      bound !== null ? bound.localAddress : localAddress === undefined ? null : check.ip("localAddress", localAddress),
    localPort: check.port("localPort", localPort),
  };
  const rings = ringSizes(own, sizes, SMALLEST_RING);
  return { command, options: socketOptions(own), destination, bound, rings, deadline };
}

/** The checked options of `listen`; `host` is null for all interfaces. */
export interface ListenRequest {
  command: Omit<ListenCommand, "slot" | "host" | "bound">;
  host: string | Address | null;
  /** The bound socket to listen on, or null. */
  bound: BoundSocket | null;
  accept: AcceptOptions;
}

export function listenCommand(options: ListenOptions, sizes: RingSizes): ListenRequest {
  const own = ownOptions("options", options, LISTEN_OPTIONS, LISTEN_HINTS);
  const { port = 0, path, tls = false, backlog = 511, ipv6Only = false, reusePort = false } = own;
  if (path !== undefined) refuseBesidePath(own, BESIDE_PATH_TO_LISTEN);
  const bound = boundOf(own, BESIDE_BOUND_TO_LISTEN);
  const accept = { ...socketOptions(own), ...ringSizes(own, sizes, SMALLEST_RING) };
  const host = hostToBind(own.host);
  const command = {
    type: "listen" as const,
    port: check.port("port", port),
    path: path === undefined ? null : check.socketPath("path", path),
    backlog: check.integer("backlog", backlog, 1, 2 ** 31 - 1),
    ipv6Only: check.boolean("ipv6Only", ipv6Only),
    reusePort: sharedPort(reusePort),
    tls: serverTlsParameters(tls),
  };
  return { command, host, bound, accept };
}

/** The checked options of `bindTcp`; `host` is null for all interfaces. */
export interface BindTcpRequest {
  command: Omit<BindTcpCommand, "slot" | "host">;
  host: string | Address | null;
}

export function bindTcpCommand(options: BindTcpOptions): BindTcpRequest {
  const own = ownOptions("options", options, BIND_TCP_OPTIONS, LISTEN_HINTS);
  const { port = 0, ipv6Only = false, reusePort = false } = own;
  const command = {
    type: "bind-tcp" as const,
    port: check.port("port", port),
    ipv6Only: check.boolean("ipv6Only", ipv6Only),
    reusePort: sharedPort(reusePort),
  };
  return { command, host: hostToBind(own.host) };
}

/** The checked options of `bindUdp`; `host` is null for all interfaces. */
export interface BindRequest {
  command: Omit<BindCommand, "slot" | "rings" | "host" | "family">;
  host: string | Address | null;
  rings: RingSizes;
}

export function bindCommand(options: BindUdpOptions, sizes: RingSizes): BindRequest {
  const own = ownOptions("options", options, BIND_UDP_OPTIONS, BIND_UDP_HINTS);
  const { port = 0, reuseAddr = false, reusePort = false, broadcast = false, ipv6Only = false } = own;
  const host = hostToBind(own.host);
  const command = {
    type: "bind" as const,
    port: check.port("port", port),
    reuseAddr: check.boolean("reuseAddr", reuseAddr),
    reusePort: sharedPort(reusePort),
    broadcast: check.boolean("broadcast", broadcast),
    ipv6Only: check.boolean("ipv6Only", ipv6Only),
  };
  const standard = {
    receiveBuffer: Math.max(sizes.receiveBuffer, SMALLEST_UDP_RING),
    sendBuffer: Math.max(sizes.sendBuffer, SMALLEST_UDP_RING),
  };
  return { command, host, rings: ringSizes(own, standard, SMALLEST_UDP_RING) };
}

/** The ring sizes of an input. */
export function inputRings(options: InputOptions, sizes: RingSizes): RingSizes {
  return ringSizes(ownOptions("options", options, INPUT_OPTIONS), sizes);
}

/** The given sizes, checked; `standard` for the ones that are not given. */
export function ringSizes(
  given: { receiveBuffer?: number | undefined; sendBuffer?: number | undefined },
  standard: RingSizes,
  smallest = SMALLEST_RING,
): RingSizes {
  const { receiveBuffer = standard.receiveBuffer, sendBuffer = standard.sendBuffer } = given;
  return {
    receiveBuffer: ringBytes("receiveBuffer", receiveBuffer, smallest),
    sendBuffer: ringBytes("sendBuffer", sendBuffer, smallest),
  };
}

/** The size of a ring in bytes, checked. */
export function ringBytes(name: string, value: number, smallest = SMALLEST_RING): number {
  return check.powerOfTwo(name, value, smallest, LARGEST_RING);
}

/** Throws for the first option that has no effect on a Unix domain socket. */
function refuseBesidePath<T extends object>(own: T, names: readonly (keyof T & string)[]): void {
  const given = names.find((name) => own[name] !== undefined);
  if (given !== undefined) throw new TypeError(`path cannot be combined with ${given}: it is a Unix domain socket's`);
}

/** The bound socket, or null. Throws if it is none, or for the first option that has no effect with it. */
function boundOf<T extends { bound?: BoundSocket | undefined }>(
  own: T,
  names: readonly (keyof T & string)[],
  hint = "",
): BoundSocket | null {
  const { bound } = own;
  if (bound === undefined) return null;
  if (!(bound instanceof BoundSocket)) throw new TypeError("bound must be a BoundSocket, which bindTcp returns");
  const given = names.find((name) => own[name] !== undefined);
  if (given !== undefined) throw new TypeError(`bound cannot be combined with ${given}${hint}`);
  return bound;
}

function sharedPort(reusePort: boolean): boolean {
  if (check.boolean("reusePort", reusePort)) mustHaveReusePort();
  return reusePort;
}

function socketOptions({ noDelay = true, keepAlive = false, dscp, path }: SocketChoices): SocketOptions {
  if (dscp !== undefined) {
    check.integer("dscp", dscp, 0, 63);
    mustHaveTypeOfService();
  }
  return {
    noDelay: check.boolean("noDelay", noDelay),
    keepAlive: typeof keepAlive === "number" ? true : check.boolean("keepAlive", keepAlive),
    keepAliveDelay: typeof keepAlive === "number" ? check.keepAliveDelay("keepAlive", keepAlive) : 0,
    dscp,
    path,
  };
}

function destinationOf({ host, port, path }: Pick<ConnectOptions, "host" | "port" | "path">): Destination {
  if (path !== undefined) return { path: check.socketPath("path", path) };
  if (port === undefined) throw new TypeError("port must be given, or path");
  check.port("port", port);
  return { host: host instanceof Address ? host : hostName("host", host ?? "localhost"), port };
}

function hostToBind(host: string | Address | undefined): string | Address | null {
  if (host === undefined) return null;
  return host instanceof Address ? host : hostName("host", host);
}
