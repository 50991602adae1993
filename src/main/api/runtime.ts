/**
 * A runtime: networking threads, and the functions that open things on them.
 *
 * Runs on the calling thread. The networking threads start at the first use.
 */

import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Fault } from "../../ring/fault-text.js";
import { LINK_BLOCK_BYTES, PHASE_WAITING, REQUEST_CLOSE, WORKER_BLOCK_BYTES } from "../../ring/layout.js";
import type { Target } from "../../ring/protocol.js";
import { thisCaller, uniqueName } from "../link/caller.js";
import type { Channel } from "../link/channel.js";
import { Deadline } from "../link/deadline.js";
import { flush } from "../link/flush.js";
import { NetworkThreads, type ThreadLimits } from "../link/network-threads.js";
import { readableStack } from "../link/thread-stack.js";
import { WorkerLink } from "../link/worker-link.js";
import { Address } from "./address.js";
import * as check from "./arguments.js";
import { hostName } from "./host-name.js";
import { NetError, RUNTIME_CLOSED, timedOut } from "./net-error.js";
import { BIND_UDP_HINTS, CONNECT_HINTS, LISTEN_HINTS } from "./option-hints.js";
import { type Names, ownOptions } from "./option-names.js";
import type { BindUdpOptions, ConnectOptions, ListenOptions, RuntimeOptions } from "./options.js";
import { TcpServer } from "./tcp-server.js";
import { TcpSocket } from "./tcp-socket.js";
import { tlsParameters } from "./tls-options.js";
import { UdpSocket } from "./udp-socket.js";

/** Bytes of a ring unless told otherwise: what keeps up with `node:net`. Pages that are not used take no memory. */
const RING_BYTES = 1024 * 1024;
const SMALLEST_RING = 4096;
const LARGEST_RING = 2 ** 28;
/** A UDP ring must hold a datagram of any size and its header. */
const SMALLEST_UDP_RING = 128 * 1024;
const LINGER_MS = 5000;
/** What a request and its response take on one machine, with room to spare; see docs/architecture.md. */
const BUSY_POLL_US = 400;
/** How long a bind may take, in ms: it takes microseconds, unless a name must be looked up. */
const BIND_MS = 30_000;

const CONNECT_OPTIONS: Names<ConnectOptions> = {
  host: true,
  port: true,
  path: true,
  tls: true,
  timeout: true,
  noDelay: true,
  keepAlive: true,
  localAddress: true,
  receiveBuffer: true,
  sendBuffer: true,
};
const LISTEN_OPTIONS: Names<ListenOptions> = {
  port: true,
  host: true,
  path: true,
  tls: true,
  backlog: true,
  ipv6Only: true,
  noDelay: true,
  keepAlive: true,
  receiveBuffer: true,
  sendBuffer: true,
};
const BIND_UDP_OPTIONS: Names<BindUdpOptions> = {
  port: true,
  host: true,
  reuseAddr: true,
  broadcast: true,
  ipv6Only: true,
  receiveBuffer: true,
  sendBuffer: true,
};
const RUNTIME_OPTIONS: Names<RuntimeOptions> = {
  threads: true,
  receiveBuffer: true,
  sendBuffer: true,
  busyPoll: true,
  lingerMs: true,
  resourceLimits: true,
};
const THREAD_LIMITS: Names<ThreadLimits> = { maxOldGenerationSizeMb: true };

/** Networking threads of one's own, and what is opened on them. Made by `createRuntime`. */
export class Runtime {
  readonly #threads: number;
  readonly #receiveBuffer: number;
  readonly #sendBuffer: number;
  readonly #busyPoll: number;
  readonly #lingerMs: number;
  readonly #limits: ThreadLimits;
  #networkThreads: NetworkThreads | null = null;
  #links: WorkerLink[] = [];
  #next = 0;
  #closed = false;

