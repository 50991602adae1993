/**
 * UDP sockets and their datagrams.
 *
 * Runs on the calling thread.
 */

import { isIP } from "node:net";
import { PHASE_FAILED, REQUEST_CLOSE } from "../../ring/layout.js";
import type { UdpCall } from "../../ring/protocol.js";
import { MAX_HOST_BYTES, RecordConsumer, RecordProducer } from "../../ring/record-ring.js";
import { metOrAsk } from "../../ring/room-interest.js";
import { ANYTHING } from "../../ring/signal.js";
import type { Channel, Rings } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import type { RingSizes } from "../link/slot-memory.js";
import { READABLE, WRITABLE } from "../link/watcher.js";
import type { WorkerLink } from "../link/worker-link.js";
import { Address } from "./address.js";
import * as check from "./arguments.js";
import type { Canceller } from "./canceller.js";
import { addressAndPort, Handle } from "./handle.js";
import { hostName } from "./host-name.js";
import { closedHere, NetError, timedOut } from "./net-error.js";

/**
 * The largest payload of a datagram over IPv4, in bytes: 65,535 less the headers of IP (20) and UDP (8). RFC 768, RFC
 * 791.
 */
export const MAX_DATAGRAM = 65507;
/** The timeout of calls that change the socket, in ms; they take microseconds. */
const CALL_MS = 10_000;

/** One datagram. It stays valid after the socket is closed. */
export class Datagram {
  /** The bytes; they belong to the caller. */
  readonly data: Buffer;
  /** The sender's IP. */
  readonly address: string;
  /** The sender's port. */
  readonly port: number;

  /** @internal */
  constructor(data: Buffer, address: string, port: number) {
    this.data = data;
    this.address = address;
    this.port = port;
  }
}

/** The options of a UDP socket, as `UdpSocket.options` returns them. */
export interface UdpSettings extends RingSizes {
  /** Whether other sockets may bind the same port. */
  reuseAddr: boolean;
  /** The same, with datagrams spread over the sockets. */
  reusePort: boolean;
  /** Whether it may send to broadcast addresses. */
  broadcast: boolean;
  /** Whether a socket on `::` refuses IPv4 datagrams. */
  ipv6Only: boolean;
}

/** What `receiveInto` returns. */
export interface ReceivedInto {
  /** The number of bytes copied. */
  length: number;
  /** The datagram's size in bytes; if it is more than `length`, the rest was dropped. */
  size: number;
  /** The sender's IP. */
  address: string;
  /** The sender's port. */
  port: number;
}

/** A bound UDP socket. Made by `bindUdp`. */
export class UdpSocket extends Handle {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  readonly #incoming: RecordConsumer;
  readonly #outgoing: RecordProducer;
  readonly #rings: Rings;
  readonly #family: 4 | 6;
  /** The port it is bound to. */
  readonly port: number;
  /** The IP it is bound to. */
  readonly address: string;
  readonly #settings: Omit<UdpSettings, keyof RingSizes>;
  /** Whether it is connected to a peer. */
  #peer = false;
  /** Whether the oldest datagram's header was read: then it is the current record. */
  #headRead = false;
  /** The host of the last `send`, and what it is sent as. */
  #lastHost: string | null = null;
  #lastTarget = "";
  #droppedAtClose = 0;

  /** @internal Use `bindUdp`. */
  constructor(link: WorkerLink, channel: Channel, family: 4 | 6, settings: Omit<UdpSettings, keyof RingSizes>) {
    super();
    const rings = channel.rings as Rings;
    this.#link = link;
    this.#channel = channel;
    this.#rings = rings;
    this.#family = family;
    const { reuseAddr, reusePort, ipv6Only } = settings;
    this.#settings = { reuseAddr, reusePort, broadcast: settings.broadcast, ipv6Only };
    this.#incoming = new RecordConsumer(rings.receive);
    this.#outgoing = new RecordProducer(rings.send);
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    channel.countsDropped = true;
    channel.destination = { address: this.address, port: this.port };
    this.bindChannel(channel, () => channel.request(REQUEST_CLOSE));
  }

