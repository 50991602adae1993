/**
 * A datagram socket: UDP. If the program has not bound it, the first use does.
 *
 * Runs on the calling thread.
 */

import { bindUdp, type Datagram, MAX_DATAGRAM, type PollEntry, type UdpSocket } from "../main/index.js";
import {
  anyIp,
  type Family,
  type InternetAddress,
  internetAddress,
  type NoAddress,
  type SocketAddress,
} from "./address.js";
import {
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
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
  SOCK_DGRAM,
} from "./constants.js";
import { errnoOf, PosixError } from "./errors.js";
import { PosixSocket, type Received, totalOf } from "./posix-socket.js";
import { defaultOptions, type SocketOptions } from "./socket-options.js";
import { TimeLeft } from "./time-left.js";

export class DatagramSocket extends PosixSocket {
  readonly type = SOCK_DGRAM;
  readonly listening = false;
  #socket: UdpSocket | null = null;
  #peer: InternetAddress | null = null;
  /** A datagram that was taken from the socket and not returned to the program yet. */
  #ahead: Datagram | null = null;
  #readEnded = false;
  #writeEnded = false;

  constructor(family: Family, options: SocketOptions = defaultOptions()) {
    super(family, options);
    if (family === AF_UNIX) throw new PosixError("EPROTONOSUPPORT", "Node has no Unix domain datagram sockets");
  }

