/**
 * A connection: TCP, TLS, or a Unix domain socket.
 *
 * Runs on the calling thread.
 */

import {
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_WAITING,
  READ_ENDED,
  REQUEST_CLOSE,
  REQUEST_RESET,
  STAGE_CONNECT,
  STAGE_PROXY,
  STAGE_RESOLVE,
  STAGE_TLS,
  WRITE_FAILED,
} from "../../ring/layout.js";
import type { ConnectionFacts, PeerCertificateFacts } from "../../ring/protocol.js";
import type { Channel, Rings } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import { publishEnds, tlsBegun } from "../link/diagnostics.js";
import { SocketReader } from "../link/socket-reader.js";
import { SocketWriter } from "../link/socket-writer.js";
import { READABLE, WRITABLE } from "../link/watcher.js";
import type { Status } from "./address.js";
import * as check from "./arguments.js";
import { ByteSource, maxLengthOf } from "./byte-source.js";
import * as framing from "./framing.js";
import { addressAndPort } from "./handle.js";
import { type Interest, interestBits } from "./interest.js";
import { closedHere, NetError, timedOut } from "./net-error.js";
import type { ReadLimitOptions, SocketOptions, SocketSettings, StartTlsOptions } from "./options.js";
import { attachSocket, detachedToken, revokeSocket, type SocketToken } from "./socket-token.js";
import { startTlsParameters } from "./tls-options.js";

const DELIMITER_MAX = 1024 * 1024;

/** A stage of connecting: looking the name up, connecting, waiting for the proxy's answer, TLS: its
 * certificates and the handshake. */
export type ConnectStage = "resolve" | "connect" | "proxy" | "TLS";

const STAGES: Record<number, ConnectStage> = {
  [STAGE_RESOLVE]: "resolve",
  [STAGE_CONNECT]: "connect",
  [STAGE_PROXY]: "proxy",
  [STAGE_TLS]: "TLS",
};

/** A snapshot of a connection's state. */
export interface SocketState {
  /** The connection is not established yet. */
  connecting: boolean;
  /** The stage under way while connecting, or the one that failed; null once the connection was established. */
  stage: ConnectStage | null;
  /** The connection is established and has not failed. */
  open: boolean;
  /** The peer has ended its side. Received bytes may be unread. */
  readEnded: boolean;
  /** `end` was called. */
  writeEnded: boolean;
  /** The connection has failed, or was closed here. Received bytes may be unread. */
  failed: boolean;
  /** Bytes that can be read. */
  readable: number;
  /** Bytes that `write` would take. */
  writable: number;
}

/** One end of a connection. Made by `connect`, a server's `accept`, or `TcpSocket.attach`. */
export class TcpSocket extends ByteSource {
  readonly #channel: Channel;
  readonly #reader: SocketReader;
  readonly #writer: SocketWriter;
  readonly #options: SocketOptions;
  /** Whether the program has been shown that it is open. */
  #openReported: boolean;
  #detached = false;
  /** Whether a server accepted it: then it is the server in TLS too. */
  readonly #accepted: boolean;
  /** The request that `close` sends. */
  #closeRequest = REQUEST_CLOSE;
  #closedError: NetError | null = null;
  /** The connection's facts, kept after the close, when another handle may have the slot. */
  #knownFacts: ConnectionFacts | null = null;
  /** The stage at the close. */
  #lastStage: ConnectStage | null = null;
  /** What `waitUntil` waits for. */
  #awaited = 0;

  /** @internal Use `connect` or a server's `accept`. */
  constructor(channel: Channel, options: SocketOptions, accepted: boolean) {
    const reader = new SocketReader(channel);
    super(channel, reader, "connection");
    this.#channel = channel;
    this.#reader = reader;
    this.#writer = new SocketWriter(channel);
    this.#options = { ...options };
    this.#openReported = this.#accepted = accepted;
    this.bindChannel(channel, () => channel.link.requestClose(channel, REQUEST_CLOSE));
  }

  /**
   * Takes over a connection that another thread has detached; see `detach`. Throws a `NetError` with code
   * `ERR_SOCKET_DETACHED` if another thread attached it first, and a `TypeError` if `token` is not a token.
   */
  static attach(token: SocketToken): TcpSocket {
    const { channel, options, held, bytesRead, bytesWritten, ended, endReported } = attachSocket(token);
    const socket = new TcpSocket(channel, options, true);
    socket.#reader.buffer.restore(held);
    socket.#reader.bytesRead = bytesRead;
    socket.#reader.endReported = endReported;
    socket.#writer.bytesWritten = bytesWritten;
    socket.#writer.ended = ended;
    return socket;
  }