  /**
   * Sends one datagram of 0 to 65,507 bytes to `host` (an IP, a name, or an `Address`) and `port`; without both, to the
   * peer of `connect`. Returns false if the send ring has no room (see `waitUntilWritable`): the datagram was not
   * taken. Throws `NetError`s: `EMSGSIZE` if it is too long, `EAFNOSUPPORT` for an IP of the wrong family, the
   * address's own if its look-up failed, `ERR_ADDRESS_WAITING` if that is still under way, and, once each, errors of
   * earlier datagrams (`ECONNREFUSED` on a connected socket, `ENETUNREACH`, …): then this one was not taken.
   */
  send(data: string | Uint8Array, port?: number, host?: string | Address): boolean {
    this.#mustBeOpen();
    const bytes = check.bytes("data", data);
    const connected = port === undefined && host === undefined;
    if (!connected) check.integer("port", port, 1, 65535);
    const target = connected ? this.#connectedHost() : this.#hostOf(host);
    if (bytes.length > MAX_DATAGRAM) {
      throw new NetError({
        code: "EMSGSIZE",
        syscall: "send",
        message: `send EMSGSIZE: a datagram of ${bytes.length} bytes is longer than ${MAX_DATAGRAM}`,
      });
    }
    this.#throwPendingError(WRITABLE);
    if (!this.#outgoing.write(target, port ?? 0, bytes)) {
      this.#channel.link.caller.maybeCheckLiveness();
      return false;
    }
    this.#link.traffic.bytesWritten += bytes.length;
    this.#channel.notifyWorker();
    return true;
  }

