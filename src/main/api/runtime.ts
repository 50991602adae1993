/**
 * A runtime: networking threads, and the functions that open things on them.
 *
 * Runs on the calling thread. The networking threads start at the first use.
 */

import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { isMainThread, threadId } from "node:worker_threads";
import type { Fault } from "../../ring/fault-text.js";
import {
  DOORBELL,
  LINK_BLOCK_BYTES,
  PHASE_WAITING,
  REQUEST_CLOSE,
  SIGNAL,
  WORKER_BLOCK_BYTES,
} from "../../ring/layout.js";
import type { Target } from "../../ring/protocol.js";
import { thisCaller, uniqueName } from "../link/caller.js";
import type { Channel } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import { debug, debugging } from "../link/debug.js";
import { connectBegun, gaveUp, threadChanged } from "../link/diagnostics.js";
import { flush } from "../link/flush.js";
import { NetworkThreads, type ThreadLimits } from "../link/network-threads.js";
import { PROCESS_CHANNEL } from "../link/other-threads.js";
import type { RingSizes } from "../link/slot-memory.js";
import { readableStack } from "../link/thread-stack.js";
import { WorkerLink } from "../link/worker-link.js";
import { Address, type ResolveOptions } from "./address.js";
import * as check from "./arguments.js";
import { BoundSocket } from "./bound-socket.js";
import {
  bindCommand,
  bindTcpCommand,
  connectCommand,
  type Destination,
  inputRings,
  listenCommand,
  ringSizes,
  SMALLEST_RING,
} from "./commands.js";
import { ipFamily } from "./host-name.js";
import { Input } from "./input.js";
import { NetError, RUNTIME_CLOSED, timedOut, type Where } from "./net-error.js";
import { type Names, ownOptions } from "./option-names.js";
import type {
  BindTcpOptions,
  BindUdpOptions,
  ConnectOptions,
  InputOptions,
  ListenOptions,
  RuntimeOptions,
} from "./options.js";
import { networkMustBeAllowed } from "./permission.js";
import { TcpServer } from "./tcp-server.js";
import { type ConnectStage, TcpSocket } from "./tcp-socket.js";
import { UdpSocket } from "./udp-socket.js";

/** Default size of a ring in bytes: enough to keep up with `node:net`. Pages that are not used take no memory. */
const RING_BYTES = 1024 * 1024;
const LINGER_MS = 5000;
/** What a request and its response take on one machine, with room to spare. */
const BUSY_POLL_US = 400;
/** The timeout of a bind, in ms: it takes microseconds, unless a name must be looked up. */
const BIND_MS = 30_000;
/** How long to wait for the networking threads' CPU time, in ms; they answer within microseconds. */
const STATS_MS = 1000;
/** The smallest heap of a networking thread, in MB: with half of it Node's threads don't start, or end the process. */
const LEAST_HEAP_MB = 12;

const RUNTIME_OPTIONS: Names<RuntimeOptions> = {
  threads: true,
  receiveBuffer: true,
  sendBuffer: true,
  busyPoll: true,
  lingerMs: true,
  resourceLimits: true,
};
const STAGE_TEXTS: Record<ConnectStage, string> = {
  resolve: ", looking the name up",
  connect: "",
  proxy: ", waiting for the proxy",
  TLS: ", reading certificates or in the TLS handshake",
};
const THREAD_LIMITS: Names<ThreadLimits> = { maxOldGenerationSizeMb: true };

/** What `Runtime.stats` returns. */
export interface RuntimeStats {
  /** Handles that are open or closing in the background. */
  handles: number;
  /** Bytes that the program has read; of datagrams the payload. */
  bytesRead: number;
  /** Bytes that the program has written. */
  bytesWritten: number;
  /** Datagrams that were lost because a receive ring was full. */
  dropped: number;
  /** Bytes of shared memory allocated for slots and rings. */
  ringMemory: number;
  /** How often this thread was woken, by any runtime; wraps at 2³². */
  wakeUps: number;
  /** One entry for each networking thread. */
  threads: {
    /** Its name. */
    name: string;
    /** CPU time in ms; null if neither Node nor the system provides it, or the thread has ended. */
    cpuMs: number | null;
    /** How often it was woken; wraps at 2³². */
    wakeUps: number;
  }[];
}

