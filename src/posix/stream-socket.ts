/**
 * A stream socket: TCP, or a Unix domain socket.
 *
 * `bind` already listens, so that the port is known and the system's errors are thrown when the program expects them.
 * `listen` resets clients that have connected before, which the system would have refused. A bound socket that connects
 * first stops listening, and then connects from that port.
 *
 * Runs on the calling thread.
 */

import {
  type ConnectOptions,
  connect,
  type ListenOptions,
  listen,
  type PollEntry,
  type TcpServer,
  type TcpSocket,
} from "../main/index.js";
import { anyIp, type Family, internetAddress, type NoAddress, type SocketAddress } from "./address.js";
import {
  AF_UNIX,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_STREAM,
} from "./constants.js";
import { resetEarlyClients } from "./early-clients.js";
import { errnoOf, PosixError } from "./errors.js";
import { PosixSocket, type Received, totalOf } from "./posix-socket.js";
import { defaultOptions, type SocketOptions } from "./socket-options.js";
import { TimeLeft } from "./time-left.js";

type State = "unconnected" | "bound" | "listening" | "connecting" | "connected";

const NOTHING = Buffer.alloc(0);

/** The most bytes that MSG_PEEK keeps, as the system's receive buffer would. */
const PEEK_MAX = 1048576;

const NOWHERE_BYTES = 65536;

export class StreamSocket extends PosixSocket {
  readonly type = SOCK_STREAM;
  #state: State = "unconnected";
  #server: TcpServer | null = null;
  #connection: TcpSocket | null = null;
  /** The peer's address; known before the connection is established. */
  #peer: SocketAddress | null = null;
  /** The path or IP that was passed to `bind`. */
  #bound: SocketAddress | null = null;
  /** Whether a call has reported that the connection is established. */
  #announced = false;
  /** Bytes that MSG_PEEK has read from the connection and no call has received yet. */
  #ahead: Buffer = NOTHING;
  /**
   * No more bytes will come: the peer has ended, the connection has failed and a call has reported it, or `shutdown`
   * was called.
   */
  #readEnded = false;
  #writeEnded = false;

  constructor(family: Family, options: SocketOptions = defaultOptions()) {
    super(family, options);
  }

  get listening(): boolean {
    return this.#state === "listening";
  }

