/**
 * The option objects of the public functions. Types only.
 */

import type { ProxyTarget, TlsCopies, TlsIdentity } from "../../ring/protocol.js";
import type { Timeout } from "../link/deadline.js";
import type { Address } from "./address.js";
import type { BoundSocket } from "./bound-socket.js";

/** Node's TLS options, as far as they can be sent to another thread, and `caFile`. */
export type TlsOptions = TlsCopies;

/** TLS of a server. */
export interface ServerTlsOptions extends TlsOptions {
  /**
   * The certificates for clients that ask for these names (SNI), each with `cert` and `key`, or `pfx`; `*.example.org`
   * is for all names with one more label. Other clients get the server's own `cert`.
   */
  contexts?: Record<string, TlsIdentity> | undefined;
}

/** A server's certificate for one of its names: `cert` and `key`, or `pfx`, and `passphrase`. */
export type { TlsIdentity };

/** Options of `startTls`. */
export interface StartTlsOptions extends ServerTlsOptions {
  /** Whether this end is the server in TLS. Default: whether a server accepted the connection. */
  isServer?: boolean | undefined;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** A host name, an IP, or an `Address`, which may still be `waiting`. Default: `localhost`. */
  host?: string | Address | undefined;
  /** 0 to 65535. */
  port?: number | undefined;
  /**
   * A Unix domain socket instead of `host` and `port`, and of the options of TCP. `"\0name"` is an abstract name
   * (Linux).
   */
  path?: string | undefined;
  /** TLS: `true`, or Node's options. The peer is always verified, unless `rejectUnauthorized` is false. */
  tls?: boolean | TlsOptions | undefined;
  /**
   * The proxy to connect through: `http://user:password@host:port`, `https://…` (both with CONNECT), `socks5://…` or
   * `socks5h://…`, or its parts. Default: none; environment variables are ignored.
   */
  proxy?: string | URL | ProxyTarget | null | undefined;
  /**
   * Block until connected, for at most this many ms (-1: no limit) or until a deadline. Default: `connect` returns
   * immediately.
   */
  timeout?: Timeout | undefined;
  /** Send small writes immediately (TCP_NODELAY). Default: true. */
  noDelay?: boolean | undefined;
  /** Probe a silent peer; a number is the delay of the first probe in ms. Default: false. */
  keepAlive?: boolean | number | undefined;
  /** The IP to connect from. */
  localAddress?: string | undefined;
  /** The port to connect from. Default 0: the system picks one. */
  localPort?: number | undefined;
  /** The bound socket to connect with, in place of `localAddress` and `localPort`. It is closed here, and belongs to the connection. */
  bound?: BoundSocket | undefined;
  /** The DSCP of outgoing packets (RFC 2474), 0 to 63. Needs Node's `setTypeOfService`. Default: the system's. */
  dscp?: number | undefined;
  /** Bytes of the receive ring, a power of two from 4096. Default: the runtime's. */
  receiveBuffer?: number | undefined;
  /** Bytes of the send ring, a power of two from 4096. Default: the runtime's. */
  sendBuffer?: number | undefined;
}

/** Options of `listen`. */
export interface ListenOptions {
  /** Default 0: the system picks one; see `TcpServer.port`. */
  port?: number | undefined;
  /** The address to listen on. Default: all interfaces, IPv4 and IPv6. */
  host?: string | Address | undefined;
  /**
   * A Unix domain socket instead of `host` and `port`, and of the options of TCP. `"\0name"` is an abstract name
   * (Linux).
   */
  path?: string | undefined;
  /** TLS with `cert` and `key` or `pfx`. */
  tls?: ServerTlsOptions | false | undefined;
  /** The most clients that the kernel queues for the networking thread. Default: 511. */
  backlog?: number | undefined;
  /** Refuse IPv4 clients on `::`. Default: false. */
  ipv6Only?: boolean | undefined;
  /**
   * Share the port with other servers that set this; the kernel spreads clients over them. Needs Node 22.12 or later.
   * Default: false.
   */
  reusePort?: boolean | undefined;
  /** The bound socket to listen with, in place of `host`, `port`, `ipv6Only` and `reusePort`. It is closed here, and belongs to the server. */
  bound?: BoundSocket | undefined;
  /** For accepted connections, as in `ConnectOptions`. */
  dscp?: number | undefined;
  /** For accepted connections, as in `ConnectOptions`. */
  noDelay?: boolean | undefined;
  /** For accepted connections, as in `ConnectOptions`. */
  keepAlive?: boolean | number | undefined;
  /** For accepted connections, as in `ConnectOptions`. */
  receiveBuffer?: number | undefined;
  /** For accepted connections, as in `ConnectOptions`. */
  sendBuffer?: number | undefined;
}

