/**
 * The option objects of the public functions. Types only.
 */

import type { ProxyTarget, TlsCopies, TlsIdentity } from "../../ring/protocol.js";
import type { Timeout } from "../link/deadline.js";
import type { Address } from "./address.js";

/** The part of Node's own TLS options that can be copied to another thread, under Node's names, and `caFile`. */
export type TlsOptions = TlsCopies;

/** TLS of a server. */
export interface ServerTlsOptions extends TlsOptions {
  /**
   * What it shows to clients that ask for these names (SNI), each with `cert` and `key`, or `pfx`; `*.example.org` is for all names with one
   * label more. Other clients, and ones that ask for none, are shown the server's own `cert`.
   */
  contexts?: Record<string, TlsIdentity> | undefined;
}

/** What a server shows for one of its names: `cert` and `key`, or `pfx`, and `passphrase`. */
export type { TlsIdentity };

/** What `startTls` takes. */
export interface StartTlsOptions extends ServerTlsOptions {
  /** Whether this end is the server of TLS. Default: whether a server accepted the connection. */
  isServer?: boolean | undefined;
}

/** What `connect` takes. */
export interface ConnectOptions {
  /** A host name, an IP, or an `Address`, which may still be `waiting`. Default: `localhost`. */
  host?: string | Address | undefined;
  /** 0 to 65535. */
  port?: number | undefined;
  /** A Unix domain socket instead of `host` and `port`, and of the options of TCP. `"\0name"` is an abstract name (Linux). */
  path?: string | undefined;
  /** TLS: `true`, or Node's options. The peer is always verified, unless `rejectUnauthorized` is false. */
  tls?: boolean | TlsOptions | undefined;
  /**
   * A proxy that makes the connection: `http://user:password@host:port`, `https://…` (both by CONNECT), `socks5://…` or `socks5h://…`, or its
   * parts. Default: none, whatever the environment says.
   */
  proxy?: string | URL | ProxyTarget | null | undefined;
  /** Block until connected, for at most this many ms (-1: no limit) or until a deadline. Without it, `connect` returns immediately. */
  timeout?: Timeout | undefined;
  /** Send small writes immediately (TCP_NODELAY). Default: true. */
  noDelay?: boolean | undefined;
  /** Probe a silent peer; a number is the delay of the first probe in ms. Default: false. */
  keepAlive?: boolean | number | undefined;
  /** The IP to connect from. */
  localAddress?: string | undefined;
  /** The port to connect from. Default 0: the system picks one. */
  localPort?: number | undefined;
  /** The DSCP of outgoing packets (RFC 2474), 0 to 63. Needs Node's `setTypeOfService`. Default: the system's. */
  dscp?: number | undefined;
  /** Bytes of the receive ring, a power of two from 4096. Default: the runtime's. */
  receiveBuffer?: number | undefined;
  /** Bytes of the send ring, a power of two from 4096. Default: the runtime's. */
  sendBuffer?: number | undefined;
}

/** What `listen` takes. */
export interface ListenOptions {
  /** Default 0: the system picks one; see `TcpServer.port`. */
  port?: number | undefined;
  /** The address to listen on. Default: all interfaces, IPv4 and IPv6. */
  host?: string | Address | undefined;
  /** A Unix domain socket instead of `host` and `port`, and of the options of TCP. `"\0name"` is an abstract name (Linux). */
  path?: string | undefined;
  /** TLS with `cert` and `key` or `pfx`. */
  tls?: ServerTlsOptions | false | undefined;
  /** Clients that the kernel holds before the networking thread takes them. Default: 511. */
  backlog?: number | undefined;
  /** Do not take IPv4 clients on `::`. Default: false. */
  ipv6Only?: boolean | undefined;
  /** Share the port with other servers that set this; the kernel spreads clients over them. Needs Node 22.12 or later. Default: false. */
  reusePort?: boolean | undefined;
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

/** What `bindUdp` takes. */
export interface BindUdpOptions {
  /** Default 0: the system picks one; see `UdpSocket.port`. */
  port?: number | undefined;
  /** The address to bind to. Default: all interfaces, IPv4 and IPv6 on one socket. */
  host?: string | Address | undefined;
  /** Let several sockets bind the same port, as multicast receivers do. Default: false. */
  reuseAddr?: boolean | undefined;
  /** Share the port with other sockets that set this; the kernel spreads datagrams over them. Needs Node 22.12 or later. Default: false. */
  reusePort?: boolean | undefined;
  /** Allow sending to broadcast addresses. Default: false. */
  broadcast?: boolean | undefined;
  /** Do not take IPv4 datagrams on `::`. Default: false. */
  ipv6Only?: boolean | undefined;
  /** Bytes of the receive ring, a power of two from 131072. Default: the runtime's. */
  receiveBuffer?: number | undefined;
  /** Bytes of the send ring, a power of two from 131072. Default: the runtime's. */
  sendBuffer?: number | undefined;
}

/** What `openInput` takes. */
export interface InputOptions {
  /** Bytes of the receive ring, a power of two from 4096. Default: the runtime's. */
  receiveBuffer?: number | undefined;
}

/** What `createRuntime` takes. */
export interface RuntimeOptions {
  /** Networking threads; connections are spread over them. Default: 1. */
  threads?: number | undefined;
  /** Bytes of each receive ring, a power of two. Default: 1 MiB. */
  receiveBuffer?: number | undefined;
  /** Bytes of each send ring, a power of two. Default: 1 MiB. */
  sendBuffer?: number | undefined;
  /** Longest polling after the last activity, in µs; 0: never poll. */
  busyPoll?: number | undefined;
  /** How long what was written may still be sent after `close()` and at exit, in ms. Default: 5000. */
  lingerMs?: number | undefined;
  /** Memory limits of the networking threads, as Node's `Worker` takes them. */
  resourceLimits?: { maxOldGenerationSizeMb?: number } | undefined;
}

/** What is set on a connection, as `TcpSocket.options` returns it. */
export interface SocketSettings {
  /** Whether small writes are sent immediately. */
  noDelay: boolean;
  /** False, true, or the delay of the first probe in ms. */
  keepAlive: boolean | number;
  /** The DSCP of outgoing packets; undefined where it is the system's. */
  dscp: number | undefined;
  /** Bytes of the receive ring. */
  receiveBuffer: number;
  /** Bytes of the send ring. */
  sendBuffer: number;
}

/** What a connection was made with; `noDelay` and `keepAlive` can be changed while it is open. */
export interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  /** In ms. */
  keepAliveDelay: number;
  dscp: number | undefined;
  /** Of a Unix domain socket. */
  path: string | undefined;
}

/** What accepted connections get. */
export interface AcceptOptions extends SocketOptions {
  /** Bytes. */
  receiveBuffer: number;
  /** Bytes. */
  sendBuffer: number;
}

/** What `readUntil` and `readAll` take. */
export interface ReadLimitOptions {
  /** The most bytes that one call may return; more is an error with code `EMSGSIZE`, and the bytes remain readable. */
  maxLength?: number | undefined;
}

/** What `readLine` takes. */
export interface ReadLineOptions extends ReadLimitOptions {
  /** How the line's bytes become characters: `latin1` makes one of each byte, as the headers of many protocols need. Default: `utf8`. */
  encoding?: "utf8" | "latin1" | undefined;
}