  /** See `RuntimeOptions`. Throws a `TypeError` or `RangeError` that names the option. */
  constructor(options: RuntimeOptions = {}) {
    const {
      threads = 1,
      receiveBuffer = RING_BYTES,
      sendBuffer = RING_BYTES,
      busyPoll = BUSY_POLL_US,
      lingerMs = LINGER_MS,
      resourceLimits = {},
    } = ownOptions("options", options, RUNTIME_OPTIONS);
    this.#threads = check.integer("threads", threads, 1, 64);
    this.#receiveBuffer = ringBytes("receiveBuffer", receiveBuffer, SMALLEST_RING);
    this.#sendBuffer = ringBytes("sendBuffer", sendBuffer, SMALLEST_RING);
    this.#busyPoll = check.integer("busyPoll", busyPoll, 0, 1_000_000);
    this.#lingerMs = check.integer("lingerMs", lingerMs, 0, 2 ** 31 - 1);
    this.#limits = threadLimits(resourceLimits);
  }

  /** Whether it was closed, or its networking threads died: it opens nothing any more. */
  get dead(): boolean {
    for (const link of this.#links) link.liveness.check();
    return this.#closed || this.#links.some((link) => link.death !== null);
  }

  /** How long closed sockets may go on sending, in ms. */
  get lingerMs(): number {
    return this.#lingerMs;
  }

  /** @internal */
  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** Starts the look-up of a host name or IP literal, and returns at once. */
  resolve(host: string): Address {
    return new Address(host, () => this.#link());
  }

  /** This machine's addresses, IPv4 and IPv6, loopback included. */
  localAddresses(): Address[] {
    const addresses: Address[] = [];
    for (const each of Object.values(networkInterfaces())) {
      for (const { address } of each ?? []) addresses.push(this.resolve(address));
    }
    return addresses;
  }

  /**
   * Starts a connection and returns at once in status `waiting`; with `timeout` it blocks until connected, and throws
   * the `NetError` of a failure or one with code `ETIMEDOUT`.
   */
  connect(options: ConnectOptions): TcpSocket {
    const {
      tls = false,
      timeout,
      noDelay = true,
      keepAlive = false,
      localAddress,
      receiveBuffer,
      sendBuffer,
      ...where
    } = ownOptions("options", options, CONNECT_OPTIONS, CONNECT_HINTS);
    const deadline = timeout === undefined ? null : new Deadline(timeout);
    const link = this.#linkFor(where.host);
    const target = this.#target(where, link);
    const socketOptions = {
      noDelay: check.boolean("noDelay", noDelay),
      keepAlive: typeof keepAlive === "number" ? true : check.boolean("keepAlive", keepAlive),
      keepAliveDelay: typeof keepAlive === "number" ? check.keepAliveDelay("keepAlive", keepAlive) : 0,
    };
    const parameters = tlsParameters(tls);
    const local = localAddress === undefined ? null : check.ip("localAddress", localAddress);
    const { channel, rings } = link.openRinged(
      ringBytes("receiveBuffer", receiveBuffer ?? this.#receiveBuffer, SMALLEST_RING),
      ringBytes("sendBuffer", sendBuffer ?? this.#sendBuffer, SMALLEST_RING),
    );
    link.post({
      type: "connect",
      slot: channel.reference,
      rings,
      target,
      localAddress: local,
      tls: parameters,
      ...socketOptions,
    });
    const socket = new TcpSocket(channel, socketOptions, false);
    if (deadline === null) return socket;
    const status = socket.waitUntilConnected(deadline.timeout);
    // A peer may have reset the connection already: what it sent before is still to be read, and then the error.
    if (status === "success" || (status === "failure" && socket.wasConnected)) return socket;
    const error = socket.error ?? timedOut(`connect to ${nameOf(target)}`, deadline.timeout);
    socket.close();
    throw error;
  }

  /**
   * Listens. It is bound when this returns; throws the system's error otherwise (`EADDRINUSE`, `EACCES`,
   * `EADDRNOTAVAIL`, …).
   */
  listen(options: ListenOptions = {}): TcpServer {
    const {
      port = 0,
      host,
      path,
      tls = false,
      backlog = 511,
      ipv6Only = false,
      noDelay = true,
      keepAlive = false,
      receiveBuffer,
      sendBuffer,
    } = ownOptions("options", options, LISTEN_OPTIONS, LISTEN_HINTS);
    const link = this.#linkFor(host);
    const acceptOptions = {
      noDelay: check.boolean("noDelay", noDelay),
      keepAlive: check.boolean("keepAlive", keepAlive),
      keepAliveDelay: 0,
      receiveBuffer: ringBytes("receiveBuffer", receiveBuffer ?? this.#receiveBuffer, SMALLEST_RING),
      sendBuffer: ringBytes("sendBuffer", sendBuffer ?? this.#sendBuffer, SMALLEST_RING),
    };
    const command = {
      type: "listen" as const,
      host: hostToBind(host),
      port: check.port("port", port),
      path: path === undefined ? null : check.text("path", path),
      backlog: check.integer("backlog", backlog, 1, 2 ** 31 - 1),
      ipv6Only: check.boolean("ipv6Only", ipv6Only),
      tls: tls === false ? null : tlsParameters(tls),
    };
    const channel = link.openPlain();
    link.post({ ...command, slot: channel.reference });
    awaitBound(channel, () => link.post({ type: "close", handleId: channel.handleId }), "listen");
    return new TcpServer(link, channel, acceptOptions);
  }

  /** Binds a UDP socket. It is bound when this returns; throws the system's error otherwise. */
  bindUdp(options: BindUdpOptions = {}): UdpSocket {
    const {
      port = 0,
      host,
      reuseAddr = false,
      broadcast = false,
      ipv6Only = false,
      receiveBuffer,
      sendBuffer,
    } = ownOptions("options", options, BIND_UDP_OPTIONS, BIND_UDP_HINTS);
    const link = this.#linkFor(host);
    const address = this.#ipToBind(host);
    const family = address === null || isIP(address) === 6 ? 6 : 4;
    const command = {
      type: "bind" as const,
      port: check.port("port", port),
      reuseAddr: check.boolean("reuseAddr", reuseAddr),
      broadcast: check.boolean("broadcast", broadcast),
      ipv6Only: check.boolean("ipv6Only", ipv6Only),
    };
    const bind = (host: string | null, family: 4 | 6): UdpSocket => {
      const { channel, rings } = link.openRinged(
        ringBytes(
          "receiveBuffer",
          receiveBuffer ?? Math.max(this.#receiveBuffer, SMALLEST_UDP_RING),
          SMALLEST_UDP_RING,
        ),
        ringBytes("sendBuffer", sendBuffer ?? Math.max(this.#sendBuffer, SMALLEST_UDP_RING), SMALLEST_UDP_RING),
      );
      link.post({ ...command, slot: channel.reference, rings, host, family });
      awaitBound(channel, () => channel.request(REQUEST_CLOSE), "bind");
      return new UdpSocket(link, channel, family);
    };
    if (address !== null) return bind(address, family);
    try {
      return bind(null, 6);
    } catch (error) {
      // A machine without IPv6.
      if (error instanceof NetError && (error.code === "EAFNOSUPPORT" || error.code === "EINVAL")) return bind(null, 4);
      throw error;
    }
  }

  /**
   * Closes everything that is open, sends what is pending (for at most `lingerMs`), and ends the networking threads.
   * Handles that are not closed have failed with code `ERR_RUNTIME_CLOSED` afterwards.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    flush([{ links: this.#links, lingerMs: this.#lingerMs }], true);
    this.#end(RUNTIME_CLOSED);
  }

  /** Same as `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The IP to bind a UDP socket to, or null for all interfaces: the family of the socket depends on it, so a name is looked up first. */
  #ipToBind(host: string | Address | undefined): string | null {
    if (host === undefined) return null;
    const address = host instanceof Address ? host : this.resolve(host);
    if (address.waitUntilResolved(BIND_MS) === "failure") throw address.error;
    if (address.ip === null) throw timedOut(`the look-up of ${address.hostname}`, BIND_MS);
    return address.ip;
  }

  /** Once one networking thread is gone, the runtime is: nobody could say which handles of it still work. */
  #end(fault: Fault): void {
    for (const link of this.#links) link.liveness.die(fault);
    this.#networkThreads?.close();
    this.#networkThreads = null;
  }

  /** The networking thread for the next handle. */
  #link(): WorkerLink {
    if (this.#closed) throw new NetError(RUNTIME_CLOSED);
    if (this.#links.length === 0) this.#start();
    this.#next = (this.#next + 1) % this.#links.length;
    const link = this.#links[this.#next] as WorkerLink;
    link.liveness.check();
    if (link.death !== null) throw new NetError(link.death);
    return link;
  }

  /** A connection to a name that is being looked up goes where the look-up is. */
  #linkFor(host: unknown): WorkerLink {
    const link = this.#link();
    const lookup = host instanceof Address ? host.lookupLink : null;
    return lookup !== null && this.#links.includes(lookup) ? lookup : link;
  }

  #start(): void {
    const caller = thisCaller();
    caller.spinning.allow(this.#busyPoll);
    const onError = (error: Error): void => {
      this.#end({
        code: "ERR_WORKER_DIED",
        message: `the networking thread died: ${readableStack(error.stack ?? error.message)}`,
      });
    };
    this.#networkThreads = new NetworkThreads(this.#threads, this.#limits);
    for (let i = 0; i < this.#threads; i++) {
      const name = `ringnet ${uniqueName()}`;
      const workerBlock = new SharedArrayBuffer(WORKER_BLOCK_BYTES);
      const linkBlock = new SharedArrayBuffer(LINK_BLOCK_BYTES);
      const port = this.#networkThreads.start(
        {
          name,
          workerBlock,
          callerBlock: caller.memory,
          linkBlock,
          lingerMs: this.#lingerMs,
          busyPoll: this.#busyPoll,
        },
        onError,
      );
      const link = new WorkerLink(caller, name, workerBlock, linkBlock, port);
      link.onDeath = () => this.#end(link.death as Fault);
      this.#links.push(link);
    }
  }

  #target({ host, port, path }: Pick<ConnectOptions, "host" | "port" | "path">, link: WorkerLink): Target {
    if (path !== undefined) {
      if (host !== undefined || port !== undefined) throw new TypeError("path goes without host and port");
      return { path: check.text("path", path) };
    }
    if (port === undefined) throw new TypeError("port must be given, or path");
    check.port("port", port);
    if (host instanceof Address) {
      if (host.status === "failure") throw host.error;
      const { addresses, lookup } = host.target;
      return { host: host.encoded, port, addresses, lookup: host.lookupLink === link ? lookup : null };
    }
    const name = hostName("host", host ?? "localhost");
    return { host: name, port, addresses: null, lookup: null };
  }
}

/** Blocks until the server or UDP socket is bound; otherwise gives the slot back by `abandon` and throws the reason. */
function awaitBound(channel: Channel, abandon: () => void, what: string): void {
  const { caller } = channel.link;
  caller.wait(channel.handleId, new Deadline(BIND_MS), (each: Channel) => each.phase !== PHASE_WAITING, channel);
  channel.link.takeNotices();
  if (channel.bound !== null && channel.link.death === null) return;
  const error = channel.phase === PHASE_WAITING ? timedOut(what, BIND_MS) : channel.error;
  abandon();
  throw error;
}

function threadLimits(limits: ThreadLimits): ThreadLimits {
  const own = ownOptions("resourceLimits", limits, THREAD_LIMITS);
  const { maxOldGenerationSizeMb: megabytes } = own;
  if (megabytes === undefined) return {};
  if (typeof megabytes === "number" && megabytes > 0 && Number.isFinite(megabytes)) return own;
  throw new TypeError("resourceLimits.maxOldGenerationSizeMb must be a number above 0");
}

function ringBytes(name: string, value: number, smallest: number): number {
  return check.powerOfTwo(name, value, smallest, LARGEST_RING);
}

/** The IP or name to bind to, or null for all interfaces. */
function hostToBind(host: string | Address | undefined): string | null {
  if (host === undefined) return null;
  if (!(host instanceof Address)) return hostName("host", host);
  if (host.status === "failure") throw host.error;
  return host.ip ?? host.encoded;
}

function nameOf(target: Target): string {
  return "path" in target ? target.path : `${target.host} port ${target.port}`;
}
