/**
 * The messages of the control port: `Command` from a caller to a networking thread, `Notice` back. Types only.
 *
 * Control is rare (open, accept, look up); bytes, closing and options of connections travel through shared memory,
 * except a WebSocket's long messages. A notice is posted before the word that announces it is stored, so a caller that
 * saw the word finds it.
 */

import type { Fault } from "./fault-text.js";

/**
 * How long to wait for peers to end, in ms, after everything was sent at exit: bytes that reach a closed socket cause a
 * reset.
 */
export const PEERS_END_MS = 200;

/** Where a slot is, and its handle id (unique among a caller's handles), which names it in queues and messages. */
export interface SlotReference {
  handleId: number;
  memory: SharedArrayBuffer;
  /** In bytes. */
  offset: number;
}

/** Where a ring is. */
export interface RingReference {
  memory: SharedArrayBuffer;
  /** In bytes. */
  offset: number;
  /** In bytes, a power of two. */
  capacity: number;
}

/** The two rings of a socket. */
export interface RingPair {
  receive: RingReference;
  send: RingReference;
}

/** Node's TLS options, as far as they can be sent to another thread, and `caFile`. */
export interface TlsCopies {
  ca?: TlsText | undefined;
  cert?: TlsText | undefined;
  key?: TlsText | undefined;
  passphrase?: string | undefined;
  pfx?: string | Uint8Array | undefined;
  servername?: string | undefined;
  ALPNProtocols?: string[] | undefined;
  minVersion?: TlsVersion | undefined;
  maxVersion?: TlsVersion | undefined;
  ciphers?: string | undefined;
  rejectUnauthorized?: boolean | undefined;
  requestCert?: boolean | undefined;
  /** A file of CA certificates in PEM form: read once, and again when it changes. Not one of Node's names. */
  caFile?: string | undefined;
}

/** A server's certificate for one of its names. */
export type TlsIdentity = Pick<TlsCopies, "cert" | "key" | "passphrase" | "pfx">;

/** What a handshake needs: the options, and the defaults of the calling thread's `node:tls`. */
export interface TlsParameters extends TlsCopies {
  /** `tls.DEFAULT_ECDH_CURVE`. */
  ecdhCurve?: string | undefined;
  /**
   * A server's other certificates, by the name that a client asks for, in lower-case ASCII; `*.` stands for one label.
   */
  identities?: { name: string; identity: TlsIdentity }[] | undefined;
  /** What is trusted if neither `ca` nor `caFile` is given. */
  defaultCertificates?: DefaultCertificates | undefined;
}

/** Certificates that a program may have set with `tls.setDefaultCACertificates`. */
export interface DefaultCertificates {
  /** SHA-256 of `certificates`, in base64. */
  fingerprint: string;
  /** A JSON list of PEM texts, in shared memory, so that it is not copied for each connection. */
  certificates: Uint8Array;
}

export type TlsText = string | Uint8Array | (string | Uint8Array)[];
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** Where to connect to. */
export type Target =
  | { path: string }
  /** `addresses`: the IPs of the host if they are known; `lookup`: the handle id of a look-up under way. */
  | { host: string; port: number; addresses: string[] | null; lookup: number | null };

/** A proxy that opens connections for others: HTTP's CONNECT, or SOCKS 5. */
export interface ProxyTarget {
  /** With `socks5` this machine looks the server's name up, with `socks5h` the proxy does. */
  kind: "http" | "https" | "socks5" | "socks5h";
  /** The proxy's name or IP. */
  host: string;
  /** The proxy's port. */
  port: number;
  /** Empty for none. */
  username: string;
  /** Empty for none. */
  password: string;
}

export interface ConnectCommand {
  type: "connect";
  slot: SlotReference;
  rings: RingPair;
  target: Target;
  noDelay: boolean;
  keepAlive: boolean;
  /** In ms. */
  keepAliveDelay: number;
  localAddress: string | null;
  /** 0: the system picks one. */
  localPort: number;
  dscp: number | undefined;
  /** The handle id of the bound port to connect from, or null. */
  bound: number | null;
  /** With the target. */
  tls: TlsParameters | null;
  proxy: ProxyTarget | null;
  /** With the proxy. */
  proxyTls: TlsParameters | null;
}

/** The settings of a WebSocket. */
export interface WebSocketSettings {
  /** The largest message to receive, in bytes; 0: no limit. */
  maxPayload: number;
  /** Whether permessage-deflate is offered or accepted. */
  perMessageDeflate: boolean;
  /** Milliseconds between two pings; 0: none are sent. */
  pingInterval: number;
}

