/**
 * The messages of the control port: `Command` from a caller to a networking thread, `Notice` back. Types only.
 *
 * Control is rare (open, accept, look up); bytes, closing and options of connections travel through shared memory.
 * A notice is posted before the word that announces it is stored, so a caller that saw the word finds
 * it.
 */

import type { Fault } from "./fault-text.js";

/** After everything was sent at the end, peers get this long to end too, in ms: an answer that meets a closed socket makes a reset. */
export const PEERS_END_MS = 200;

/** Where a slot is, and the handle id (unique among a caller's handles) by which queues and messages name it. */
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

/** The part of Node's TLS options that can be copied to another thread, under Node's names. */
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

/** What a server shows for one of its names. */
export type TlsIdentity = Pick<TlsCopies, "cert" | "key" | "passphrase" | "pfx">;

/** What a handshake needs: the options, and what the calling thread's `node:tls` stands in for those not given. */
export interface TlsParameters extends TlsCopies {
  /** `tls.DEFAULT_ECDH_CURVE`. */
  ecdhCurve?: string | undefined;
  /** A server's further identities, by the name that a client asks for, in small ASCII letters; `*.` stands for one label. */
  identities?: { name: string; identity: TlsIdentity }[] | undefined;
  /** What is trusted where neither `ca` nor `caFile` is given. */
  defaultCertificates?: DefaultCertificates | undefined;
}

/** Certificates that a program may have set with `tls.setDefaultCACertificates`. */
export interface DefaultCertificates {
  /** SHA-256 of `certificates`, in base64. */
  fingerprint: string;
  /** A JSON list of PEM texts, in shared memory: it does not travel with every connection. */
  certificates: Uint8Array;
}

export type TlsText = string | Uint8Array | (string | Uint8Array)[];
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** Where to connect to. */
export type Target =
  | { path: string }
  /** `addresses`: the IPs of the host where the caller knows them; `lookup`: the handle id of a look-up under way. */
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
  /** With the target. */
  tls: TlsParameters | null;
  proxy: ProxyTarget | null;
  /** With the proxy. */
  proxyTls: TlsParameters | null;
}

/** What a WebSocket keeps to. */
export interface WebSocketSettings {
  /** The most bytes of a message that is received; 0: no limit. */
  maxPayload: number;
  /** Whether permessage-deflate is offered or accepted. */
  perMessageDeflate: boolean;
  /** ms between two pings; 0: none are sent. */
  pingInterval: number;
}

/** Connects as `connect` does, and then asks for a WebSocket. */
export interface OpenWebSocketCommand extends Omit<ConnectCommand, "type"> {
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
  tls: TlsParameters | null;
}

/** Listens as `listen` does; the clients that are pending are WebSockets. */
export interface ListenWebSocketCommand extends Omit<ListenCommand, "type" | "path"> {
  type: "listen-websocket";
  /** The path of requests for a WebSocket; null: any. */
  path: string | null;
  /** What it chooses from, the most wanted first. */
  protocols: string[];
  /** The origins that requests may have; null: any. */
  origins: string[] | null;
  /** An absolute folder for plain requests, or null. */
  files: string | null;
  settings: WebSocketSettings;
}