  /**
   * Resets the connection of a token and frees its memory. Only for the thread that called `detach`, and only after the
   * thread that attached the token has ended: a running thread would go on using memory that now has another owner.
   * Does nothing if the connection is gone.
   *
   * @internal
   */
  static revoke(token: SocketToken): void {
    revokeSocket(token);
  }

  // State.

  /**
   * `waiting` until connected (with TLS: until the handshake is done and the peer verified), then `success`; `failure`
   * once it failed, was reset, or was closed here. When the peer ends its side, the status stays `success`.
   */
  get status(): Status {
    publishEnds();
    if (this.closed) return "failure";
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    if (phase === PHASE_WAITING) {
      this.#channel.link.caller.maybeCheckLiveness();
      return "waiting";
    }
    return phase === PHASE_OPEN && (state & WRITE_FAILED) === 0 ? "success" : "failure";
  }

  /** A snapshot of the state. */
  get state(): SocketState {
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    const failed = this.closed || phase === PHASE_FAILED || (state & WRITE_FAILED) !== 0;
    return {
      connecting: !this.closed && phase === PHASE_WAITING,
      stage: this.#stage,
      open: !failed && phase === PHASE_OPEN,
      readEnded: !this.closed && (state & READ_ENDED) !== 0,
      writeEnded: this.#writer.ended,
      failed,
      readable: this.readable,
      writable: this.writable,
    };
  }

  /** Why the status is `failure`, or null. The same object each time. */
  get error(): NetError | null {
    if (this.closed) return this.#closedHere();
    return this.status === "failure" ? this.#channel.error : null;
  }

  /** The peer's IP; undefined until connected, and for Unix domain sockets. */
  get remoteAddress(): string | undefined {
    return this.#facts?.remoteAddress;
  }

  /** The peer's port; undefined until connected, and for Unix domain sockets. */
  get remotePort(): number | undefined {
    return this.#facts?.remotePort;
  }

  /** The IP of this end; undefined until connected, and for Unix domain sockets. */
  get localAddress(): string | undefined {
    return this.#facts?.localAddress;
  }

  /** The port of this end; undefined until connected, and for Unix domain sockets. */
  get localPort(): number | undefined {
    return this.#facts?.localPort;
  }

  /** The path or abstract name of a Unix domain socket, or of the server that accepted it; undefined for TCP. */
  get path(): string | undefined {
    return this.#options.path;
  }

  /** The options in effect. */
  get options(): SocketSettings {
    const { noDelay, keepAlive, keepAliveDelay, dscp } = this.#options;
    const { receive, send } = this.#channel.rings as Rings;
    return {
      noDelay,
      keepAlive: keepAlive && keepAliveDelay > 0 ? keepAliveDelay : keepAlive,
      dscp,
      receiveBuffer: receive.capacity,
      sendBuffer: send.capacity,
    };
  }

  /** Whether the connection uses TLS and the handshake is done. */
  get encrypted(): boolean {
    return this.#facts?.tls != null;
  }

  /** Whether the peer's certificate was verified. False on connections without TLS. */
  get authorized(): boolean {
    return this.#facts?.tls?.authorized ?? false;
  }

  /** Why `authorized` is false, if `rejectUnauthorized: false` allowed the connection: OpenSSL's or Node's code. */
  get authorizationError(): string | null {
    return this.#facts?.tls?.authorizationError ?? null;
  }

  /** The protocol that was negotiated by ALPN; `false` if none was, null without TLS. */
  get alpnProtocol(): string | false | null {
    return this.#facts?.tls?.alpnProtocol ?? null;
  }

  /** The TLS version, such as `TLSv1.3`; null without TLS. */
  get tlsProtocol(): string | null {
    return this.#facts?.tls?.protocol ?? null;
  }

  /** Whether TLS resumed an earlier session with the same server. */
  get sessionReused(): boolean {
    return this.#facts?.tls?.sessionReused ?? false;
  }

  /** The peer's certificate, in the form of Node's `getPeerCertificate()`; null if it sent none. */
  get peerCertificate(): PeerCertificateFacts | null {
    return this.#facts?.tls?.peerCertificate ?? null;
  }

  /**
   * @internal The error of a wait that timed out: `error`, or one that says that the networking thread is still
   * starting.
   */
  reasonOf(error: NetError): NetError {
    const { code, message, syscall } = error;
    const fault = { code, message, syscall };
    return this.#channel.link.reasonOf(fault) === fault ? error : this.#channel.outOfTime(fault);
  }

  /** @internal Whether it was ever connected. It may have failed since, with received bytes unread. */
  get wasConnected(): boolean {
    return this.#facts !== null;
  }