/** Connects as `connect` does, then requests a WebSocket. */
export interface OpenWebSocketCommand extends Omit<ConnectCommand, "type" | "bound"> {
  type: "open-websocket";
  url: string;
  protocols: string[];
  headers: Record<string, string | string[]>;
  settings: WebSocketSettings;
}

export interface ListenCommand {
  type: "listen";
  slot: SlotReference;
  host: string | null;
  port: number;
  path: string | null;
  backlog: number;
  ipv6Only: boolean;
  reusePort: boolean;
  /** The handle id of the bound port to listen on, in place of `host` and `port`; or null. */
  bound: number | null;
  tls: TlsParameters | null;
}

/** Binds a TCP port without listening. */
export interface BindTcpCommand {
  type: "bind-tcp";
  slot: SlotReference;
  /** An IP. */
  host: string;
  port: number;
  ipv6Only: boolean;
  reusePort: boolean;
}

/** Listens as `listen` does; pending clients are WebSockets. */
export interface ListenWebSocketCommand extends Omit<ListenCommand, "type" | "path" | "bound"> {
  type: "listen-websocket";
  /** The path of requests for a WebSocket; null: any. */
  path: string | null;
  /** The subprotocols to choose from, in order of preference. */
  protocols: string[];
  /** The origins that requests may have; null: any. */
  origins: string[] | null;
  /** An absolute folder for plain requests, or null. */
  files: string | null;
  /** Whether the program verifies each request before its handshake is answered: at `accept`. */
  verifies: boolean;
  settings: WebSocketSettings;
}

/** Accepts a pending client of a server: from now on its connection has a slot and rings. */
export interface AcceptCommand {
  type: "accept";
  slot: SlotReference;
  rings: RingPair;
  /** The server's handle id. */
  server: number;
  /** The client's number in the notice `pending`. */
  pending: number;
  dscp: number | undefined;
}

/** Answers a pending client's request for a WebSocket with an error. */
export interface RefuseCommand {
  type: "refuse";
  /** The server's handle id. */
  server: number;
  /** The client's number in the notice `pending`. */
  pending: number;
  /** The HTTP status. */
  status: number;
}

export interface BindCommand {
  type: "bind";
  slot: SlotReference;
  rings: RingPair;
  host: string | null;
  port: number;
  family: 4 | 6;
  ipv6Only: boolean;
  reuseAddr: boolean;
  reusePort: boolean;
  broadcast: boolean;
}

/** Calls a method of a UDP socket; the caller waits for the reply. */
export interface UdpCallCommand {
  type: "udp-call";
  handleId: number;
  /** The reply's number, so that a late one is not taken for another call's. */
  request: number;
  call: UdpCall;
}

export type UdpCall =
  | { name: "connect"; host: string; port: number }
  | { name: "disconnect" }
  /**
   * The call with the same number has timed out: it must not be done any more, or must be undone if it was `connect`.
   */
  | { name: "cancel" }
  | { name: "setBroadcast"; on: boolean }
  | { name: "setTtl"; ttl: number }
  | { name: "setMulticastTtl"; ttl: number }
  | { name: "setMulticastLoopback"; on: boolean }
  | { name: "setMulticastInterface"; address: string }
  | { name: "addMembership"; group: string; interface: string | null }
  | { name: "dropMembership"; group: string; interface: string | null };

/** Reads a descriptor of the process. */
export interface OpenInputCommand {
  type: "open-input";
  slot: SlotReference;
  rings: RingPair;
  fd: number;
}

export interface ResolveCommand {
  type: "resolve";
  slot: SlotReference;
  host: string;
  /** 0: both. */
  family: 0 | 4 | 6;
  order: AddressOrder | null;
}

/** The order of a name's addresses; `verbatim` is the system's. */
export type AddressOrder = "verbatim" | "ipv4first" | "ipv6first";

/** Looks up the name of an IP; the reply is the notice `resolved`. */
export interface ReverseCommand {
  type: "reverse";
  slot: SlotReference;
  ip: string;
}

/**
 * Starts TLS on an open connection. After it the caller does not write, end or read until the notice `secured`: unread
 * bytes belong to TLS.
 */
export interface StartTlsCommand {
  type: "start-tls";
  handleId: number;
  tls: TlsParameters;
  isServer: boolean;
  /** The first bytes for TLS: the unread bytes that the caller has taken out of the receive ring. */
  early: Uint8Array;
}

/** Asks for the networking thread's CPU time. */
export interface StatsCommand {
  type: "stats";
  request: number;
}