  bind(address: SocketAddress): void {
    this.mustBeOfFamily(address);
    if (this.#state !== "unconnected") throw new PosixError("EINVAL", "the socket is bound already");
    this.#serve(address);
    this.#bound = address;
    this.#state = "bound";
  }

  listen(backlog: number): void {
    if (this.#state === "connecting" || this.#state === "connected") throw new PosixError("EINVAL");
    if (this.#state === "unconnected") {
      if (this.family === AF_UNIX)
        throw new PosixError("EINVAL", "a Unix domain socket listens on the path that bind names");
      this.#serve(internetAddress(this.family, undefined, 0), backlog);
    }
    if (this.#state === "bound") resetEarlyClients(this.#server as TcpServer);
    this.#state = "listening";
  }

  accept(): StreamSocket {
    const server = this.#server;
    if (server === null || this.#state !== "listening") throw new PosixError("EINVAL", "the socket does not listen");
    const time = TimeLeft.of(this.receiveTimeout);
    for (;;) {
      const connection = server.accept();
      if (connection !== null) return this.#accepted(connection);
      if (this.nonBlocking || !server.waitUntilAcceptable(time.ms)) throw new PosixError("EAGAIN");
    }
  }

  connect(address: SocketAddress | NoAddress): void {
    if (address.family === AF_UNSPEC) {
      this.#disconnect();
      return;
    }
    this.mustBeOfFamily(address);
    this.#settle();
    if (this.#state === "listening") throw new PosixError("EISCONN");
    if (this.#state === "connected") {
      if (this.#announced) throw new PosixError("EISCONN");
      this.#announced = true;
      return;
    }
    if (this.#state === "connecting") {
      if (this.nonBlocking) throw new PosixError("EALREADY");
    } else {
      this.throwPendingError();
      this.#open(address);
      if (this.nonBlocking) throw new PosixError("EINPROGRESS");
    }
    this.#awaitConnection(this.sendTimeout, "EINPROGRESS");
    this.#announced = true;
  }

  receive(targets: readonly Uint8Array[], flags = 0): Received {
    if ((flags & MSG_OOB) !== 0) throw new PosixError("EINVAL", "there is no urgent data");
    if ((flags & MSG_ERRQUEUE) !== 0) throw new PosixError("EAGAIN");
    const time = TimeLeft.of(this.receiveTimeout);
    const wait = !this.nonBlocking && (flags & MSG_DONTWAIT) === 0;
    this.#mustBeConnected(time, wait, "ENOTCONN");
    const wanted = totalOf(targets);
    const into = (flags & MSG_TRUNC) === 0 ? targets : nowhere(wanted);
    const enough = (flags & MSG_WAITALL) === 0 ? Math.min(wanted, 1) : wanted;
    const peek = (flags & MSG_PEEK) !== 0;
    let length = 0;
    for (let waited = false; ; waited = true) {
      const before = length;
      const count = peek ? this.#peek(into, wanted) : this.#take(into, length);
      if (count === null) break;
      length = peek ? count : length + count;
      if (length >= enough) break;
      if (waited && length === before) break; // woken by the end, which the next call returns
      if (!wait || !this.#connected.waitUntilReadable(time.ms)) {
        if (length > 0) break;
        throw new PosixError("EAGAIN");
      }
    }
    return { length, address: null, truncated: false };
  }

  send(pieces: readonly Uint8Array[], flags = 0): number {
    if ((flags & MSG_OOB) !== 0) throw new PosixError("EOPNOTSUPP");
    const time = TimeLeft.of(this.sendTimeout);
    const wait = !this.nonBlocking && (flags & MSG_DONTWAIT) === 0;
    if (this.#writeEnded) throw new PosixError("EPIPE");
    this.#mustBeConnected(time, wait, "EPIPE");
    let sent = 0;
    try {
      for (const piece of pieces) {
        let rest = piece;
        while (rest.length > 0) {
          const count = this.#connected.write(rest);
          sent += count;
          rest = rest.subarray(count);
          if (rest.length === 0) break;
          if (!wait || !this.#connected.waitUntilWritable(time.ms)) {
            if (sent > 0) return sent;
            throw new PosixError("EAGAIN");
          }
        }
      }
    } catch (error) {
      if (error instanceof PosixError) throw error;
      if (sent > 0) return sent; // the next call throws the error
      this.#writeEnded = true;
      throw error;
    }
    return sent;
  }

  shutdown(how: number): void {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) throw new PosixError("EINVAL");
    this.#settle();
    if (this.#state === "listening" && how !== SHUT_WR) {
      this.#disconnect();
      return;
    }
    if (this.#state !== "connected") throw new PosixError("ENOTCONN");
    if (how !== SHUT_WR) this.#readEnded = true;
    if (how !== SHUT_RD) {
      this.#writeEnded = true;
      if (!this.#connected.state.failed) this.#connected.end();
    }
  }

  localAddress(): SocketAddress {
    this.#settle();
    if (this.family === AF_UNIX) return this.#bound ?? { family: AF_UNIX, path: "" };
    if (this.#server !== null) return internetAddress(this.family, this.#server.address, this.#server.port);
    const connection = this.#state === "connected" ? this.#connection : null;
    return internetAddress(this.family, connection?.localAddress, connection?.localPort);
  }

  remoteAddress(): SocketAddress {
    this.#settle();
    if (this.#state !== "connected" || this.#peer === null) throw new PosixError("ENOTCONN");
    return this.#peer;
  }

  get readable(): number {
    this.#settle();
    if (this.#state === "listening" || this.#state === "bound") throw new PosixError("EINVAL");
    return this.#ahead.length + (this.#state === "connected" && !this.#readEnded ? this.#connected.readable : 0);
  }

  applyOption(name: keyof SocketOptions): void {
    if (name === "ipv6Only" && this.#state !== "unconnected") throw new PosixError("EINVAL");
    const connection = this.#connection;
    if (connection === null || connection.state.failed || this.family === AF_UNIX) return;
    if (name === "noDelay") connection.setNoDelay(this.options.noDelay === 1);
    if (name === "keepAlive" || name === "keepIdle") {
      connection.setKeepAlive(this.options.keepAlive === 1, this.#keepAliveDelay);
    }
  }

  readiness(): number {
    this.#settle();
    if (this.#state === "listening") return this.#server?.ready === true ? POLLIN | POLLRDNORM : 0;
    if (this.#state === "connecting") return 0;
    if (this.#state !== "connected") {
      const failed = this.hasPendingError ? POLLIN | POLLRDNORM | POLLERR | POLLRDHUP : 0;
      return POLLOUT | POLLWRNORM | POLLHUP | failed;
    }
    const { readable, writable, readEnded, failed } = this.#connected.state;
    if (failed) {
      const reported = this.#readEnded || this.#writeEnded;
      return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP | (reported ? 0 : POLLERR);
    }
    const noMore = this.#readEnded || readEnded;
    let bits = 0;
    if (noMore || readable > 0 || this.#ahead.length > 0) bits |= POLLIN | POLLRDNORM;
    if (noMore) bits |= POLLRDHUP;
    if (this.#writeEnded || writable > 0) bits |= POLLOUT | POLLWRNORM;
    if (this.#writeEnded && noMore) bits |= POLLHUP;
    return bits;
  }

  pollEntry(events: number): PollEntry | null {
    if (this.#state === "listening") return this.#server;
    if (this.#state === "connecting") return this.#connection;
    if (this.#state !== "connected") return null;
    const readable = (events & (POLLIN | POLLRDNORM | POLLRDHUP)) !== 0;
    const writable = (events & (POLLOUT | POLLWRNORM)) !== 0;
    return readable || writable ? { handle: this.#connected, readable, writable } : null;
  }

  close(): void {
    const { lingerOn, lingerTime } = this.options;
    const connection = this.#connection;
    if (connection !== null && lingerOn === 1 && !connection.closed && !connection.state.failed) {
      if (lingerTime === 0) connection.reset();
      else if (!this.nonBlocking) this.#drain(connection, lingerTime * 1000);
    }
    connection?.close();
    this.#server?.close();
  }

  #drain(connection: TcpSocket, timeout: number): void {
    try {
      connection.waitUntilDrained(timeout);
    } catch {
      // The connection has failed: there is nothing to wait for, and close does not report send errors.
    }
  }

  get #connected(): TcpSocket {
    if (this.#connection === null) throw new PosixError("ENOTCONN");
    return this.#connection;
  }

  get #keepAliveDelay(): number {
    const { keepIdle } = this.options;
    return keepIdle === defaultOptions().keepIdle ? 0 : keepIdle * 1000;
  }

  #serve(address: SocketAddress, backlog = 511): void {
    const options: ListenOptions =
      address.family === AF_UNIX
        ? { path: address.path }
        : { host: address.ip, port: address.port, ipv6Only: this.options.ipv6Only === 1, noDelay: false };
    this.#server = listen({ ...options, backlog: Math.min(Math.max(backlog, 1), 65535) });
  }

  #accepted(connection: TcpSocket): StreamSocket {
    const socket = new StreamSocket(this.family, { ...this.options });
    socket.#connection = connection;
    socket.#state = "connected";
    socket.#announced = true;
    socket.#bound = this.#bound?.family === AF_UNIX ? this.#bound : null;
    socket.#peer =
      this.family === AF_UNIX
        ? { family: AF_UNIX, path: "" }
        : internetAddress(this.family, connection.remoteAddress, connection.remotePort);
    if (this.options.noDelay === 1) socket.applyOption("noDelay");
    if (this.options.keepAlive === 1) socket.applyOption("keepAlive");
    return socket;
  }

  #open(address: SocketAddress): void {
    const { noDelay, keepAlive } = this.options;
    const options: ConnectOptions =
      address.family === AF_UNIX
        ? { path: address.path }
        : { host: address.ip, port: address.port, noDelay: noDelay === 1 };
    if (address.family !== AF_UNIX && keepAlive === 1) options.keepAlive = this.#keepAliveDelay || true;
    if (this.#server !== null) {
      const { address: ip, port } = this.#server;
      this.#server.close();
      this.#server = null;
      if (this.family !== AF_UNIX) {
        options.localPort = port;
        if (ip !== anyIp(this.family)) options.localAddress = ip;
      }
    }
    this.#connection = connect(options);
    this.#peer = address;
    this.#state = "connecting";
    this.#announced = false;
  }

  /** Records the result of a connection attempt. */
  #settle(): void {
    if (this.#state !== "connecting" || this.#connected.status === "waiting") return;
    if (this.#connected.waitUntilConnected(0) === "success") {
      this.#state = "connected";
      return;
    }
    const { error, wasEstablished } = outcomeOf(this.#connected);
    if (wasEstablished) {
      this.#state = "connected"; // and has failed since: reading returns its bytes, then its error
      return;
    }
    this.#disconnect();
    this.setPendingError(error);
  }

  #awaitConnection(timeout: number, late: string): void {
    if (this.#state === "connecting") {
      this.#connected.waitUntilConnected(timeout > 0 ? timeout : -1);
      this.#settle();
      if (this.#state === "connecting") throw new PosixError(late);
    }
    this.throwPendingError();
  }

  #mustBeConnected(time: TimeLeft, wait: boolean, otherwise: string): void {
    this.#settle();
    if (this.#state === "connecting") {
      if (!wait) throw new PosixError("EAGAIN");
      this.#awaitConnection(Number.isFinite(time.ms) ? Math.max(time.ms, 0.001) : -1, "EAGAIN");
    }
    this.throwPendingError();
    if (this.#state !== "connected") throw new PosixError(otherwise);
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#server?.close();
    this.#connection = null;
    this.#server = null;
    this.#peer = null;
    this.#state = "unconnected";
    this.#ahead = NOTHING;
    this.#readEnded = false;
    this.#writeEnded = false;
  }

  /** Fills `targets` from position `done` on; returns the number of bytes, or null if no more will come. */
  #take(targets: readonly Uint8Array[], done: number): number | null {
    let count = 0;
    let before = 0;
    for (const target of targets) {
      const start = Math.max(done + count - before, 0);
      before += target.length;
      if (start >= target.length) continue;
      const room = target.subarray(start);
      const moved = this.#takeInto(room);
      if (moved === null) return count > 0 ? count : null;
      count += moved;
      if (moved < room.length) break;
    }
    return count;
  }

  #takeInto(target: Uint8Array): number | null {
    const ahead = this.#ahead.subarray(0, target.length);
    target.set(ahead);
    this.#ahead = this.#ahead.subarray(ahead.length);
    if (ahead.length === target.length) return ahead.length;
    const count = this.#read(target.subarray(ahead.length));
    if (count === null) return ahead.length > 0 ? ahead.length : null;
    return ahead.length + count;
  }

  /** Copies the first bytes and keeps them; returns how many, or null at the end. */
  #peek(targets: readonly Uint8Array[], wanted: number): number | null {
    const missing = Math.min(wanted, PEEK_MAX) - this.#ahead.length;
    const available = Math.min(missing, this.#readEnded ? 0 : this.#connected.readable);
    if (available > 0) {
      const more = Buffer.allocUnsafe(available);
      const count = this.#read(more) ?? 0;
      this.#ahead = Buffer.concat([this.#ahead, more.subarray(0, count)]);
    } else if (missing > 0 && this.#ahead.length === 0 && this.#read(NOTHING_TO_FILL) === null) {
      return null;
    }
    let copied = 0;
    for (const target of targets) {
      const part = this.#ahead.subarray(copied, copied + target.length);
      target.set(part);
      copied += part.length;
    }
    return copied;
  }

  /** Reads from the connection; null once no more bytes will come. A failure is thrown once. */
  #read(target: Uint8Array): number | null {
    if (this.#readEnded) return null;
    try {
      const count = this.#connected.readInto(target);
      if (count === null) this.#readEnded = true;
      return count;
    } catch (error) {
      this.#readEnded = true;
      this.#writeEnded = true;
      throw error;
    }
  }
}

/** Targets for `length` bytes that are dropped: all of them are the same memory. */
function nowhere(length: number): Uint8Array[] {
  const memory = Buffer.allocUnsafe(Math.min(length, NOWHERE_BYTES));
  const whole = new Array<Uint8Array>(Math.floor(length / NOWHERE_BYTES)).fill(memory);
  return [...whole, memory.subarray(0, length % NOWHERE_BYTES)];
}

/** An empty target, to check for the end or a failure without reading. */
const NOTHING_TO_FILL = new Uint8Array(0);

function outcomeOf(connection: TcpSocket): { error: string; wasEstablished: boolean } {
  const { error } = connection;
  const wasEstablished = connection.remoteAddress !== undefined || connection.readable > 0;
  return { error: error === null ? "EIO" : errnoOf(error), wasEstablished };
}