/** A separate runtime with its own networking threads, and what is opened on them. Made by `createRuntime`. */
export class Runtime {
  readonly #threads: number;
  readonly #rings: RingSizes;
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
      busyPoll = BUSY_POLL_US,
      lingerMs = LINGER_MS,
      resourceLimits = {},
      ...sizes
    } = ownOptions("options", options, RUNTIME_OPTIONS);
    this.#threads = check.integer("threads", threads, 1, 64);
    this.#rings = ringSizes(sizes, { receiveBuffer: RING_BYTES, sendBuffer: RING_BYTES });
    this.#busyPoll = check.integer("busyPoll", busyPoll, 0, 1_000_000);
    this.#lingerMs = check.integer("lingerMs", lingerMs, 0, 2 ** 31 - 1);
    this.#limits = threadLimits(resourceLimits);
  }

  /** Whether it was closed, or a networking thread of it died: it can't open anything any more. */
  get dead(): boolean {
    for (const link of this.#links) link.liveness.check();
    return this.#closed || this.#links.some((link) => link.death !== null);
  }

  /** How long closed sockets may keep sending, in ms. */
  get lingerMs(): number {
    return this.#lingerMs;
  }

  /** @internal */
  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /**
   * Starts the look-up of a host name or IP literal, and returns immediately. Throws a `TypeError` or `RangeError` for
   * an invalid host or option. If the name does not exist, or has no address of the family, the address fails.
   */
  resolve(host: string, options: ResolveOptions = {}): Address {
    return new Address(host, () => this.#link(), options);
  }

  /**
   * The host name of an IP, from the system's resolver (`getnameinfo`). Blocks. Throws the system's `NetError`
   * (`ENOTFOUND` if it has none), and one with code `ETIMEDOUT` after `timeout` ms.
   */
  reverse(ip: string, timeout: Timeout = -1): string {
    check.ip("ip", ip);
    const deadline = Deadline.of(timeout);
    const link = this.#link();
    const channel = link.openPlain();
    channel.destination = { address: ip };
    link.post({ type: "reverse", slot: channel.memory.reference, ip });
    try {
      link.caller.wait(channel.handleId, deadline, (each: Channel) => each.phase !== PHASE_WAITING, channel);
      link.takeNotices();
      if (channel.addresses !== null) return channel.addresses[0] as string;
      if (channel.phase !== PHASE_WAITING) throw channel.freshError();
      throw channel.outOfTime(timedOut(`the reverse look-up of ${ip}`, deadline.timeout));
    } finally {
      link.post({ type: "close", handleId: channel.handleId });
    }
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
   * Starts a connection and returns immediately, with status `waiting`. With `timeout` it blocks until connected, and
   * throws the `NetError` of a failure, or one with code `ETIMEDOUT` (`ERR_WORKER_START` if the networking thread is
   * still starting).
   */
  connect(options: ConnectOptions): TcpSocket {
    const {
      command,
      options: socketOptions,
      destination,
      bound: from,
      rings: sizes,
      deadline,
    } = connectCommand(options, this.#rings);
    const host = "host" in destination ? destination.host : null;
    if (host instanceof Address && host.status === "failure") throw host.freshError();
    const link = from?.linkAmong(this.#links) ?? this.#linkFor(host);
    const target = targetOf(destination, link);
    const { channel, rings } = link.openRinged(sizes);
    const { noDelay, keepAlive, keepAliveDelay, dscp } = socketOptions;
    const { type, tls, proxy, proxyTls, localAddress, localPort } = command;
    const bound = from?.give() ?? null;
    // Without a spread: V8 makes a new hidden class for every object that gets properties after one.
    // biome-ignore format: one line
    link.post({ type, target, tls, proxy, proxyTls, localAddress, localPort, bound, noDelay, keepAlive, keepAliveDelay, dscp, slot: channel.memory.reference, rings });
    channel.destination = whereOf(destination);
    const socket = new TcpSocket(channel, socketOptions, false);
    connectBegun(channel, { socket }, tls !== null);
    if (deadline === null) return socket;
    const status = socket.waitUntilConnected(deadline);
    // The peer may have reset the connection already: what it sent before can still be read, and then the error comes.
    if (status === "success" || (status === "failure" && socket.wasConnected)) return socket;
    const error =
      status === "failure"
        ? channel.freshError()
        : channel.outOfTime(timedOut(`connect to ${nameOf(target)}`, deadline.timeout, stageOf(socket)));
    gaveUp(channel, error);
    socket.close();
    throw error;
  }

  /**
   * Starts a server. It is bound when this returns; otherwise throws the system's error (`EADDRINUSE`, `EACCES`,
   * `EADDRNOTAVAIL`, …).
   */
  listen(options: ListenOptions = {}): TcpServer {
    const { command, host, bound: on, accept } = listenCommand(options, this.#rings);
    networkMustBeAllowed("listen");
    const address = host instanceof Address ? hostOf(host) : host;
    const link = on?.linkAmong(this.#links) ?? this.#linkFor(host);
    const channel = link.openPlain();
    const bound = on?.give() ?? null;
    link.post({ ...command, host: address, bound, slot: channel.memory.reference });
    awaitBound(channel, () => link.post({ type: "close", handleId: channel.handleId }), "listen");
    return new TcpServer(link, channel, accept, command);
  }

  /**
   * Binds a TCP port without listening: clients are refused until `listen({ bound })`, and `connect({ bound })` connects from it. Throws the
   * system's error, and a `NetError` with code `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` on Bun and Deno.
   */
  bindTcp(options: BindTcpOptions = {}): BoundSocket {
    const { command, host } = bindTcpCommand(options);
    networkMustBeAllowed("bind");
    const address = host === null ? null : this.#ipOf(host);
    const link = this.#link();
    const bind = (host: string): BoundSocket => {
      const channel = link.openPlain();
      link.post({ ...command, host, slot: channel.memory.reference });
      awaitBound(channel, () => link.post({ type: "close", handleId: channel.handleId }), "bind");
      return new BoundSocket(link, channel);
    };
    return address === null
      ? withoutIPv6(
          () => bind("::"),
          () => bind("0.0.0.0"),
        )
      : bind(address);
  }

  /** Binds a UDP socket. It is bound when this returns; otherwise throws the system's error. */
  bindUdp(options: BindUdpOptions = {}): UdpSocket {
    const { command, host, rings: sizes } = bindCommand(options, this.#rings);
    const address = host === null ? null : this.#ipOf(host);
    const link = this.#link();
    const bind = (host: string | null, family: 4 | 6): UdpSocket => {
      const { channel, rings } = link.openRinged(sizes);
      link.post({ ...command, slot: channel.memory.reference, rings, host, family });
      awaitBound(channel, () => channel.request(REQUEST_CLOSE), "bind");
      return new UdpSocket(link, channel, family, command);
    };
    if (address !== null) return bind(address, isIP(address) === 6 ? 6 : 4);
    return withoutIPv6(
      () => bind(null, 6),
      () => bind(null, 4),
    );
  }

  /**
   * Opens a file descriptor of the process for reading, by default its standard input. Throws the system's error if it
   * can't be read (`EBADF`).
   */
  openInput(fd: number | "stdin" = "stdin", options: InputOptions = {}): Input {
    const descriptor = fd === "stdin" ? 0 : check.integer("fd", fd, 0, 2 ** 31 - 1);
    const { receiveBuffer } = inputRings(options, this.#rings);
    const link = this.#link();
    const { channel, rings } = link.openRinged({ receiveBuffer, sendBuffer: SMALLEST_RING });
    link.post({ type: "open-input", slot: channel.memory.reference, rings, fd: descriptor });
    awaitBound(channel, () => channel.request(REQUEST_CLOSE), "openInput");
    return new Input(channel);
  }

  /**
   * Counters of the runtime, for this thread. Asks the networking threads for their CPU time, and so blocks for some
   * µs. Starts no thread.
   */
  stats(): RuntimeStats {
    const deadline = new Deadline(STATS_MS);
    const threads = this.#links.map((link) => ({
      name: link.name,
      cpuMs: link.threadCpuMs(deadline),
      wakeUps: Atomics.load(new Int32Array(link.workerBlock), DOORBELL) >>> 0, // partner: DoorbellRinger.ring
    }));
    for (const link of this.#links) link.drain(); // handles that have ended are not counted
    const sum = (of: (link: WorkerLink) => number): number => this.#links.reduce((total, link) => total + of(link), 0);
    return {
      handles: sum((link) => link.openCount),
      bytesRead: sum((link) => link.traffic.bytesRead),
      bytesWritten: sum((link) => link.traffic.bytesWritten),
      dropped: sum((link) => link.dropped),
      ringMemory: sum((link) => link.arenaBytes),
      wakeUps: Atomics.load(new Int32Array(thisCaller().memory), SIGNAL) >>> 0, // partner: SignalWaker.#takeAndNotify
      threads,
    };
  }

  /**
   * Closes all connections, sends what is pending (for at most `lingerMs`), and ends the networking threads. Handles
   * that the program has not closed fail with code `ERR_RUNTIME_CLOSED`.
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

  /** One line for `console.log`: the number of its networking threads, and whether they run. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const threads = `${this.#threads} networking thread${this.#threads === 1 ? "" : "s"}`;
    const state = this.#closed ? "closed" : this.dead ? "dead" : this.#links.length === 0 ? "not started" : "running";
    return `Runtime { ${threads}, ${state} }`;
  }

  /** The IP to bind a socket to. It decides the socket's family, so a name is looked up first. */
  #ipOf(host: string | Address): string {
    const address = host instanceof Address ? host : this.resolve(host);
    if (address.waitUntilResolved(BIND_MS) === "failure") throw address.freshError();
    if (address.ip !== null) return address.ip;
    const fault = { ...timedOut(`the look-up of ${address.hostname}`, BIND_MS), host: address.hostname };
    const error = new NetError(fault);
    const reason = address.lookupLink?.reasonOf(fault) ?? fault;
    throw reason === fault ? error : new NetError({ ...reason, host: fault.host }, error);
  }

  /** When one networking thread ends, the whole runtime ends: a program could not tell which handles still work. */
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

  /** @internal For `ringnet/websocket`: the default sizes of rings. */
  get ringSizes(): RingSizes {
    return this.#rings;
  }

  /** @internal For `ringnet/websocket`: the networking thread for the next handle. */
  openOn(): WorkerLink {
    return this.#link();
  }

  /** The networking thread for a connection to `host`: the one that looks the name up, if the look-up is under way. */
  #linkFor(host: string | Address | null): WorkerLink {
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
          thread: threadId,
          processChannel: isMainThread ? null : PROCESS_CHANNEL,
          workerBlock,
          callerBlock: caller.memory,
          linkBlock,
          lingerMs: this.#lingerMs,
          busyPoll: this.#busyPoll,
        },
        onError,
      );
      if (debugging) debug("starts a networking thread", { name });
      threadChanged(name, "start");
      const link = new WorkerLink(caller, name, workerBlock, linkBlock, port);
      link.onDeath = () => this.#end(link.death as Fault);
      this.#links.push(link);
    }
  }
}

/** What the networking thread of `link` connects to. */
function targetOf(destination: Destination, link: WorkerLink): Target {
  if ("path" in destination) return destination;
  const { host, port } = destination;
  if (!(host instanceof Address)) return { host, port, addresses: null, lookup: null };
  const { addresses, lookup } = host.target;
  return { host: host.encoded, port, addresses, lookup: host.lookupLink === link ? lookup : null };
}

/** Blocks until the server or UDP socket is bound. If it fails, frees the slot with `abandon` and throws the reason. */
export function awaitBound(channel: Channel, abandon: () => void, what: string): void {
  const { caller } = channel.link;
  caller.wait(channel.handleId, new Deadline(BIND_MS), (each: Channel) => each.phase !== PHASE_WAITING, channel);
  channel.link.takeNotices();
  if (channel.bound !== null && channel.link.death === null) return;
  const error = channel.phase === PHASE_WAITING ? channel.outOfTime(timedOut(what, BIND_MS)) : channel.freshError();
  abandon();
  throw error;
}

/** What `six` returns; on a machine without IPv6 what `four` returns. */
function withoutIPv6<T>(six: () => T, four: () => T): T {
  try {
    return six();
  } catch (error) {
    if (error instanceof NetError && (error.code === "EAFNOSUPPORT" || error.code === "EINVAL")) return four();
    throw error;
  }
}

function threadLimits(limits: ThreadLimits): ThreadLimits {
  const own = ownOptions("resourceLimits", limits, THREAD_LIMITS);
  const { maxOldGenerationSizeMb: megabytes } = own;
  if (megabytes === undefined) return {};
  if (typeof megabytes !== "number" || !Number.isFinite(megabytes)) {
    throw new TypeError("resourceLimits.maxOldGenerationSizeMb must be a number");
  }
  if (megabytes >= LEAST_HEAP_MB) return own;
  const expected = `at least ${LEAST_HEAP_MB}: with less, Node's threads don't start`;
  throw new RangeError(`resourceLimits.maxOldGenerationSizeMb must be ${expected}; got ${megabytes}`);
}

/** The IP or name to bind to. Throws the address's error if it failed. */
function hostOf(address: Address): string {
  if (address.status === "failure") throw address.freshError();
  return address.ip ?? address.encoded;
}

/** What a connection was waiting for, in words. */
function stageOf(socket: TcpSocket): string {
  const { stage } = socket.state;
  return stage === null ? "" : STAGE_TEXTS[stage];
}

/** What a connection's errors say about its peer before its IP is known. */
function whereOf(destination: Destination): Where {
  if ("path" in destination) return { address: destination.path };
  const { host, port } = destination;
  const name = host instanceof Address ? host.hostname : host;
  return { host: name, address: ipFamily(name) === 0 ? undefined : name, port };
}

function nameOf(target: Target): string {
  return "path" in target ? target.path : `${target.host} port ${target.port}`;
}
