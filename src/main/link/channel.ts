/**
 * A handle's slot and rings as the calling thread sees them.
 *
 * Runs on the calling thread. It lives until the networking thread has released the slot, which may be long after the
 * program closed the handle. It does not refer to the handle, so that a dropped handle can be garbage-collected.
 */

import type { ByteConsumer, ByteProducer } from "../../ring/byte-ring.js";
import { type Fault, readFault } from "../../ring/fault-text.js";
import { tryResume } from "../../ring/flow-control.js";
import {
  COUNT,
  FAULT,
  FAULT_TEXT,
  KEEP_ALIVE_DELAY,
  OPTION_KEEP_ALIVE,
  OPTION_NO_DELAY,
  PENDING_ERRORS,
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_RELEASED,
  PHASE_WAITING,
  REQUEST,
  REQUEST_CLOSE,
  REQUEST_OPTIONS,
  REQUEST_RESET,
  STAGE,
  STATE,
  TO_WORKER_FLAG,
  TX_ASIDE,
  TX_READ,
  TX_WRITE,
} from "../../ring/layout.js";
import type { Command, ConnectionFacts, RingPair, SlotReference, TlsParameters } from "../../ring/protocol.js";
import { located, NetError, RUNTIME_CLOSED, type Where } from "../api/net-error.js";
import { type Cancellations, waitUnlessCancelled } from "./cancelled-wait.js";
import type { Deadline, TimeLeft } from "./deadline.js";
import type { Watcher } from "./watcher.js";

/** Rings as the calling thread uses them. */
export interface Rings {
  receive: ByteConsumer;
  send: ByteProducer;
}

/** A handle's shared memory. */
export interface ChannelMemory {
  readonly words: Int32Array;
  /** Where the slot is, with the handle id from the thread that opened it. */
  readonly reference: SlotReference;
  readonly ringReferences: RingPair | null;
  /** Called once, when the networking thread has released the slot. */
  free(): void;
}

/** A client that waits to be accepted. */
export interface PendingConnection {
  number: number;
  facts: ConnectionFacts;
}

/** The calling thread, as channels and their handles use it. */
export interface ChannelCaller {
  readonly spinning: { onActivity(bytes: number): void };
  wait<T>(interest: number, deadline: TimeLeft, met: (target: T) => boolean, target: T): boolean;
  maybeCheckLiveness(): void;
}

/** Counters of a link. */
export interface Traffic {
  bytesRead: number;
  bytesWritten: number;
  /** Of closed UDP sockets. */
  dropped: number;
}

/** The link to the networking thread, as a channel and the handle on it use it. */
export interface ChannelLink {
  readonly caller: ChannelCaller;
  readonly queue: { push(handleId: number, flags: Int32Array, flagWord: number): boolean };
  readonly doorbell: { ring(): void };
  /** Why the networking thread has ended, or null while it runs. */
  readonly death: Fault | null;
  /** The fault of a wait that timed out: `fault`, or one that says that the networking thread is still starting. */
  reasonOf(fault: Fault): Fault;
  post(command: Command): void;
  takeNotices(): void;
  requestClose(channel: Channel, bits: number): void;
  forget(channel: Channel): void;
  /** Whether all connections were opened on other threads. Then commands do not reach them. */
  readonly attachedOnly: boolean;
  /** The networking thread's name. */
  readonly name: string;
  readonly traffic: Traffic;
  readonly workerBlock: SharedArrayBuffer;
}