  /** Bytes that `write` has taken. */
  get bytesWritten(): number {
    return this.#writer.bytesWritten;
  }

  /**
   * Blocks until it is connected or has failed, or `timeout` ms have passed; returns the status. Does not throw on a
   * timeout or failure.
   */
  waitUntilConnected(timeout: Timeout = -1): Status {
    this.#channel.wait(Deadline.of(timeout), TcpSocket.#isSettled, this);
    this.reported(READABLE);
    return this.status;
  }

  /**
   * Starts TLS on the open connection (after STARTTLS, PostgreSQL's SSLRequest or CONNECT), and blocks until the peer
   * is verified, as in `connect({ tls })`: for `servername`, or else for the host that it was connected to. An accepted
   * connection is the server, and needs `cert` and `key`; `isServer` changes the roles.
   *
   * What was written is sent first, in plain text. Received bytes that were not read belong to TLS. Throws the
   * connection's `NetError` if the handshake fails, which ends the connection, and `ETIMEDOUT` after `timeout` ms: if
   * the status is `waiting` then, the handshake continues and `waitUntilConnected` waits for it; if it is `success` and
   * `encrypted` is false, TLS was not started. During the handshake nothing can be read, `write` takes nothing, and
   * `end` throws.
   */
  startTls(options: StartTlsOptions = {}, timeout: Timeout = -1): void {
    const { parameters, isServer } = startTlsParameters(options, this.#accepted);
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    const channel = this.#channel;
    if (channel.link.attachedOnly) {
      const message = "TLS can be started only on the thread that opened the connection; this one was attached";
      throw new NetError({ code: "ERR_SOCKET_ATTACHED", message, syscall: "startTls" });
    }
    if (channel.securing) throw handshakeUnderWay("startTls");
    this.#awaitSettled(deadline, "startTls");
    if (this.#writer.ended) {
      throw new NetError({ code: "EPIPE", message: "startTls after end()", syscall: "startTls" });
    }
    if (this.#writer.awaitDrained(deadline) > 0) throw channel.outOfTime(timedOut("startTls", deadline.timeout));
    this.#writer.voidClaim();
    channel.startTls(parameters, isServer, this.#reader.buffer.takeAll());
    tlsBegun(channel, { socket: this });
    const { noDelay, keepAlive, keepAliveDelay } = this.#options;
    channel.setOptions(noDelay, keepAlive, keepAliveDelay);
    this.#openReported = false;
    this.#awaitSettled(deadline, "startTls");
  }

  // Reading without blocking.

  /**
   * Copies received bytes into `target`, as many as fit; returns their number, `null` at the end. Allocates nothing.
   * Throws as `read`.
   */
  readInto(target: Uint8Array): number | null {
    if (!(target instanceof Uint8Array)) throw new TypeError("target must be a Uint8Array");
    this.mustBeOpen();
    return this.#reader.readInto(target);
  }

  /**
   * The readable bytes in place, without a copy: the first contiguous ones, so there may be more. Valid until `consume`
   * or any other reading call. Empty if there are none, `null` at the end. Throws as `read`. Do not write to it.
   */
  peek(): Uint8Array | null {
    this.mustBeOpen();
    return this.#reader.peek();
  }

  /** Drops `count` readable bytes. Throws a `RangeError` if there are fewer. */
  consume(count: number): void {
    this.mustBeOpen();
    this.#reader.consume(check.integer("count", count, 0, this.#reader.buffer.readable));
  }

  // Writing without blocking.

  /**
   * Takes as much of `data` (a string as UTF-8) as fits and returns the number of bytes; 0 means full. Allowed while
   * `waiting`: the bytes are sent once connected. Throws the connection's `NetError` if it failed, and one with code
   * `EPIPE` after `end()`.
   */
  write(data: string | Uint8Array): number {
    const bytes = check.bytes("data", data);
    this.mustBeOpen();
    return this.#writer.write(bytes, 0);
  }

  /**
   * Free bytes of the send ring in place, to be filled and committed: the first contiguous ones, at most `count`, so
   * there may be room for more after `commit`. Empty if the ring is full. Their contents are undefined. Valid until
   * `commit` or any other writing call; do not write to them afterwards. Throws as `write`.
   */
  claim(count: number = Number.POSITIVE_INFINITY): Uint8Array {
    const limit = check.amount("count", count);
    this.mustBeOpen();
    return this.#writer.claim(limit);
  }

  /**
   * Takes the first `count` bytes of what `claim` returned, as `write` would; the claim ends with that. Throws a
   * `RangeError` if fewer are claimed, and otherwise as `write`.
   */
  commit(count: number): void {
    this.mustBeOpen();
    this.#writer.commit(check.integer("count", count, 0, this.#writer.claimed));
  }

  /** Bytes that `write` would take now. */
  get writable(): number {
    return this.closed ? 0 : this.#writer.room;
  }

  /**
   * The number of bytes that `write` has taken and the operating system has not. Throws the connection's `NetError` if
   * they are lost.
   */
  get pendingWrites(): number {
    this.mustBeOpen();
    return this.#writer.pending;
  }

  // Blocking.

  /**
   * Blocks until `write` takes at least one byte, or `timeout` ms have passed; returns whether it does. Throws the
   * connection's `NetError` if it never will.
   */
  waitUntilWritable(timeout: Timeout = -1): boolean {
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return this.#writer.awaitRoom(deadline);
  }

  /**
   * Blocks until one of `interest` holds, or `timeout` ms have passed; returns which do. `readable`: there are bytes,
   * the end, or an error that `read` will throw. `writable`: `write` takes at least one byte, or will throw. Throws a
   * `TypeError` if `interest` names neither.
   */
  waitUntil(interest: Interest, timeout: Timeout = -1): { readable: boolean; writable: boolean } {
    const bits = interestBits("interest", interest);
    if (interest === undefined || bits === 0) throw new TypeError("interest must name readable, writable, or both");
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    this.#awaited = bits;
    this.#channel.wait(deadline, TcpSocket.#hasAwaited, this);
    return {
      readable: (bits & READABLE) !== 0 && this.#reader.hasSomething,
      writable: (bits & WRITABLE) !== 0 && this.#writer.open,
    };
  }

  /**
   * Blocks until the operating system has taken all bytes, or `timeout` ms have passed; returns how many are pending.
   * Throws as `pendingWrites`.
   */
  waitUntilDrained(timeout: Timeout = -1): number {
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return this.#writer.awaitDrained(deadline);
  }

  /**
   * Blocks for the bytes up to and including `delimiter` (1 byte to 1 MiB); otherwise as `readExactly` and `readLine`.
   */
  readUntil(delimiter: string | Uint8Array, timeout: Timeout = -1, options: ReadLimitOptions = {}): Buffer | null {
    const bytes = check.bytes("delimiter", delimiter);
    if (bytes.length === 0) throw new RangeError("delimiter must not be empty");
    if (bytes.length > DELIMITER_MAX) {
      throw new RangeError(`delimiter must have at most ${DELIMITER_MAX} bytes, not ${bytes.length}`);
    }
    const limit = maxLengthOf(options);
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return framing.readUntil(this.#reader, bytes, deadline, limit);
  }

  /**
   * Blocks until all of `data` was taken (not sent; see `waitUntilDrained`): a string or bytes, or an array of them,
   * which are sent together as far as there is room. Throws `NetError`s: `ETIMEDOUT`, whose `bytesWritten` is the
   * number of bytes taken, and the connection's own.
   */
  writeAll(data: string | Uint8Array | readonly (string | Uint8Array)[], timeout: Timeout = -1): void {
    const pieces = Array.isArray(data)
      ? data.map((piece, i) => check.bytes(`data[${i}]`, piece))
      : [check.bytes("data", data)];
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    this.#writer.writeAll(pieces, deadline);
  }

  // Ending.

  /** Ends this side: sends what was written, then FIN (with TLS, close_notify before it). Reading continues. */
  end(): void {
    this.mustBeOpen();
    if (this.#channel.securing) throw handshakeUnderWay("end");
    this.#writer.end();
  }

  /**
   * Aborts the connection: pending bytes are dropped, and the peer sees a reset (RST) where TCP allows it.
   * Closes the handle.
   */
  reset(): void {
    if (this.closed) return;
    this.#closeRequest = REQUEST_RESET;
    this.close();
  }

  /** Turns the delay of small writes (Nagle's algorithm) off (true) or on (false). It is off by default. */
  setNoDelay(on = true): void {
    this.#setOptions({ ...this.#options, noDelay: check.boolean("on", on) });
  }

  /** Turns keep-alive probes on or off; the first comes after `delayMs` ms of silence (0: the system's default). */
  setKeepAlive(on: boolean, delayMs = 0): void {
    const keepAliveDelay = check.keepAliveDelay("delayMs", delayMs);
    this.#setOptions({ ...this.#options, keepAlive: check.boolean("on", on), keepAliveDelay });
  }

  /**
   * Hands the connection to another thread: returns a token to post there, for one call of `TcpSocket.attach`. This
   * handle is closed, the connection is not; it stays on its networking thread, which ends with the runtime that opened
   * it. Throws unless it is connected.
   */
  detach(): SocketToken {
    this.mustBeOpen();
    if (this.#channel.phase === PHASE_WAITING) {
      throw new NetError({
        code: "ERR_SOCKET_CONNECTING",
        message: "a socket that is not connected yet can't be detached",
      });
    }
    if (this.#channel.phase === PHASE_FAILED) throw this.#channel.freshError();
    const token = detachedToken(this.#channel, {
      options: this.#options,
      held: this.#reader.buffer.takeHeld(),
      bytesRead: this.#reader.bytesRead,
      endReported: this.#reader.endReported,
      bytesWritten: this.#writer.bytesWritten,
      ended: this.#writer.ended,
    });
    this.#detached = true;
    this.close();
    return token;
  }

  // For pollers.

  get ready(): boolean {
    if (this.closed) return false;
    if (this.#reader.buffer.readable > 0) return true;
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    if (phase === PHASE_WAITING) return false;
    if ((state & READ_ENDED) !== 0 && !this.#reader.endReported) return true;
    if (phase === PHASE_FAILED) return !this.#channel.errorTaken(READABLE);
    return !this.#openReported;
  }

  /** @internal */
  override readyFor(interest: number): boolean {
    if ((interest & READABLE) !== 0 && this.ready) return true;
    if ((interest & WRITABLE) === 0 || this.closed || !this.#writer.open) return false;
    return !this.#writer.failed || !this.#channel.errorTaken(WRITABLE);
  }

  /** @internal */
  override reported(interest: number): void {
    if ((interest & READABLE) === 0 || this.closed) return;
    if (this.#channel.phase === PHASE_OPEN) this.#openReported = true;
  }

  protected override describe(): string {
    const { host, address, port } = this.#channel.where;
    const peer = this.path ?? (address === undefined ? `${host}:${port}` : addressAndPort(address, port));
    const { connecting, failed, readEnded, writeEnded, readable } = this.state;
    const how = [
      failed
        ? `failed: ${this.#channel.error.code}`
        : connecting
          ? "connecting"
          : this.encrypted
            ? "open, TLS"
            : "open",
      ...(readEnded ? ["read ended"] : []),
      ...(writeEnded ? ["write ended"] : []),
      `readable ${readable}`,
      `unsent ${this.#channel.unsent}`,
    ];
    return `${peer}, ${how.join(", ")}`;
  }

  protected override onClose(): void {
    this.#lastStage = this.#stageNow;
    this.unbindChannel();
    if (this.#detached) return;
    this.#channel.link.requestClose(this.#channel, this.#closeRequest);
  }

  get #facts(): ConnectionFacts | null {
    if (!this.closed) this.#learnFacts();
    return this.#knownFacts;
  }

  get #stage(): ConnectStage | null {
    return this.closed ? this.#lastStage : this.#stageNow;
  }

  get #stageNow(): ConnectStage | null {
    this.#learnFacts();
    if (this.#channel.securing) return "TLS";
    return this.#accepted || this.#knownFacts !== null ? null : (STAGES[this.#channel.stage] as ConnectStage);
  }

  #learnFacts(): void {
    const channel = this.#channel;
    if (channel.facts === null || channel.securing) channel.link.takeNotices();
    this.#knownFacts = channel.facts; // startTls changes them
  }

  static #hasAwaited(socket: TcpSocket): boolean {
    if ((socket.#awaited & READABLE) !== 0 && socket.#reader.hasSomething) return true;
    return (socket.#awaited & WRITABLE) !== 0 && socket.#writer.open;
  }

  static #isSettled(socket: TcpSocket): boolean {
    return socket.closed || socket.#channel.phase !== PHASE_WAITING;
  }

  #awaitSettled(deadline: Deadline, what: string): void {
    const settled = this.#channel.wait(deadline, TcpSocket.#isSettled, this);
    if (this.status === "failure") throw this.#channel.freshError();
    if (!settled) throw this.#channel.outOfTime(timedOut(what, deadline.timeout));
  }

  #setOptions(options: SocketOptions): void {
    this.mustBeOpen();
    Object.assign(this.#options, options);
    this.#channel.setOptions(options.noDelay, options.keepAlive, options.keepAliveDelay);
  }

  #closedHere(): NetError {
    this.#closedError ??= closedHere("connection", this.#channel.where);
    return this.#closedError;
  }
}

function handshakeUnderWay(call: string): NetError {
  const message = `${call}() while the handshake of startTls() is under way; waitUntilConnected() waits for its end`;
  return new NetError({ code: "EALREADY", message, syscall: call });
}
