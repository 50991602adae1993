/**
 * `wasi:sockets/udp` and `udp-create-socket`.
 *
 * Runs on the calling thread.
 */

import { bindUdp, type UdpSocket as Handle, type PollEntry } from "../main/index.js";
import { errorCodeOf, withErrorCode } from "./error-codes.js";
import {
  endpointOf,
  type IpAddressFamily,
  type IpSocketAddress,
  isDestination,
  isOfFamily,
  sameAddress,
  socketAddressOf,
} from "./ip-addresses.js";
import { Network } from "./network.js";
import { type EventSource, Pollable } from "./pollable.js";
import { DISPOSE, trap } from "./resource.js";
import { bufferSize, positive } from "./settings.js";

export interface IncomingDatagram {
  data: Uint8Array;
  remoteAddress: IpSocketAddress;
}

export interface OutgoingDatagram {
  data: Uint8Array;
  remoteAddress?: IpSocketAddress | undefined;
}

/** How many datagrams `check-send` allows while there is room. */
const SEND_PERMIT = 64;

/** How many datagrams one `receive` returns at most. */
const RECEIVE_MAX = 256;

/** The most bytes of a datagram. */
const MAX_BYTES = 65507;

const DEFAULT_HOPS = 64;
const DEFAULT_BUFFER = 1048576n;

export class UdpSocket implements EventSource {
  readonly #family: IpAddressFamily;
  #handle: Handle | null = null;
  #bindInProgress = false;
  /** The pair of streams that is operational. */
  #pair: DatagramPair | null = null;
  /** The socket resource and its streams that are not dropped yet. */
  #holders = 1;
  #hopLimit = DEFAULT_HOPS;
  #receiveBufferSize = DEFAULT_BUFFER;
  #sendBufferSize = DEFAULT_BUFFER;
  #dropped = false;

  /** @internal Guests get sockets by `create-udp-socket`. */
  constructor(family: IpAddressFamily) {
    this.#family = family;
  }

