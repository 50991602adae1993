/**
 * A connection: TCP, TLS, or a Unix domain socket.
 *
 * Runs on the calling thread.
 */

import type { ByteProducer } from "../ring/byte-ring.js";
import {
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_WAITING,
  READ_ENDED,
  REQUEST_CLOSE,
  REQUEST_END,
  REQUEST_RESET,
  WRITE_FAILED,
} from "../ring/layout.js";
import type { ConnectionFacts, PeerCertificateFacts } from "../ring/protocol.js";
import type { Status } from "./address.js";
import * as check from "./arguments.js";
import type { Channel, Rings } from "./channel.js";
import { Deadline } from "./deadline.js";
import * as framing from "./framing.js";
import { Handle } from "./handle.js";
import { Inbox } from "./inbox.js";
import { closedHere, NetError, timedOut } from "./net-error.js";
import { attachSocket, detachedToken, type SocketToken } from "./socket-token.js";

const EMPTY = Buffer.alloc(0);
const LINE_MAX = 1024 * 1024;
const ALL_MAX = 1024 * 1024 * 1024;

/** Options of the connection that can be changed while it is open. */
export interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  /** In ms. */
  keepAliveDelay: number;
}

/** Limits of a portion. */
export interface PortionOptions {
  /** The most bytes that a portion may have; more is an error with code `EMSGSIZE`, and the bytes stay. */
  maxLength?: number;
}

export class TcpSocket extends Handle {
  readonly #channel: Channel;
  readonly #inbox: Inbox;
  readonly #send: ByteProducer;
  readonly #options: SocketOptions;
  /** What the conditions below wait for: a number of bytes, or of room. */
  #wanted = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #ended = false;
  #endSeen = false;
  #detached = false;
  #openTold = false;
  #failureSeen = false;
  #closedError: NetError | null = null;

  /** @internal Use `connect` or a server's `accept`. */
  constructor(channel: Channel, options: SocketOptions, accepted: boolean) {
    super();
    const rings = channel.rings as Rings;
    this.#channel = channel;
    this.#options = { ...options };
    this.#inbox = new Inbox(channel, rings.receive);
    this.#send = rings.send;
    this.#openTold = accepted;
    this.inhabit(channel, () => channel.request(REQUEST_CLOSE));
  }

  /**
   * Takes over a connection that another thread has detached; see `detach`.
   * Throws a `NetError` with code `ERR_SOCKET_DETACHED` if somebody else took it, and a `TypeError` if `token` is no
   * token.
   */
  static attach(token: SocketToken): TcpSocket {
    const { channel, options, held, bytesRead, bytesWritten, ended, endSeen } = attachSocket(token);
    const socket = new TcpSocket(channel, options, true);
    if (held.length > 0) socket.#inbox.restore(held);
    socket.#bytesRead = bytesRead;
    socket.#bytesWritten = bytesWritten;
    socket.#ended = ended;
    socket.#endSeen = endSeen;
    return socket;
  }

  // State.

  /**
   * `waiting` until connected (with TLS: until the handshake is done and the peer verified), then `success`; `failure`
   * once it failed, was reset, or was closed here. A peer that ended its side in good order is still `success`.
   */
  get status(): Status {
    if (this.closed) return "failure";
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    if (phase === PHASE_WAITING) {
      this.#channel.link.client.look();
      return "waiting";
    }
    this.#openTold = true;
    if (phase === PHASE_OPEN && (state & WRITE_FAILED) === 0) return "success";
    this.#failureSeen = true;
    return "failure";
  }

  /** Why the status is `failure`, or null. The same error each time. */
  get error(): NetError | null {
    if (this.closed) return this.#closedHere();
    return this.status === "failure" ? this.#channel.error : null;
  }

  /** The peer's IP; undefined until connected, and for Unix domain sockets. */
  get remoteAddress(): string | undefined {
    return this.#facts?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#facts?.remotePort;
  }