export class Channel {
  readonly link: ChannelLink;
  /** Names the handle in this thread's queues and messages. */
  readonly handleId: number;
  readonly memory: ChannelMemory;
  readonly words: Int32Array;
  readonly rings: Rings | null;
  /** The pollers that watch the handle. */
  readonly watchers: Watcher[] = [];
  facts: ConnectionFacts | null = null;
  /** The host, address and port that it was opened for. */
  destination: Where = {};
  addresses: string[] | null = null;
  bound: { address: string; port: number } | null = null;
  readonly pendingConnections: PendingConnection[] = [];
  readonly pendingErrors: Fault[] = [];
  /** Messages of a WebSocket that came in notices; flow control bounds them. */
  readonly messages: ArrayBuffer[] = [];
  #pendingErrorsSeen = 0;
  #securing = false;
  /** Whether the connection has moved to another thread. */
  detached = false;
  /** Whether its protocol has a close message, which is sent when the program ends. */
  hasCloseMessage = false;
  /** Whether `count` counts dropped datagrams. */
  countsDropped = false;
  /** The word with which other threads cancel a wait; null until `canceller()` is called. */
  cancellations: Cancellations = null;
  /** Interests (READABLE, WRITABLE) whose calls have thrown the error: pollers no longer report it for these. */
  #errorTaken = 0;
  #error: NetError | null = null;

  constructor(link: ChannelLink, handleId: number, memory: ChannelMemory, rings: Rings | null) {
    this.link = link;
    this.handleId = handleId;
    this.memory = memory;
    this.words = memory.words;
    this.rings = rings;
  }

  /**
   * PHASE_… and the …_ENDED bits. All handles of a dead networking thread have failed, and so has an open handle whose
   * slot was released: its runtime is being closed.
   */
  get state(): number {
    const securing = this.securing;
    const state = Atomics.load(this.words, STATE); // partner: Slot.#become
    if (this.link.death === null && (state & PHASE_MASK) !== PHASE_RELEASED) {
      return securing && (state & PHASE_MASK) === PHASE_OPEN ? (state & ~PHASE_MASK) | PHASE_WAITING : state;
    }
    return (state & ~PHASE_MASK) | PHASE_FAILED;
  }

  get phase(): number {
    return this.state & PHASE_MASK;
  }

  /** The stage of connecting, STAGE_…; after a failure, the stage that failed. */
  get stage(): number {
    return Atomics.load(this.words, STAGE); // partner: Slot.reach
  }

  /**
   * Marks an accepted connection as open. Only before the slot was sent to the networking thread.
   */
  assumeOpen(): void {
    Atomics.compareExchange(this.words, STATE, PHASE_WAITING, PHASE_OPEN); // partner: Slot.#become (which comes later)
  }

  /** Why it failed; the same object each time. Only if `state` says that it has failed. */
  get error(): NetError {
    this.#error ??= new NetError(this.#fault);
    return this.#error;
  }