  startBind(network: Network, localAddress: IpSocketAddress): void {
    if (this.#bindInProgress) throw "concurrency-conflict";
    if (this.#handle !== null || this.#dropped) throw "invalid-state";
    if (!Network.allows(network)) throw "access-denied";
    if (!isOfFamily(localAddress, this.#family)) throw "invalid-argument";
    const { ip, port } = endpointOf(localAddress);
    const handle = withErrorCode(() => bindUdp({ host: ip, port, ipv6Only: this.#family === "ipv6" }));
    try {
      if (this.#hopLimit !== DEFAULT_HOPS) withErrorCode(() => handle.setTtl(this.#hopLimit));
    } catch (error) {
      handle.close();
      throw error;
    }
    this.#handle = handle;
    this.#bindInProgress = true;
  }

  finishBind(): void {
    if (!this.#bindInProgress) throw "not-in-progress";
    this.#bindInProgress = false;
  }

  stream(remoteAddress: IpSocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    const handle = this.#bound;
    if (remoteAddress !== undefined && !isDestination(remoteAddress, this.#family)) throw "invalid-argument";
    const pair = new DatagramPair(handle, this.#family, remoteAddress, () => this.#release());
    const earlier = this.#pair;
    if (earlier !== null) {
      this.#pair = null; // whatever fails below, its streams have ended
      earlier.superseded = true;
      if (earlier.remote !== undefined) withErrorCode(() => handle.disconnect());
      pair.inherit(earlier);
    }
    if (remoteAddress !== undefined) {
      const { ip, port } = endpointOf(remoteAddress);
      withErrorCode(() => handle.connect(port, ip));
    }
    this.#pair = pair;
    this.#holders += 2;
    return [new IncomingDatagramStream(pair), new OutgoingDatagramStream(pair)];
  }

  localAddress(): IpSocketAddress {
    const { address, port } = this.#bound;
    return socketAddressOf(address, port, this.#family);
  }

  remoteAddress(): IpSocketAddress {
    const remote = this.#pair?.remote;
    if (remote === undefined) throw "invalid-state";
    return remote;
  }

  addressFamily(): IpAddressFamily {
    return this.#family;
  }

  unicastHopLimit(): number {
    return this.#hopLimit;
  }

  setUnicastHopLimit(value: number): void {
    positive(value);
    withErrorCode(() => this.#handle?.setTtl(value));
    this.#hopLimit = value;
  }

  receiveBufferSize(): bigint {
    return this.#receiveBufferSize;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#receiveBufferSize = bufferSize(value);
  }

  sendBufferSize(): bigint {
    return this.#sendBufferSize;
  }

  setSendBufferSize(value: bigint): void {
    this.#sendBufferSize = bufferSize(value);
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  /** Binding is done at once, so there is nothing to wait for. */
  isReady(): boolean {
    return true;
  }

  pollEntry(): null {
    return null;
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#release();
  }

  get #bound(): Handle {
    if (this.#handle === null || this.#bindInProgress || this.#dropped) throw "invalid-state";
    return this.#handle;
  }

  #release(): void {
    if (--this.#holders === 0) this.#handle?.close();
  }
}

/** What the two streams of one call of `stream` share. */
class DatagramPair {
  readonly handle: Handle;
  readonly family: IpAddressFamily;
  readonly remote: IpSocketAddress | undefined;
  /** Another call of `stream` has made another pair. */
  superseded = false;
  readonly release: () => void;
  #next: IncomingDatagram | null = null;
  /** The failure of an earlier datagram, or of the socket, for `receive` to throw. */
  #error: unknown = null;
  /** The failure of an earlier datagram for `send` to throw. */
  #sendError: unknown = null;

  constructor(handle: Handle, family: IpAddressFamily, remote: IpSocketAddress | undefined, release: () => void) {
    this.handle = handle;
    this.family = family;
    this.remote = remote;
    this.release = release;
  }

  /** Takes over the datagram that an earlier pair has received and not returned, if this one's peer has sent it. */
  inherit(earlier: DatagramPair): void {
    if (earlier.#next !== null && this.#isOfPeer(earlier.#next)) this.#next = earlier.#next;
  }

  /** The datagrams of the peer, at most `limit`. If there are none, throws the code of an earlier failure, once. */
  receive(limit: number): IncomingDatagram[] {
    const received: IncomingDatagram[] = [];
    while (received.length < limit && this.look()) {
      if (this.#next === null) {
        if (received.length > 0) break; // the next call throws the failure
        const error = this.#error;
        this.#error = null;
        throw errorCodeOf(error);
      }
      received.push(this.#next);
      this.#next = null;
    }
    return received;
  }

  /** Throws the code of an earlier datagram's failure, once. */
  throwSendError(): void {
    const error = this.#sendError;
    this.#sendError = null;
    if (error !== null) throw errorCodeOf(error);
  }

  /** Whether `receive` returns a datagram or throws. Datagrams of others are dropped. */
  look(): boolean {
    while (this.#next === null && this.#error === null) {
      try {
        const datagram = this.handle.receive();
        if (datagram === null) return false;
        const remoteAddress = socketAddressOf(datagram.address, datagram.port, this.family);
        const incoming = { data: datagram.data, remoteAddress };
        if (this.#isOfPeer(incoming)) this.#next = incoming;
      } catch (error) {
        // Without a peer, one that can't be reached does not concern the others.
        if (this.remote === undefined && !this.#hasFailed) this.#sendError ??= error;
        else this.#error = error;
      }
    }
    return true;
  }

  /** Whether the socket has failed, not only a datagram. */
  get #hasFailed(): boolean {
    try {
      this.handle.waitUntilWritable(0);
      return false;
    } catch {
      return true;
    }
  }

  #isOfPeer({ remoteAddress }: IncomingDatagram): boolean {
    return this.remote === undefined || sameAddress(remoteAddress, this.remote);
  }
}

export class IncomingDatagramStream implements EventSource {
  #pair: DatagramPair | null;

  /** @internal Guests get streams by `stream`. */
  constructor(pair: DatagramPair) {
    this.#pair = pair;
  }

  receive(maxResults: bigint): IncomingDatagram[] {
    return operational(this.#pair).receive(maxResults > RECEIVE_MAX ? RECEIVE_MAX : Number(maxResults));
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  isReady(): boolean {
    return this.#pair === null || this.#pair.superseded || this.#pair.look();
  }

  pollEntry(): PollEntry | null {
    return this.#pair?.handle ?? null;
  }

  [DISPOSE](): void {
    this.#pair?.release();
    this.#pair = null;
  }
}

export class OutgoingDatagramStream implements EventSource {
  #pair: DatagramPair | null;
  /** The datagrams that the last `check-send` allowed; null if there was none since the last `send`. */
  #permit: number | null = null;

  /** @internal Guests get streams by `stream`. */
  constructor(pair: DatagramPair) {
    this.#pair = pair;
  }

  checkSend(): bigint {
    const { handle } = operational(this.#pair);
    const permit = withErrorCode(() => handle.waitUntilWritable(0)) ? SEND_PERMIT : 0;
    this.#permit = permit;
    return BigInt(permit);
  }

  send(datagrams: readonly OutgoingDatagram[]): bigint {
    const permit = this.#permit;
    if (permit === null) trap("send without check-send");
    if (datagrams.length > permit) {
      trap(`send of ${datagrams.length} datagrams, and check-send has allowed ${permit}`);
    }
    this.#permit = null;
    const pair = operational(this.#pair);
    pair.throwSendError();
    let sent = 0;
    for (const datagram of datagrams) {
      try {
        if (!sendOne(pair, datagram)) break;
      } catch (error) {
        if (sent > 0) break;
        throw error;
      }
      sent++;
    }
    return BigInt(sent);
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  isReady(): boolean {
    if (this.#pair === null || this.#pair.superseded) return true;
    try {
      return this.#pair.handle.waitUntilWritable(0);
    } catch {
      return true; // check-send returns the error
    }
  }

  pollEntry(): PollEntry | null {
    return this.#pair === null ? null : { handle: this.#pair.handle, writable: true };
  }

  [DISPOSE](): void {
    this.#pair?.release();
    this.#pair = null;
  }
}

function operational(pair: DatagramPair | null): DatagramPair {
  if (pair === null || pair.superseded) throw "invalid-state";
  return pair;
}

/** Returns false if there is no room. */
function sendOne({ handle, family, remote }: DatagramPair, { data, remoteAddress }: OutgoingDatagram): boolean {
  const target = remoteAddress ?? remote;
  if (target === undefined || !isDestination(target, family)) throw "invalid-argument";
  if (remote !== undefined && !sameAddress(target, remote)) throw "invalid-argument";
  if (data.length > MAX_BYTES) throw "datagram-too-large";
  if (remote !== undefined) return withErrorCode(() => handle.send(data));
  const { ip, port } = endpointOf(target);
  return withErrorCode(() => handle.send(data, port, ip));
}

/** `wasi:sockets/udp-create-socket`. */
export function createUdpSocket(family: IpAddressFamily): UdpSocket {
  if (family !== "ipv4" && family !== "ipv6") throw "not-supported";
  return new UdpSocket(family);
}