/** Accepts a client that is pending at a server: from now on its connection has a slot and rings. */
export interface AcceptCommand {
  type: "accept";
  slot: SlotReference;
  rings: RingPair;
  /** The server's handle id. */
  server: number;
  /** Its number in the notice. */
  pending: number;
  dscp: number | undefined;
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

/** Calls a method of a UDP socket whose outcome the caller waits for. */
export interface UdpCallCommand {
  type: "udp-call";
  handleId: number;
  /** Numbers the reply, so that a late one is not taken for another's. */
  request: number;
  call: UdpCall;
}

export type UdpCall =
  | { name: "connect"; host: string; port: number }
  | { name: "disconnect" }
  /** The call with the same number has not been answered in time: it is not to be done, or undone if it was `connect`. */
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

/** Looks up the name of an IP; it comes as the addresses of a name do. */
export interface ReverseCommand {
  type: "reverse";
  slot: SlotReference;
  ip: string;
}

/**
 * Starts TLS on an open connection. Behind it the caller neither writes, nor ends, nor reads until the notice `secured`: what is
 * unread belongs to TLS.
 */
export interface StartTlsCommand {
  type: "start-tls";
  handleId: number;
  tls: TlsParameters;
  isServer: boolean;
  /** The first bytes for TLS: what the caller had taken out of the receive ring and not read. */
  early: Uint8Array;
}

/** Asks for what only the networking thread knows of itself. */
export interface StatsCommand {
  type: "stats";
  request: number;
}

/** Closes a server or gives up a look-up. Connections and UDP sockets are closed through REQUEST. */
export interface CloseCommand {
  type: "close";
  handleId: number;
}

/** Resets a connection that was detached, and whose taker has ended. */
export interface RevokeCommand {
  type: "revoke";
  /** The handle id that it had at the thread that opened it. */
  handleId: number;
}

export type Command =
  | ConnectCommand
  | OpenWebSocketCommand
  | ListenCommand
  | ListenWebSocketCommand
  | AcceptCommand
  | BindCommand
  | OpenInputCommand
  | StartTlsCommand
  | UdpCallCommand
  | ResolveCommand
  | ReverseCommand
  | StatsCommand
  | CloseCommand
  | RevokeCommand;

/** Broadcast on a networking thread's channel by a caller that takes over a detached connection. */
export interface AttachMessage {
  /** Names the caller; its blocks are the same each time. */
  caller: string;
  callerBlock: SharedArrayBuffer;
  linkBlock: SharedArrayBuffer;
  /** The handle id that the connection had at the caller that opened it. */
  home: number;
  /** The handle id that it has at its new owner. */
  handleId: number;
}

/** What is known of an open connection. */
export interface ConnectionFacts {
  localAddress: string | undefined;
  localPort: number | undefined;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  tls: TlsFacts | null;
  /** What was agreed on where it is a WebSocket. */
  webSocket?: WebSocketFacts;
}

export interface WebSocketFacts {
  /** The subprotocol; "" where there is none. */
  protocol: string;
  /** The extensions, as in the header `Sec-WebSocket-Extensions`. */
  extensions: string;
  /** Path and query of the request. */
  url: string;
  /** The other end's headers, names in small letters: of the request at a server, of the response at a client. */
  headers: Record<string, string | string[] | undefined>;
}

export interface TlsFacts {
  authorized: boolean;
  /** Why the peer was not authorized, where the caller allowed that. */
  authorizationError: string | null;
  /** `false` where none was agreed on, as in Node. */
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
  /** TLS was started; reading goes on at `position` of the receive ring. */
  | ({ type: "secured"; facts: ConnectionFacts; position: number } & OfHandle)
  | ({ type: "resolved"; addresses: string[] } & OfHandle)
  | ({ type: "bound"; address: string; port: number } & OfHandle)
  /** A client is pending at a server; it takes a slot and rings only when it is accepted. */
  | ({ type: "pending"; pending: number; facts: ConnectionFacts } & OfHandle)
  | ({ type: "pending-error"; fault: Fault } & OfHandle)
  | { type: "reply"; request: number; fault: Fault | null; threadCpuMs?: number | null };

/** What a networking thread that a worker thread has started tells the main thread; `ask` is the question of a main thread that came later. */
export type ProcessMessage = "ask" | { thread: number; workerBlock: SharedArrayBuffer; lingerMs: number };

/** What a networking thread is started with. */
export interface BootData {
  /** Name of the broadcast channel that announces attached sockets. */
  name: string;
  /** Name of the broadcast channel on which it tells the main thread of itself, or null where the main thread has started it. */
  processChannel: string | null;
  /** Node's number of the thread that starts it. */
  thread: number;
  workerBlock: SharedArrayBuffer;
  callerBlock: SharedArrayBuffer;
  linkBlock: SharedArrayBuffer;
  port: import("node:worker_threads").MessagePort;
  /** How long a closed socket may keep sending, in ms. */
  lingerMs: number;
  /** Longest polling after the last activity, in µs. */
  busyPoll: number;
}
