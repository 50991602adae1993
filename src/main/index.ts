/**
 * ringnet: synchronous networking for Node.
 *
 * TCP, TLS, UDP, look-ups and servers whose calls either return immediately or block, with a timeout. A networking
 * thread runs the sockets.
 */

import type { Address, ResolveOptions } from "./api/address.js";
import type { BoundSocket } from "./api/bound-socket.js";
import { defaultRuntime } from "./api/default-runtime.js";
import type { Input } from "./api/input.js";
import type { BindTcpOptions, BindUdpOptions, ConnectOptions, InputOptions, ListenOptions } from "./api/options.js";
import type { RuntimeStats } from "./api/runtime.js";
import type { TcpServer } from "./api/tcp-server.js";
import type { TcpSocket } from "./api/tcp-socket.js";
import type { UdpSocket } from "./api/udp-socket.js";
import type { Timeout } from "./link/deadline.js";

export { Address, type ResolveOptions, type Status } from "./api/address.js";
export { BoundSocket } from "./api/bound-socket.js";
export { type Canceller, cancel } from "./api/canceller.js";
export { createRuntime, terminate } from "./api/default-runtime.js";
export { Handle } from "./api/handle.js";
export { Input } from "./api/input.js";
export type { Interest } from "./api/interest.js";
export { createNet, type NetOptions, net } from "./api/net.js";
export { NetError } from "./api/net-error.js";
export type {
  BindTcpOptions,
  BindUdpOptions,
  ConnectOptions,
  InputOptions,
  ListenOptions,
  ReadLimitOptions,
  ReadLineOptions,
  RuntimeOptions,
  ServerTlsOptions,
  SocketSettings,
  StartTlsOptions,
  TlsIdentity,
  TlsOptions,
} from "./api/options.js";
export { type PollEntry, poll } from "./api/poll.js";
export { type Pollable, type PollSource, pollable, type Watch } from "./api/pollable.js";
export { Poller } from "./api/poller.js";
export { type ProxyTarget, parseProxy } from "./api/proxy.js";
export type { Runtime, RuntimeStats } from "./api/runtime.js";
export type { SocketToken } from "./api/socket-token.js";
export { type ServerSettings, TcpServer } from "./api/tcp-server.js";
export { type ConnectStage, type SocketState, TcpSocket } from "./api/tcp-socket.js";
export { checkTlsOptions } from "./api/tls-options.js";
export { Datagram, MAX_DATAGRAM, type ReceivedInto, type UdpSettings, UdpSocket } from "./api/udp-socket.js";
export { Deadline, type Timeout } from "./link/deadline.js";

/** Starts the look-up of a host name or IP literal, and returns immediately. See `Runtime.resolve`. */
export function resolve(host: string, options?: ResolveOptions): Address {
  return defaultRuntime().resolve(host, options);
}

/**
 * The host name of an IP. Blocks. Throws a `NetError` if it has none, and after `timeout` ms. See `Runtime.reverse`.
 */
export function reverse(ip: string, timeout: Timeout = -1): string {
  return defaultRuntime().reverse(ip, timeout);
}

/** This machine's addresses, IPv4 and IPv6, loopback included. */
export function localAddresses(): Address[] {
  return defaultRuntime().localAddresses();
}

/**
 * Starts a connection and returns immediately, with status `waiting`. With `timeout` it blocks until connected, and
 * throws the `NetError` of a failure, or one with code `ETIMEDOUT`.
 */
export function connect(options: ConnectOptions): TcpSocket {
  return defaultRuntime().connect(options);
}

/**
 * Starts a server. It is bound when this returns; otherwise throws the system's error (`EADDRINUSE`, `EACCES`,
 * `EADDRNOTAVAIL`, …).
 */
export function listen(options: ListenOptions = {}): TcpServer {
  return defaultRuntime().listen(options);
}

/**
 * Opens a file descriptor of the process for reading, by default its standard input: a terminal, a pipe or a file.
 * Throws the system's error if it can't be read (`EBADF`).
 */
export function openInput(fd: number | "stdin" = "stdin", options?: InputOptions): Input {
  return defaultRuntime().openInput(fd, options);
}

/** Binds a TCP port without listening. See `Runtime.bindTcp`. */
export function bindTcp(options: BindTcpOptions = {}): BoundSocket {
  return defaultRuntime().bindTcp(options);
}

/** Binds a UDP socket. It is bound when this returns; otherwise throws the system's error. */
export function bindUdp(options: BindUdpOptions = {}): UdpSocket {
  return defaultRuntime().bindUdp(options);
}

/** Counters of the default runtime. See `Runtime.stats`. */
export function stats(): RuntimeStats {
  return defaultRuntime().stats();
}