/** Closes a server or a bound port, or cancels a look-up. Connections and UDP sockets are closed through REQUEST. */
export interface CloseCommand {
  type: "close";
  handleId: number;
}

/** Resets a detached connection, after the thread that attached it has ended. */
export interface RevokeCommand {
  type: "revoke";
  /** Its handle id on the thread that opened it. */
  handleId: number;
}

export type Command =
  | ConnectCommand
  | OpenWebSocketCommand
  | ListenCommand
  | ListenWebSocketCommand
  | BindTcpCommand
  | AcceptCommand
  | RefuseCommand
  | BindCommand
  | OpenInputCommand
  | StartTlsCommand
  | UdpCallCommand
  | ResolveCommand
  | ReverseCommand
  | StatsCommand
  | CloseCommand
  | RevokeCommand;

/** Broadcast on a networking thread's channel by a caller that attaches a connection. */
export interface AttachMessage {
  /** The caller's name; its blocks are the same each time. */
  caller: string;
  callerBlock: SharedArrayBuffer;
  linkBlock: SharedArrayBuffer;
  /** The connection's handle id on the caller that opened it. */
  home: number;
  /** Its handle id on its new owner. */
  handleId: number;
}

/** Facts about an open connection. */
export interface ConnectionFacts {
  localAddress: string | undefined;
  localPort: number | undefined;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  tls: TlsFacts | null;
  /** What was negotiated, if it is a WebSocket. */
  webSocket?: WebSocketFacts;
}

export interface WebSocketFacts {
  /** The subprotocol; "" if there is none. */
  protocol: string;
  /** The extensions, as in the header `Sec-WebSocket-Extensions`. */
  extensions: string;
  /** Path and query of the request. */
  url: string;
  /** The peer's headers, with names in lower case: of the request on a server, of the response on a client. */
  headers: Record<string, string | string[] | undefined>;
}

export interface TlsFacts {
  authorized: boolean;
  /** Why the peer was not authorized, if the program allowed that. */
  authorizationError: string | null;
  /** `false` if none was negotiated, as in Node. */
  alpnProtocol: string | false | null;
  protocol: string | null;
  /** Whether an earlier session was resumed. */
  sessionReused: boolean;
  peerCertificate: PeerCertificateFacts | null;
}

/** The copyable part of Node's `tls.PeerCertificate`. */
export interface PeerCertificateFacts {
  subject: Record<string, string | string[]>;
  issuer: Record<string, string | string[]>;
  subjectaltname: string | undefined;
  valid_from: string;
  valid_to: string;
  serialNumber: string;
  fingerprint: string;
  fingerprint256: string;
  /** The certificate in DER form. */
  raw: Uint8Array;
}

interface OfHandle {
  handleId: number;
}

export type Notice =
  | ({ type: "connected"; facts: ConnectionFacts } & OfHandle)
  /** TLS is established; reading continues at `position` of the receive ring. */
  | ({ type: "secured"; facts: ConnectionFacts; position: number } & OfHandle)
  | ({ type: "resolved"; addresses: string[] } & OfHandle)
  | ({ type: "bound"; address: string; port: number } & OfHandle)
  /** A client waits at a server; it gets a slot and rings when it is accepted. */
  | ({ type: "pending"; pending: number; facts: ConnectionFacts } & OfHandle)
  | ({ type: "pending-error"; fault: Fault } & OfHandle)
  /** A WebSocket's message; its record in the receive ring says whether it is text. */
  | ({ type: "message"; bytes: ArrayBuffer } & OfHandle)
  | { type: "reply"; request: number; fault: Fault | null; threadCpuMs?: number | null };

/**
 * A message to the main thread from a networking thread that a worker thread has started. `ask`: the main thread's
 * request for these messages.
 */
export type ProcessMessage = "ask" | { thread: number; workerBlock: SharedArrayBuffer; lingerMs: number };

/** The data that a networking thread is started with. */
export interface BootData {
  /** Name of the broadcast channel that announces attached connections. */
  name: string;
  /**
   * Name of the broadcast channel on which it announces itself to the main thread; null if the main thread has started
   * it.
   */
  processChannel: string | null;
  /** Node's id of the thread that starts it. */
  thread: number;
  workerBlock: SharedArrayBuffer;
  callerBlock: SharedArrayBuffer;
  linkBlock: SharedArrayBuffer;
  port: import("node:worker_threads").MessagePort;
  /** How long a closed socket may keep sending, in ms. */
  lingerMs: number;
  /** The longest time to poll after the last activity, in µs. */
  busyPoll: number;
}