  /** A new error with the same reason, for a call to throw. */
  freshError(): NetError {
    return new NetError(this.#fault);
  }

  /** The same for a call that reads (READABLE) or writes (WRITABLE). */
  takeError(interest: number): NetError {
    this.markErrorTaken(interest);
    return this.freshError();
  }

  markErrorTaken(interest: number): void {
    this.#errorTaken |= interest;
  }

  /** Whether a call that reads (READABLE) or writes (WRITABLE) has thrown the error. */
  errorTaken(interest: number): boolean {
    return (this.#errorTaken & interest) !== 0;
  }

  /**
   * Blocks as `Caller.wait` for news of this handle. Throws a `NetError` with code `ERR_CANCELLED` if another thread
   * cancels it before `met(target)` holds.
   */
  wait<T>(deadline: Deadline, met: (target: T) => boolean, target: T): boolean {
    const { caller } = this.link;
    return waitUnlessCancelled(caller, this.handleId, deadline, met, target, this.cancellations, this);
  }

  /** The error of a wait on this handle that timed out. */
  outOfTime(fault: Fault): NetError {
    const error = new NetError(located(fault, this.where));
    const reason = this.link.reasonOf(fault);
    return reason === fault ? error : new NetError(located(reason, this.where), error);
  }

  /** The host, address and port for errors. */
  get where(): Where {
    if (this.facts === null) this.link.takeNotices();
    const { host, address, port } = this.destination;
    const { remoteAddress, remotePort } = this.facts ?? {};
    return { host, address: remoteAddress ?? address, port: remotePort ?? port };
  }

  get #fault(): Fault {
    const fault = readFault(this.words, FAULT, FAULT_TEXT) ?? this.link.death ?? RUNTIME_CLOSED;
    return located(fault, this.where);
  }

  /**
   * Bytes written, on this thread or on a detached connection's new one, that the operating system has not taken yet.
   */
  get unsent(): number {
    const written = Atomics.load(this.words, TX_WRITE); // partner: ByteProducer.publish
    const inRing = (written - Atomics.load(this.words, TX_READ)) | 0; // partner: ByteConsumer.consume
    // Read after the ring: datagrams that have left the ring for the side are counted here by then.
    return inRing + Atomics.load(this.words, TX_ASIDE); // partner: DatagramSender.#publishAside
  }

  /** The worker's counter: clients that have arrived, or datagrams dropped. */
  get count(): number {
    return Atomics.load(this.words, COUNT); // partner: Slot.count
  }

  /**
   * Clients that wait at a server after `accepted` were accepted. None if the networking thread has ended, and their
   * connections with it.
   */
  waitingClients(accepted: number): number {
    return this.link.death === null ? (this.count - accepted) | 0 : 0;
  }

  /** Takes the oldest unreported error that did not end the handle. */
  takePendingError(): NetError | null {
    const happened = Atomics.load(this.words, PENDING_ERRORS); // partner: Slot.addPendingError
    if (happened === this.#pendingErrorsSeen) return null;
    this.link.takeNotices();
    const fault = this.pendingErrors.shift();
    // Only the first errors are kept; the count covers all.
    this.#pendingErrorsSeen = this.pendingErrors.length === 0 ? happened : (this.#pendingErrorsSeen + 1) | 0;
    return fault === undefined ? null : new NetError(located(fault, this.where));
  }

  /** Whether there is an error to take. */
  get hasPendingError(): boolean {
    return Atomics.load(this.words, PENDING_ERRORS) !== this.#pendingErrorsSeen; // partner: Slot.addPendingError
  }

  /** Queues the slot for the networking thread. The news must have been published. */
  notifyWorker(): void {
    if (this.link.queue.push(this.handleId, this.words, TO_WORKER_FLAG)) this.link.doorbell.ring();
  }

  /** Whether the program has closed it: then it only sends. */
  get closing(): boolean {
    return (Atomics.load(this.words, REQUEST) & (REQUEST_CLOSE | REQUEST_RESET)) !== 0; // no partner: this thread's own word
  }

  /** Sets REQUEST_… bits. */
  request(bits: number): void {
    Atomics.or(this.words, REQUEST, bits); // partner: Slot.request
    this.notifyWorker();
  }

  /** Whether `startTls` is under way: until it is done nothing is read or written. */
  get securing(): boolean {
    if (this.#securing) this.link.takeNotices();
    return this.#securing;
  }

  /** Starts TLS. `early`: the unread bytes, taken out of the receive ring. */
  startTls(tls: TlsParameters, isServer: boolean, early: Uint8Array): void {
    this.link.takeNotices();
    this.#securing = true;
    this.link.post({ type: "start-tls", handleId: this.handleId, tls, isServer, early });
  }

  /** TLS is established: reading continues at `position` of the receive ring. */
  secured(facts: ConnectionFacts, position: number): void {
    const { receive } = this.rings as Rings;
    this.facts = facts;
    this.#securing = false;
    receive.skipTo(position);
    if (tryResume(this.words, receive.readable, receive.capacity)) this.notifyWorker();
  }

  /** Sets options of the connection. `delay` is in ms. */
  setOptions(noDelay: boolean, keepAlive: boolean, delay: number): void {
    Atomics.store(this.words, KEEP_ALIVE_DELAY, delay); // partner: Connection.#applyOptions
    Atomics.and(this.words, REQUEST, ~(OPTION_NO_DELAY | OPTION_KEEP_ALIVE)); // partner: Slot.request
    this.request(REQUEST_OPTIONS | (noDelay ? OPTION_NO_DELAY : 0) | (keepAlive ? OPTION_KEEP_ALIVE : 0));
  }

  /** Notifies the pollers that watch the handle. */
  notifyWatchers(): void {
    for (const watcher of this.watchers) watcher.candidate();
  }
}
