/**
 * A handle's slot and rings as the calling thread sees them.
 *
 * Runs on the calling thread. It lives until the networking thread has released the slot, which may be long after the
 * program closed the handle; it does not refer to the handle, so that one that was forgotten can be collected.
 */

import type { ByteConsumer, ByteProducer } from "../../ring/byte-ring.js";
import { isCancelled, takeCancel } from "../../ring/cancellation.js";
import { type Fault, readFault } from "../../ring/fault-text.js";
import { tryResume } from "../../ring/flow-control.js";
import {
  COUNT,
  FAULT,
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
import type { Deadline } from "./deadline.js";
import type { Watcher } from "./watcher.js";

/** Rings as the calling thread uses them. */
export interface Rings {
  receive: ByteConsumer;
  send: ByteProducer;
}

/** A client that waits at a server to be accepted. */
export interface PendingConnection {
  number: number;
  facts: ConnectionFacts;
}

/** The calling thread, as the handles on a channel use it. */
export interface ChannelCaller {
  readonly spinning: { onActivity(bytes: number): void };
  wait<T>(interest: number, deadline: Deadline, met: (target: T) => boolean, target: T): boolean;
  maybeCheckLiveness(): void;
}

/** What has gone through a link since it was made. */
export interface Traffic {
  bytesRead: number;
  bytesWritten: number;
  /** Of UDP sockets that are closed. */
  dropped: number;
}

/** The link to the networking thread, as a channel and the handle on it use it. */
export interface ChannelLink {
  readonly caller: ChannelCaller;
  readonly queue: { push(handleId: number, flags: Int32Array, flagWord: number): boolean };
  readonly doorbell: { ring(): void };
  /** Why the networking thread has ended, or null while it runs. */
  readonly death: Fault | null;
  /** The fault of a wait that ran out, which `fault` would blame on the peer. */
  reasonOf(fault: Fault): Fault;
  post(command: Command): void;
  takeNotices(): void;
  requestClose(channel: Channel, bits: number): void;
  forget(channel: Channel): void;
  /** Whether the connections were opened on other threads: commands do not reach them. */
  readonly attachedOnly: boolean;
  /** Names the networking thread on other threads. */
  readonly name: string;
  readonly traffic: Traffic;
  readonly workerBlock: SharedArrayBuffer;
}

export class Channel {
  readonly link: ChannelLink;
  /** Names the handle in this thread's queues and messages. */
  readonly handleId: number;
  readonly words: Int32Array;
  /** Where the slot is, with the handle id that it had where it was opened. */
  readonly reference: SlotReference;
  readonly ringReferences: RingPair | null;
  readonly rings: Rings | null;
  /** Gives the memory back; called once, when the networking thread has released the slot. */
  readonly free: () => void;
  /** The pollers that watch the handle. */
  readonly watchers: Watcher[] = [];
  /** Filled in from notices: */
  facts: ConnectionFacts | null = null;
  /** What it was opened for. */
  destination: Where = {};
  addresses: string[] | null = null;
  bound: { address: string; port: number } | null = null;
  readonly pendingConnections: PendingConnection[] = [];
  readonly pendingErrors: Fault[] = [];
  #pendingErrorsSeen = 0;
  #securing = false;
  /** Whether the connection has moved to another thread. */
  detached = false;
  /** Whether its protocol has a close of its own, which the peer gets when the program ends. */
  hasCloseMessage = false;
  /** Whether `count` counts datagrams that were dropped. */
  countsDropped = false;
  /** The word by which other threads cancel a wait; null until one was asked for. */
  cancellation: Int32Array | null = null;
  /** Whether a call has thrown why it failed: only then a poller stops reporting it. */
  errorTaken = false;
  #error: NetError | null = null;

  constructor(
    link: ChannelLink,
    handleId: number,
    reference: SlotReference,
    ringReferences: RingPair | null,
    words: Int32Array,
    rings: Rings | null,
    free: () => void,
  ) {
    this.link = link;
    this.handleId = handleId;
    this.reference = reference;
    this.ringReferences = ringReferences;
    this.words = words;
    this.rings = rings;
    this.free = free;
  }

  /**
   * PHASE_… and the …_ENDED bits. With a dead networking thread everything has failed, and so has a handle whose slot was released
   * although it is open: its runtime is being closed.
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

  /** How far connecting has come: STAGE_…; after a failure, how far it had come. */
  get stage(): number {
    return Atomics.load(this.words, STAGE); // partner: Slot.reach
  }

  /**
   * An accepted connection is open before the networking thread knows its slot. Only before any other thread knows
   * the slot.
   */
  assumeOpen(): void {
    Atomics.compareExchange(this.words, STATE, PHASE_WAITING, PHASE_OPEN); // partner: Slot.#become (which comes later if it loses)
  }

  /** Why it failed; the same error each time. Of use once `state` says that it has. */
  get error(): NetError {
    this.#error ??= new NetError(this.#fault);
    return this.#error;
  }

  /** The same reason in an error of its own, for a call to throw it. */
  takeError(): NetError {
    this.errorTaken = true;
    return new NetError(this.#fault);
  }

  /**
   * Blocks as `Caller.wait` for news of this handle. Throws a `NetError` with code `ERR_CANCELLED` where another thread has cancelled it and
   * `met(target)` does not hold.
   */
  wait<T>(deadline: Deadline, met: (target: T) => boolean, target: T): boolean {
    const { cancellation: word } = this;
    if (word === null) return this.link.caller.wait(this.handleId, deadline, met, target);
    const metOrCancelled = (each: T): boolean => met(each) || isCancelled(word);
    if (!this.link.caller.wait(this.handleId, deadline, metOrCancelled, target)) return false;
    if (met(target)) return true;
    takeCancel(word);
    throw new NetError(
      located({ code: "ERR_CANCELLED", message: "the wait was cancelled by another thread" }, this.where),
    );
  }

  /** The error of a wait on this handle that ran out. */
  outOfTime(fault: Fault): NetError {
    const error = new NetError(located(fault, this.where));
    const reason = this.link.reasonOf(fault);
    return reason === fault ? error : new NetError(located(reason, this.where), error);
  }

  /** What errors say of where they happened. */
  get where(): Where {
    if (this.facts === null) this.link.takeNotices();
    const { host, address, port } = this.destination;
    const { remoteAddress, remotePort } = this.facts ?? {};
    return { host, address: remoteAddress ?? address, port: remotePort ?? port };
  }

  get #fault(): Fault {
    const fault = readFault(this.words, FAULT) ?? this.link.death ?? RUNTIME_CLOSED;
    return located(fault, this.where);
  }

  /** Bytes that were written, here or on the thread that has the connection now, and not handed to the operating system. */
  get unsent(): number {
    const written = Atomics.load(this.words, TX_WRITE); // partner: ByteProducer.publish
    const inRing = (written - Atomics.load(this.words, TX_READ)) | 0; // partner: ByteConsumer.consume
    // Checked after the ring: what the ring got back, because it was set aside, is counted here by then.
    return inRing + Atomics.load(this.words, TX_ASIDE); // partner: DatagramSender.#publishAside
  }

  /** How often the worker has counted: clients pending, datagrams dropped. */
  get count(): number {
    return Atomics.load(this.words, COUNT); // partner: Slot.count
  }

  /** Clients that wait at a server, of which `accepted` were taken. With the networking thread their connections have ended. */
  waitingClients(accepted: number): number {
    return this.link.death === null ? (this.count - accepted) | 0 : 0;
  }

  /** The oldest error, not reported yet, that did not end the handle. */
  takePendingError(): NetError | null {
    const happened = Atomics.load(this.words, PENDING_ERRORS); // partner: Slot.addPendingError
    if (happened === this.#pendingErrorsSeen) return null;
    this.link.takeNotices();
    const fault = this.pendingErrors.shift();
    // Of very many only the first are kept.
    this.#pendingErrorsSeen = this.pendingErrors.length === 0 ? happened : (this.#pendingErrorsSeen + 1) | 0;
    return fault === undefined ? null : new NetError(located(fault, this.where));
  }

  /** Whether there is an error to take. */
  get hasPendingError(): boolean {
    return Atomics.load(this.words, PENDING_ERRORS) !== this.#pendingErrorsSeen; // partner: Slot.addPendingError
  }

  /** Asks the networking thread to service the slot. The news must have been published. */
  notifyWorker(): void {
    if (this.link.queue.push(this.handleId, this.words, TO_WORKER_FLAG)) this.link.doorbell.ring();
  }

  /** Whether the program has closed it, so that it only sends. */
  get closing(): boolean {
    return (Atomics.load(this.words, REQUEST) & (REQUEST_CLOSE | REQUEST_RESET)) !== 0; // no partner: this thread's own word
  }

  /** Asks for the end that the REQUEST_… bits say. */
  request(bits: number): void {
    Atomics.or(this.words, REQUEST, bits); // partner: Slot.request
    this.notifyWorker();
  }

  /** Whether TLS was started and is not established yet: until then nothing is read or written. */
  get securing(): boolean {
    if (this.#securing) this.link.takeNotices();
    return this.#securing;
  }

  /** Starts TLS. `early` are the bytes for it that were taken out of the receive ring. */
  startTls(tls: TlsParameters, isServer: boolean, early: Uint8Array): void {
    this.link.takeNotices();
    this.#securing = true;
    this.link.post({ type: "start-tls", handleId: this.handleId, tls, isServer, early });
  }

  /** TLS is established: what is read begins at `position` of the receive ring. */
  secured(facts: ConnectionFacts, position: number): void {
    const { receive } = this.rings as Rings;
    this.facts = facts;
    this.#securing = false;
    receive.skipTo(position);
    if (tryResume(this.words, receive.readable, receive.capacity)) this.notifyWorker();
  }

  /** Asks for these options of the connection. `delay` is in ms. */
  setOptions(noDelay: boolean, keepAlive: boolean, delay: number): void {
    Atomics.store(this.words, KEEP_ALIVE_DELAY, delay); // partner: Connection.#applyOptions
    Atomics.and(this.words, REQUEST, ~(OPTION_NO_DELAY | OPTION_KEEP_ALIVE)); // partner: Slot.request
    this.request(REQUEST_OPTIONS | (noDelay ? OPTION_NO_DELAY : 0) | (keepAlive ? OPTION_KEEP_ALIVE : 0));
  }

  /** Notifies the pollers that watch it. */
  notifyWatchers(): void {
    for (const watcher of this.watchers) watcher.candidate();
  }
}