  /** Receives the oldest datagram; `null` if there is none. Throws errors of earlier `send`s, once each. */
  receive(): Datagram | null {
    this.#mustBeOpen();
    if (!this.#hasHead()) return null;
    const datagram = this.#copyOfHead();
    this.#dropHead();
    return datagram;
  }

  /** A copy of the oldest datagram, which stays in the queue; `null` if there is none. Throws as `receive`. */
  peek(): Datagram | null {
    this.#mustBeOpen();
    return this.#hasHead() ? this.#copyOfHead() : null;
  }

  /**
   * Receives the oldest datagram into `target`: copies what fits, drops the rest, and returns its size and where it
   * came from; `null` if there is none. Throws as `receive`.
   */
  receiveInto(target: Uint8Array): ReceivedInto | null {
    if (!(target instanceof Uint8Array)) throw new TypeError("target must be a Uint8Array");
    this.#mustBeOpen();
    if (!this.#hasHead()) return null;
    const { payloadLength: size, host: address, port } = this.#incoming;
    const length = Math.min(size, target.length);
    this.#incoming.copyPayload(length === target.length ? target : target.subarray(0, length));
    this.#dropHead();
    return { length, size, address, port };
  }

  /** The size of the oldest datagram in bytes; `null` if there is none. Changes nothing. */
  get nextSize(): number | null {
    if (this.closed || !this.#readHead()) return null;
    return this.#incoming.payloadLength;
  }

  /** The options in effect. */
  get options(): UdpSettings {
    const { receive, send } = this.#rings;
    return { ...this.#settings, receiveBuffer: receive.capacity, sendBuffer: send.capacity };
  }

  /**
   * Blocks for a datagram and returns it. Throws a `NetError` with code `ETIMEDOUT` after `timeout` ms, and as
   * `receive`.
   */
  receiveWait(timeout: Timeout = -1): Datagram {
    const deadline = Deadline.of(timeout);
    for (;;) {
      const datagram = this.receive();
      if (datagram !== null) return datagram;
      if (!this.#block(deadline, UdpSocket.#isReadable))
        throw this.#channel.outOfTime(timedOut("receiveWait", deadline.timeout));
    }
  }

  /**
   * Blocks until `receive` will return a datagram or throw, or `timeout` ms have passed (0: polls once; -1: no limit);
   * returns whether it will.
   */
  waitUntilReadable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    return this.#block(Deadline.of(timeout), UdpSocket.#isReadable);
  }

  /**
   * Blocks until the send ring has room for a datagram of any size, or `timeout` ms have passed; returns whether it
   * has. Throws if the socket has failed.
   */
  waitUntilWritable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    const writable = this.#block(Deadline.of(timeout), UdpSocket.#isWritable);
    this.#throwFailure(WRITABLE);
    return writable;
  }

  /**
   * Blocks until the operating system has taken everything, or `timeout` ms have passed; returns the number of bytes
   * that it has not taken, including datagrams whose host is being looked up.
   */
  waitUntilDrained(timeout: Timeout = -1): number {
    this.#mustBeOpen();
    this.#block(Deadline.of(timeout), UdpSocket.#isDrained);
    this.#throwFailure(WRITABLE);
    return this.#channel.unsent;
  }

  /** The number of datagrams lost because the receive ring was full. Counts until `close()`. */
  get dropped(): number {
    return this.closed ? this.#droppedAtClose : this.#channel.count >>> 0;
  }

  /**
   * Connects the socket to one peer: `send` then needs no address, datagrams from others are dropped, and refusals are
   * reported. Blocks for at most 10 s, until a name is looked up and earlier datagrams are sent. Throws the look-up's
   * error, which changes nothing; or the system's (`ENETUNREACH`, …) or `ETIMEDOUT`, after which the socket is not
   * connected.
   */
  connect(port: number, host: string | Address): void {
    check.integer("port", port, 1, 65535);
    this.#mustBeOpen();
    const deadline = new Deadline(CALL_MS);
    const target = this.#ipOf(this.#hostOf(host), deadline);
    this.#peer = false;
    this.#call({ name: "connect", host: target, port }, deadline);
    this.#peer = true;
  }

  /** Undoes `connect`. */
  disconnect(): void {
    this.#call({ name: "disconnect" });
    this.#peer = false;
  }

  /** Allows or forbids sending to broadcast addresses. */
  setBroadcast(on: boolean): void {
    this.#call({ name: "setBroadcast", on: check.boolean("on", on) });
    this.#settings.broadcast = on;
  }

  /**
   * Sets the number of hops that a datagram may make: 1 to 255. On a socket for both families it applies to IPv6 only,
   * as do the multicast options (libuv sets the socket's own family): bind to `0.0.0.0` for IPv4.
   */
  setTtl(ttl: number): void {
    this.#call({ name: "setTtl", ttl: check.integer("ttl", ttl, 1, 255) });
  }

  /** Sets the number of hops that a multicast datagram may make: 0 to 255. */
  setMulticastTtl(ttl: number): void {
    this.#call({ name: "setMulticastTtl", ttl: check.integer("ttl", ttl, 0, 255) });
  }

  /** Sets whether members of a group on this machine receive what this socket sends. */
  setMulticastLoopback(on: boolean): void {
    this.#call({ name: "setMulticastLoopback", on: check.boolean("on", on) });
  }

  /** Chooses the interface that multicast goes out through, by its IP (IPv4) or scope (IPv6, `::%eth0`). */
  setMulticastInterface(address: string): void {
    this.#call({ name: "setMulticastInterface", address: check.text("address", address) });
  }

  /** Joins a multicast group, on the interface with this IP, or on one the system chooses. */
  addMembership(group: string, interfaceAddress?: string): void {
    this.#call({ name: "addMembership", group: check.text("group", group), interface: interfaceOf(interfaceAddress) });
  }

  /** Leaves a multicast group. */
  dropMembership(group: string, interfaceAddress?: string): void {
    this.#call({ name: "dropMembership", group: check.text("group", group), interface: interfaceOf(interfaceAddress) });
  }

  override canceller(): Canceller {
    this.#mustBeOpen();
    return super.canceller();
  }

  get ready(): boolean {
    if (this.closed) return false;
    if (this.#rings.receive.readable > 0 || this.#channel.hasPendingError) return true;
    return this.#channel.phase === PHASE_FAILED && !this.#channel.errorTaken(READABLE);
  }

  /** @internal */
  override readyFor(interest: number): boolean {
    if ((interest & READABLE) !== 0 && this.ready) return true;
    if ((interest & WRITABLE) === 0 || this.closed) return false;
    if (this.#channel.phase === PHASE_FAILED) return !this.#channel.errorTaken(WRITABLE);
    return UdpSocket.#isWritable(this);
  }

  protected override describe(): string {
    const failed = this.#channel.phase === PHASE_FAILED ? [`failed: ${this.#channel.error.code}`] : ["bound"];
    const how = [
      ...failed,
      ...(this.#peer ? ["connected"] : []),
      `next ${this.nextSize ?? "none"}`,
      `dropped ${this.dropped}`,
    ];
    return `${addressAndPort(this.address, this.port)}, ${how.join(", ")}`;
  }

  protected override onClose(): void {
    this.#droppedAtClose = this.#channel.count >>> 0;
    this.#link.traffic.dropped += this.#droppedAtClose;
    this.unbindChannel();
    this.#channel.request(REQUEST_CLOSE);
  }

  static #isReadable(socket: UdpSocket): boolean {
    return (
      socket.#rings.receive.readable > 0 || socket.#channel.hasPendingError || socket.#channel.phase === PHASE_FAILED
    );
  }

  // The conditions on room declare write interest if they do not hold.

  static #isWritable(socket: UdpSocket): boolean {
    return metOrAsk(socket.#channel.words, UdpSocket.#hasRoom, socket);
  }

  static #hasRoom(socket: UdpSocket): boolean {
    const room = MAX_DATAGRAM + MAX_HOST_BYTES + 8;
    return socket.#rings.send.free >= room || socket.#channel.phase === PHASE_FAILED;
  }

  static #isDrained(socket: UdpSocket): boolean {
    return metOrAsk(socket.#channel.words, UdpSocket.#isSent, socket);
  }

  static #isSent(socket: UdpSocket): boolean {
    return socket.#channel.unsent === 0 || socket.#channel.phase === PHASE_FAILED;
  }

  /** Reads the header of the oldest datagram; returns whether there is one. */
  #readHead(): boolean {
    this.#headRead ||= this.#incoming.next();
    return this.#headRead;
  }

  /** The same for a call that may throw. */
  #hasHead(): boolean {
    if (this.#readHead()) return true;
    this.#throwPendingError(READABLE);
    this.#channel.link.caller.maybeCheckLiveness();
    return false;
  }

  #copyOfHead(): Datagram {
    const { payloadLength, host, port } = this.#incoming;
    const data = Buffer.allocUnsafe(payloadLength);
    this.#incoming.copyPayload(data);
    return new Datagram(data, host, port);
  }

  #dropHead(): void {
    this.#link.traffic.bytesRead += this.#incoming.payloadLength;
    this.#headRead = false;
    this.#incoming.release(this.#incoming.recordLength);
  }

