/**
 * ringnet: synchronous networking for Node.
 *
 * TCP, TLS, UDP, look-ups and servers whose calls return at once or truly block, with a timeout. A networking thread
 * runs the sockets.
 */

import type { Address } from "./address.js";
import { defaultRuntime } from "./default-runtime.js";
import type { BindUdpOptions, ConnectOptions, ListenOptions } from "./options.js";
import type { TcpServer } from "./tcp-server.js";
import type { TcpSocket } from "./tcp-socket.js";
import type { UdpSocket } from "./udp-socket.js";

export { Address, type Status } from "./address.js";
export { createRuntime } from "./default-runtime.js";
export { Handle } from "./handle.js";
export { net } from "./net.js";
export { NetError } from "./net-error.js";
export type { BindUdpOptions, ConnectOptions, ListenOptions, RuntimeOptions, TlsOptions } from "./options.js";
export { Poller, poll } from "./poller.js";
export type { Runtime } from "./runtime.js";
export type { SocketToken } from "./socket-token.js";
export { TcpServer } from "./tcp-server.js";
export { type PortionOptions, TcpSocket } from "./tcp-socket.js";
export { Datagram, MAX_DATAGRAM, UdpSocket } from "./udp-socket.js";

/** Starts the look-up of a host name or IP literal, and returns at once. See `Runtime.resolve`. */
export function resolve(host: string): Address {
  return defaultRuntime().resolve(host);
}

/** This machine's addresses, IPv4 and IPv6, loopback included. */
export function localAddresses(): Address[] {
  return defaultRuntime().localAddresses();
}

/**
 * Starts a connection and returns at once in status `waiting`; with `timeout` it blocks until connected, and throws the
 * `NetError` of a failure or one with code `ETIMEDOUT`.
 */
export function connect(options: ConnectOptions): TcpSocket {
  return defaultRuntime().connect(options);
}

/**
 * Listens. It is bound when this returns; throws the system's error otherwise (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`,
 * …).
 */
export function listen(options: ListenOptions = {}): TcpServer {
  return defaultRuntime().listen(options);
}

/** Binds a UDP socket. It is bound when this returns; throws the system's error otherwise. */
export function bindUdp(options: BindUdpOptions = {}): UdpSocket {
  return defaultRuntime().bindUdp(options);
}