  /** The IP of this end; undefined until connected, and for Unix domain sockets. */
  get localAddress(): string | undefined {
    return this.#facts?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#facts?.localPort;
  }

  /** Whether it is a TLS connection that is open. */
  get encrypted(): boolean {
    return this.#facts?.tls != null;
  }

  /** Whether the peer's certificate was verified. False on connections without TLS. */
  get authorized(): boolean {
    return this.#facts?.tls?.authorized ?? false;
  }

  /** Why `authorized` is false where `rejectUnauthorized: false` allowed that: OpenSSL's or Node's code. */
  get authorizationError(): string | null {
    return this.#facts?.tls?.authorizationError ?? null;
  }

  /** The protocol that ALPN agreed on, `false` if none, null without TLS. */
  get alpnProtocol(): string | false | null {
    return this.#facts?.tls?.alpnProtocol ?? null;
  }

  /** `TLSv1.3` and the like, null without TLS. */
  get tlsProtocol(): string | null {
    return this.#facts?.tls?.protocol ?? null;
  }

  /** Whether TLS resumed an earlier session with the same server. */
  get sessionReused(): boolean {
    return this.#facts?.tls?.sessionReused ?? false;
  }

  /** The peer's certificate, in the form of Node's `getPeerCertificate()`; null where it showed none. */
  get peerCertificate(): PeerCertificateFacts | null {
    return this.#facts?.tls?.peerCertificate ?? null;
  }

  /** Bytes that the program has read. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes that `write` has taken. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /**
   * Blocks until it is connected or has failed, or `timeout` ms are over; returns the status. Never throws for time or
   * failure.
   */
  waitUntilConnected(timeout = 0): Status {
    this.#wait(timeout, TcpSocket.#isSettled);
    return this.status;
  }

  // Reading without blocking.

  /**
   * Up to `max` bytes that are there now: empty when there are none yet, `null` once the peer has ended and everything
   * was read. Throws the connection's `NetError` after the bytes that arrived before it.
   */
  read(max: number = Number.POSITIVE_INFINITY): Buffer | null {
    const limit = check.amount("max", max);
    const readable = this.#look();
    if (readable < 0) return null;
    const count = Math.min(readable, limit);
    if (count === 0) return EMPTY;
    const bytes = Buffer.allocUnsafe(count);
    this.#bytesRead += this.#inbox.read(bytes);
    return bytes;
  }

  /**
   * Fills `target` with what is there now; returns the number of bytes, `null` at the end. Allocates nothing. Throws as
   * `read`.
   */
  readInto(target: Uint8Array): number | null {
    if (!(target instanceof Uint8Array)) throw new TypeError("target must be a Uint8Array");
    const readable = this.#look();
    if (readable < 0) return null;
    if (readable === 0) return 0;
    const count = this.#inbox.read(target);
    this.#bytesRead += count;
    return count;
  }

  /**
   * The readable bytes in place, without a copy: those that lie together, so there may be more. Valid until `consume`
   * or any other reading call. Empty when there is nothing, `null` at the end. Throws as `read`. Do not write to it.
   */
  peek(): Uint8Array | null {
    const readable = this.#look();
    if (readable < 0) return null;
    return readable === 0 ? EMPTY : this.#inbox.peek();
  }