  bind(address: SocketAddress): void {
    this.mustBeOfFamily(address);
    if (this.#socket !== null) throw new PosixError("EINVAL", "the socket is bound already");
    const { ip, port } = address as InternetAddress;
    this.#bindTo(ip, port);
  }

  listen(): void {
    throw new PosixError("EOPNOTSUPP");
  }

  accept(): PosixSocket {
    throw new PosixError("EOPNOTSUPP");
  }

  connect(address: SocketAddress | NoAddress): void {
    if (address.family === AF_UNSPEC) {
      if (this.#peer !== null) this.#bound.disconnect();
      this.#peer = null;
      return;
    }
    const peer = this.#destination(address);
    if (this.#peer !== null) {
      this.#bound.disconnect();
      this.#peer = null;
    }
    this.#bound.connect(peer.port, peer.ip);
    this.#peer = peer;
  }

  receive(targets: readonly Uint8Array[], flags = 0): Received {
    if ((flags & MSG_OOB) !== 0) throw new PosixError("EOPNOTSUPP");
    if ((flags & MSG_ERRQUEUE) !== 0) throw new PosixError("EAGAIN");
    const socket = this.#bound;
    const time = TimeLeft.of(this.receiveTimeout);
    const wait = !this.nonBlocking && (flags & MSG_DONTWAIT) === 0;
    this.throwPendingError();
    let datagram = this.#ahead ?? socket.receive();
    while (datagram === null) {
      if (this.#readEnded) return { length: 0, address: null, truncated: false };
      if (!wait || !socket.waitUntilReadable(time.ms)) throw new PosixError("EAGAIN");
      datagram = socket.receive();
    }
    this.#ahead = (flags & MSG_PEEK) !== 0 ? datagram : null;
    const { data, address, port } = datagram;
    let copied = 0;
    for (const target of targets) {
      const part = data.subarray(copied, copied + target.length);
      target.set(part);
      copied += part.length;
    }
    return {
      length: (flags & MSG_TRUNC) !== 0 ? data.length : copied,
      address: internetAddress(this.family, address, port),
      truncated: copied < data.length,
    };
  }

  send(pieces: readonly Uint8Array[], flags = 0, address: SocketAddress | null = null): number {
    if ((flags & MSG_OOB) !== 0) throw new PosixError("EOPNOTSUPP");
    if (this.#writeEnded) throw new PosixError("EPIPE");
    const length = totalOf(pieces);
    if (length > MAX_DATAGRAM)
      throw new PosixError("EMSGSIZE", `a datagram of ${length} bytes is longer than ${MAX_DATAGRAM}`);
    const destination = this.#destinationOf(address);
    const socket = this.#bound;
    const time = TimeLeft.of(this.sendTimeout);
    const wait = !this.nonBlocking && (flags & MSG_DONTWAIT) === 0;
    this.throwPendingError();
    const data = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
    for (;;) {
      const taken = destination === null ? socket.send(data) : socket.send(data, destination.port, destination.ip);
      if (taken) return length;
      if (!wait || !socket.waitUntilWritable(time.ms)) throw new PosixError("EAGAIN");
    }
  }

  shutdown(how: number): void {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) throw new PosixError("EINVAL");
    if (this.#peer === null) throw new PosixError("ENOTCONN");
    if (how !== SHUT_WR) this.#readEnded = true;
    if (how !== SHUT_RD) this.#writeEnded = true;
  }

  localAddress(): SocketAddress {
    return internetAddress(this.family, this.#socket?.address, this.#socket?.port);
  }

  remoteAddress(): SocketAddress {
    if (this.#peer === null) throw new PosixError("ENOTCONN");
    return this.#peer;
  }

  get readable(): number {
    this.#receiveAhead();
    return this.#ahead?.data.length ?? 0;
  }

  applyOption(name: keyof SocketOptions): void {
    if (name === "ipv6Only" && this.#socket !== null) throw new PosixError("EINVAL");
    const socket = this.#socket;
    if (socket === null) return; // applied when it is bound
    const value = this.options[name];
    if (name === "broadcast") socket.setBroadcast(value === 1);
    if (name === "hops") socket.setTtl(value);
    if (name === "multicastHops") socket.setMulticastTtl(value);
    if (name === "multicastLoopback") socket.setMulticastLoopback(value === 1);
  }

  override setMembership(member: boolean, group: string, interfaceAddress: string | undefined): void {
    if (member) this.#bound.addMembership(group, interfaceAddress);
    else this.#bound.dropMembership(group, interfaceAddress);
  }

  override setMulticastInterface(interfaceAddress: string): void {
    this.#bound.setMulticastInterface(interfaceAddress);
  }

  readiness(): number {
    const socket = this.#bound;
    this.#receiveAhead();
    let bits = 0;
    if (this.#ahead !== null) bits |= POLLIN | POLLRDNORM;
    if (this.hasPendingError) bits |= POLLIN | POLLRDNORM | POLLERR;
    if (this.#readEnded) bits |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.#readEnded && this.#writeEnded) bits |= POLLHUP;
    if (this.hasPendingError || socket.waitUntilWritable(0)) bits |= POLLOUT | POLLWRNORM;
    return bits;
  }

  pollEntry(events: number): PollEntry | null {
    const readable = (events & (POLLIN | POLLRDNORM)) !== 0;
    const writable = (events & (POLLOUT | POLLWRNORM)) !== 0;
    return readable || writable ? { handle: this.#bound, readable, writable } : null;
  }

  close(): void {
    this.#socket?.close();
  }

  get #bound(): UdpSocket {
    return this.#socket ?? this.#bindTo(anyIp(this.family), 0);
  }

  #bindTo(host: string, port: number): UdpSocket {
    const socket = bindUdp({
      host,
      port,
      reuseAddr: this.options.reuseAddress === 1 || this.options.reusePort === 1,
      ipv6Only: this.family === AF_INET6 && this.options.ipv6Only === 1,
      broadcast: this.options.broadcast === 1,
    });
    this.#socket = socket;
    const unset = defaultOptions();
    for (const name of ["hops", "multicastHops", "multicastLoopback"] as const) {
      if (this.options[name] !== unset[name]) this.applyOption(name);
    }
    return socket;
  }

  /** Takes the next datagram, or the error of an earlier one, from the socket and keeps it for the next call. */
  #receiveAhead(): void {
    if (this.#ahead !== null || this.hasPendingError || this.#socket === null) return;
    try {
      this.#ahead = this.#socket.receive();
    } catch (error) {
      this.setPendingError(errnoOf(error));
    }
  }

  #destinationOf(address: SocketAddress | null): InternetAddress | null {
    if (address === null) {
      if (this.#peer === null) throw new PosixError("EDESTADDRREQ");
      return null;
    }
    const destination = this.#destination(address);
    if (this.#peer === null) return destination;
    if (destination.ip === this.#peer.ip && destination.port === this.#peer.port) return null;
    throw new PosixError("EISCONN", "a connected socket sends only to its peer");
  }

  #destination(address: SocketAddress): InternetAddress {
    this.mustBeOfFamily(address);
    const destination = address as InternetAddress;
    if (destination.port === 0) throw new PosixError("EINVAL", "no datagram can be sent to port 0");
    return destination;
  }
}