  #block(deadline: Deadline, met: (socket: UdpSocket) => boolean): boolean {
    return this.#channel.wait(deadline, met, this);
  }

  #connectedHost(): string {
    if (this.#peer) return "";
    throw new NetError({
      code: "EDESTADDRREQ",
      syscall: "send",
      message: "send EDESTADDRREQ: no port and host, and not connected",
    });
  }

  #hostOf(host: string | Address | undefined): string {
    let text: string;
    if (host instanceof Address) {
      if (host.status === "failure") throw host.freshError();
      const ip = host.ips.find((each) => this.#canReach(each)) ?? host.ip;
      if (ip === null) {
        throw new NetError({
          code: "ERR_ADDRESS_WAITING",
          message: `the address of ${host.hostname} is not known yet`,
        });
      }
      text = ip;
    } else {
      if (host === this.#lastHost) return this.#lastTarget;
      text = hostName("host", host);
      if (text.length > MAX_HOST_BYTES) throw new RangeError(`host must have at most ${MAX_HOST_BYTES} characters`);
    }
    if (!this.#canReach(text)) {
      throw new NetError({
        code: "EAFNOSUPPORT",
        syscall: "send",
        address: text,
        message: `send EAFNOSUPPORT: ${text} is not an IPv${this.#family} address, as this socket needs`,
      });
    }
    // A socket for both families takes IPv4 addresses mapped into IPv6 (RFC 4291, 2.5.5.2).
    const target = this.#family === 6 && isIP(text) === 4 ? `::ffff:${text}` : text;
    if (typeof host === "string") {
      this.#lastHost = host;
      this.#lastTarget = target;
    }
    return target;
  }

  /** The IP of a name, which it looks up; an IP unchanged. */
  #ipOf(host: string, deadline: Deadline): string {
    if (isIP(host) !== 0) return host;
    using address = new Address(host, () => this.#link);
    this.#channel.link.caller.wait(ANYTHING, deadline, () => address.status !== "waiting", null);
    if (address.status === "waiting")
      throw this.#channel.outOfTime({ ...timedOut(`the look-up of ${host}`, CALL_MS), host });
    return this.#hostOf(address);
  }

  /**
   * Whether the socket can send to an IP: one bound to an IPv4 address sends over IPv4 only, one bound to an IPv6
   * address over IPv6 only, one bound to `::` over both.
   */
  #canReach(ip: string): boolean {
    const family = isIP(ip);
    if (family === 0 || family === this.#family) return true;
    return this.#family === 6 && this.address === "::";
  }

  #call(call: UdpCall, deadline = new Deadline(CALL_MS)): void {
    this.#mustBeOpen();
    const link = this.#link;
    const { handleId } = this.#channel;
    const request = link.notices.nextRequest();
    try {
      link.post({ type: "udp-call", handleId, request, call });
      const answered = (): boolean =>
        link.notices.replyTo(request) !== undefined || this.#channel.phase === PHASE_FAILED;
      link.caller.wait(ANYTHING, deadline, answered, null);
      const fault = link.notices.replyTo(request);
      if (fault) throw new NetError(fault);
      if (fault === null) return;
      this.#throwFailure(0);
      // Cancelled, so that it does not take effect after this call has thrown.
      link.post({ type: "udp-call", handleId, request, call: { name: "cancel" } });
      throw this.#channel.outOfTime(timedOut(call.name, CALL_MS));
    } finally {
      link.notices.dropReply(request);
    }
  }

  #throwPendingError(interest: number): void {
    this.#throwFailure(interest);
    const error = this.#channel.takePendingError();
    if (error !== null) throw error;
  }

  #throwFailure(interest: number): void {
    if (this.#channel.phase === PHASE_FAILED) throw this.#channel.takeError(interest);
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("UDP socket", this.#channel.where);
  }
}

function interfaceOf(address: string | undefined): string | null {
  return address === undefined ? null : check.text("interfaceAddress", address);
}