  /** Drops `count` bytes that are readable. Throws a `RangeError` if there are not so many. */
  consume(count: number): void {
    this.#mustBeOpen();
    check.integer("count", count, 0, this.#inbox.readable);
    this.#inbox.consume(count);
    this.#bytesRead += count;
  }

  /** Bytes that can be read now. 0 also at the end and after a failure. */
  get readable(): number {
    return this.closed ? 0 : this.#inbox.readable;
  }

  // Writing without blocking.

  /**
   * Takes what fits of `data` (a string as UTF-8) and returns how many bytes that was; 0 means full. Allowed while
   * `waiting`: the bytes go out once connected. Throws the connection's `NetError` if it failed, and one with code
   * `EPIPE` after `end()`.
   */
  write(data: string | Uint8Array): number {
    return this.#write(check.bytes("data", data), 0);
  }

  /** Bytes that `write` would take now. */
  get writable(): number {
    return this.closed || this.#ended || this.#writeFailed ? 0 : this.#send.free;
  }

  /**
   * Bytes that `write` has taken and the operating system has not. Throws the connection's `NetError` if they are lost.
   */
  get pendingWrites(): number {
    this.#mustBeOpen();
    const pending = this.#send.pending;
    if (pending > 0 && this.#writeFailed) throw this.#fail();
    return pending;
  }

  // Blocking.

  /**
   * Blocks until there is something to read: bytes, an end, or an error that `read` will throw. Returns whether there
   * is, false when `timeout` ms are over (0: only looks; -1: for ever).
   */
  waitUntilReadable(timeout = 0): boolean {
    this.#mustBeOpen();
    return this.#wait(timeout, TcpSocket.#hasSomethingToRead);
  }

  /**
   * Blocks until `write` takes at least a byte; returns whether it does. Throws the connection's `NetError` if it never
   * will.
   */
  waitUntilWritable(timeout = 0): boolean {
    this.#mustBeOpen();
    const writable = this.#wait(timeout, TcpSocket.#hasRoom);
    if (this.#writeFailed) throw this.#fail();
    return writable;
  }

  /** Blocks until the operating system has taken all bytes; returns how many are pending. Throws as `pendingWrites`. */
  waitUntilDrained(timeout = 0): number {
    this.#mustBeOpen();
    this.#wait(timeout, TcpSocket.#isDrained);
    return this.pendingWrites;
  }

  /**
   * Blocks until exactly `count` bytes are there and returns them; `null` if the stream ended before the first.
   * Throws `NetError`s: `ETIMEDOUT`, `ERR_STREAM_PREMATURE_CLOSE` if the stream ended within, the connection's. What is
   * there stays.
   */
  readExactly(count: number, timeout = -1): Buffer | null {
    return this.#portion(framing.readExactly(this.#source(), check.integer("count", count, 0, 2 ** 31), timeout));
  }

  /**
   * Blocks for a line and returns it without its end ("\n" or "\r\n"), the last one also if it has none; `null` at the
   * end. `maxLength`: 1 MiB unless given. Throws as `readExactly`, and `EMSGSIZE`.
   */
  readLine(timeout = -1, options: PortionOptions = {}): string | null {
    const line = this.#portion(framing.readLine(this.#source(), timeout, maxLength(options, LINE_MAX)));
    return line === null ? null : framing.withoutLineEnd(line);
  }

  /** Blocks for the bytes up to and with `delimiter`; otherwise as `readExactly` and `readLine`. */
  readUntil(delimiter: string | Uint8Array, timeout = -1, options: PortionOptions = {}): Buffer | null {
    const bytes = check.bytes("delimiter", delimiter);
    if (bytes.length === 0) throw new RangeError("delimiter must not be empty");
    return this.#portion(framing.readUntil(this.#source(), bytes, timeout, maxLength(options, LINE_MAX)));
  }

  /** Blocks until the peer ends, and returns everything. `maxLength`: 1 GiB unless given. Throws as `readLine`. */
  readAll(timeout = -1, options: PortionOptions = {}): Buffer {
    return this.#portion(framing.readAll(this.#source(), timeout, maxLength(options, ALL_MAX))) as Buffer;
  }

  /**
   * Blocks until all of `data` was taken (not: sent; see `waitUntilDrained`). Throws `NetError`s: `ETIMEDOUT` with
   * `bytesWritten`, the bytes that were taken, and the connection's.
   */
  writeAll(data: string | Uint8Array, timeout = -1): void {
    const bytes = check.bytes("data", data);
    const deadline = new Deadline(timeout);
    let written = this.#write(bytes, 0);
    while (written < bytes.length) {
      this.#wanted = Math.min(bytes.length - written, this.#send.capacity >> 2);
      if (!this.#block(deadline, TcpSocket.#hasRoomWanted)) {
        written += this.#write(bytes, written);
        if (written === bytes.length) return;
        const error = timedOut("writeAll", deadline.timeout);
        error.bytesWritten = written;
        throw error;
      }
      written += this.#write(bytes, written);
    }
  }

  // Ending.

  /** Ends this side: what was written goes out, then the end (FIN; with TLS close_notify first). Reading goes on. */
  end(): void {
    this.#mustBeOpen();
    if (this.#ended) return;
    this.#ended = true;
    this.#channel.request(REQUEST_END);
  }

  /**
   * Cuts the connection off at once: what is pending is dropped, and the peer sees a reset (RST) where TCP allows it.
   * Closes the handle.
   */
  reset(): void {
    if (this.closed) return;
    this.#channel.request(REQUEST_RESET);
    this.close();
  }

  /** Turns the delay of small writes (Nagle's algorithm) off (true) or on. Off from the beginning. */
  setNoDelay(on = true): void {
    this.#setOptions({ ...this.#options, noDelay: check.boolean("on", on) });
  }

  /** Turns keep-alive probes on or off; the first comes after `delayMs` ms of silence (0: the system's default). */
  setKeepAlive(on: boolean, delayMs = 0): void {
    const keepAliveDelay = check.integer("delayMs", delayMs, 0, 2 ** 25);
    this.#setOptions({ ...this.#options, keepAlive: check.boolean("on", on), keepAliveDelay });
  }

  /**
   * Gives the connection to another thread: returns a token that can be posted, once, to `TcpSocket.attach` there. This
   * handle is closed, the connection is not; it stays on its networking thread, which ends with the runtime that opened
   * it. Throws if it is not connected.
   */
  detach(): SocketToken {
    this.#mustBeOpen();
    if (this.#channel.phase === PHASE_WAITING) {
      throw new NetError({
        code: "ERR_SOCKET_CONNECTING",
        message: "a socket that is not connected yet can't be detached",
      });
    }
    const token = detachedToken(this.#channel, {
      options: this.#options,
      held: this.#inbox.takeHeld(),
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      ended: this.#ended,
      endSeen: this.#endSeen,
    });
    this.#detached = true;
    this.close();
    return token;
  }

  // What pollers ask.

  get ready(): boolean {
    if (this.closed) return false;
    if (this.#inbox.readable > 0) return true;
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    if (phase === PHASE_WAITING) return false;
    if ((state & READ_ENDED) !== 0 && !this.#endSeen) return true;
    if (phase === PHASE_FAILED || (state & WRITE_FAILED) !== 0) return !this.#failureSeen;
    return !this.#openTold;
  }

  /** @internal */
  override reported(): void {
    if (this.#channel.phase === PHASE_OPEN) this.#openTold = true;
  }

  protected override onClose(): void {
    this.leave();
    if (this.#detached) return;
    this.#channel.request(REQUEST_CLOSE);
    this.#channel.link.disown(this.#channel);
  }

  get #facts(): ConnectionFacts | null {
    if (this.#channel.facts === null) this.#channel.link.takeNotices();
    return this.#channel.facts;
  }

  get #writeFailed(): boolean {
    const state = this.#channel.state;
    return (state & PHASE_MASK) === PHASE_FAILED || (state & WRITE_FAILED) !== 0;
  }

  #write(bytes: Uint8Array, offset: number): number {
    this.#mustBeOpen();
    if (this.#writeFailed) throw this.#fail();
    if (this.#ended) throw new NetError({ code: "EPIPE", message: "write after end()", syscall: "write" });
    const count = this.#send.write(bytes, offset);
    if (count > 0) {
      this.#bytesWritten += count;
      this.#channel.touch();
    } else {
      this.#channel.link.client.look();
    }
    return count;
  }

  /** Bytes that can be read now, or -1 at the end. Throws the connection's error once there are none. */
  #look(): number {
    this.#mustBeOpen();
    const readable = this.#inbox.readable;
    if (readable > 0) return readable;
    const state = this.#channel.state;
    if ((state & READ_ENDED) === 0 && (state & PHASE_MASK) !== PHASE_FAILED) {
      this.#channel.link.client.look();
      return 0;
    }
    // The state was stored after the last byte: look once more.
    const last = this.#inbox.readable;
    if (last > 0) return last;
    if ((state & READ_ENDED) === 0) throw this.#fail();
    this.#endSeen = true;
    return -1;
  }

  #source(): framing.FrameSource {
    this.#mustBeOpen();
    return { inbox: this.#inbox, await: (wanted, deadline, what) => this.#awaitBytes(wanted, deadline, what) };
  }

  #awaitBytes(wanted: number, deadline: Deadline, what: string): boolean {
    const inbox = this.#inbox;
    for (;;) {
      if (inbox.readable >= wanted) return true;
      if (inbox.ringFull) inbox.hold();
      const state = this.#channel.state;
      if ((state & READ_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED) {
        if (inbox.readable >= wanted) return true; // the state was stored after the last byte
        if ((state & READ_ENDED) === 0) throw this.#fail();
        this.#endSeen = inbox.readable === 0;
        return false;
      }
      this.#wanted = wanted;
      if (!this.#block(deadline, TcpSocket.#hasBytesWanted) && inbox.readable < wanted) {
        throw framing.portionTimedOut(what, deadline, inbox.readable, wanted);
      }
    }
  }

  // Conditions to block for: static, so that a wait makes no closure.

  static #isSettled(socket: TcpSocket): boolean {
    return socket.#channel.phase !== PHASE_WAITING;
  }

  static #hasSomethingToRead(socket: TcpSocket): boolean {
    return socket.#inbox.readable > 0 || TcpSocket.#hasEnded(socket);
  }

  static #hasBytesWanted(socket: TcpSocket): boolean {
    if (socket.#inbox.readable >= socket.#wanted || socket.#inbox.ringFull) return true;
    return TcpSocket.#hasEnded(socket);
  }

  static #hasEnded(socket: TcpSocket): boolean {
    const state = socket.#channel.state;
    return (state & READ_ENDED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED;
  }

  static #hasRoom(socket: TcpSocket): boolean {
    return socket.#send.free > 0 || socket.#writeFailed;
  }

  static #hasRoomWanted(socket: TcpSocket): boolean {
    return socket.#send.free >= socket.#wanted || socket.#writeFailed;
  }

  static #isDrained(socket: TcpSocket): boolean {
    return socket.#send.pending === 0 || socket.#writeFailed;
  }

  #portion<T extends Buffer | null>(bytes: T): T {
    if (bytes !== null) this.#bytesRead += bytes.length;
    return bytes;
  }

  #setOptions(options: SocketOptions): void {
    this.#mustBeOpen();
    Object.assign(this.#options, options);
    this.#channel.setOptions(options.noDelay, options.keepAlive, options.keepAliveDelay);
  }

  #wait(timeout: number, met: (socket: TcpSocket) => boolean): boolean {
    return this.#block(new Deadline(timeout), met);
  }

  #block(deadline: Deadline, met: (socket: TcpSocket) => boolean): boolean {
    return this.#channel.link.client.wait(this.#channel.generation, deadline, met, this);
  }

  #fail(): NetError {
    this.#failureSeen = true;
    return this.#channel.error;
  }

  #closedHere(): NetError {
    this.#closedError ??= closedHere("connection");
    return this.#closedError;
  }

  #mustBeOpen(): void {
    if (this.closed) throw this.#closedHere();
  }
}

function maxLength(options: PortionOptions, standard: number): number {
  const { maxLength = standard } = check.options("options", options);
  return check.amount("maxLength", maxLength);
}