/** Options of `bindTcp`. */
export interface BindTcpOptions {
  /** Default 0: the system picks one; see `BoundSocket.port`. */
  port?: number | undefined;
  /** The address to bind to. Default: all interfaces, IPv4 and IPv6. */
  host?: string | Address | undefined;
  /** Refuse IPv4 on `::`. Default: false. */
  ipv6Only?: boolean | undefined;
  /** Share the port with other sockets that set this. Needs Node 22.12 or later. Default: false. */
  reusePort?: boolean | undefined;
}

/** Options of `bindUdp`. */
export interface BindUdpOptions {
  /** Default 0: the system picks one; see `UdpSocket.port`. */
  port?: number | undefined;
  /** The address to bind to. Default: all interfaces, IPv4 and IPv6 on one socket. */
  host?: string | Address | undefined;
  /** Let several sockets bind the same port, as multicast receivers do. Default: false. */
  reuseAddr?: boolean | undefined;
  /**
   * Share the port with other sockets that set this; the kernel spreads datagrams over them. Needs Node 22.12 or later.
   * Default: false.
   */
  reusePort?: boolean | undefined;
  /** Allow sending to broadcast addresses. Default: false. */
  broadcast?: boolean | undefined;
  /** Refuse IPv4 datagrams on `::`. Default: false. */
  ipv6Only?: boolean | undefined;
  /** Bytes of the receive ring, a power of two from 131072. Default: the runtime's. */
  receiveBuffer?: number | undefined;
  /** Bytes of the send ring, a power of two from 131072. Default: the runtime's. */
  sendBuffer?: number | undefined;
}

/** Options of `openInput`. */
export interface InputOptions {
  /** Bytes of the receive ring, a power of two from 4096. Default: the runtime's. */
  receiveBuffer?: number | undefined;
}

/** Options of `createRuntime`. */
export interface RuntimeOptions {
  /** Networking threads; connections are spread over them. Default: 1. */
  threads?: number | undefined;
  /** Bytes of each receive ring, a power of two. Default: 1 MiB. */
  receiveBuffer?: number | undefined;
  /** Bytes of each send ring, a power of two. Default: 1 MiB. */
  sendBuffer?: number | undefined;
  /** The longest time to poll after the last activity, in µs; 0: never poll. */
  busyPoll?: number | undefined;
  /** How long pending bytes may still be sent after `close()` and at exit, in ms. Default: 5000. */
  lingerMs?: number | undefined;
  /** Memory limits of the networking threads, as Node's `Worker` takes them. */
  resourceLimits?: { maxOldGenerationSizeMb?: number } | undefined;
}

/** The options of a connection, as `TcpSocket.options` returns them. */
export interface SocketSettings {
  /** Whether small writes are sent immediately. */
  noDelay: boolean;
  /** False, true, or the delay of the first probe in ms. */
  keepAlive: boolean | number;
  /** The DSCP of outgoing packets; undefined for the system's. */
  dscp: number | undefined;
  /** Bytes of the receive ring. */
  receiveBuffer: number;
  /** Bytes of the send ring. */
  sendBuffer: number;
}

/** The options of a connection; `noDelay` and `keepAlive` can be changed while it is open. */
export interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  /** In ms. */
  keepAliveDelay: number;
  dscp: number | undefined;
  /** Of a Unix domain socket, or its server. */
  path: string | undefined;
}

/** The options of accepted connections. */
export interface AcceptOptions extends SocketOptions {
  /** Bytes. */
  receiveBuffer: number;
  /** Bytes. */
  sendBuffer: number;
}

/** Options of `readUntil` and `readAll`. */
export interface ReadLimitOptions {
  /**
   * The most bytes that one call may return. If there are more, it throws a `NetError` with code `EMSGSIZE`; the bytes
   * remain readable.
   */
  maxLength?: number | undefined;
}

/** Options of `readLine`. */
export interface ReadLineOptions extends ReadLimitOptions {
  /**
   * How the line is decoded: `latin1` makes one character of each byte, as the headers of many protocols need. Default:
   * `utf8`.
   */
  encoding?: "utf8" | "latin1" | undefined;
}
