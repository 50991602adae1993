/**
 * The calling thread's end of its link to one networking thread: what opens, what is open, what was told, and whether
 * the thread is alive.
 *
 * Runs on the calling thread.
 */

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { Arena } from "../../ring/arena.js";
import { ByteConsumer, ByteProducer } from "../../ring/byte-ring.js";
import { type Fault, readFault } from "../../ring/fault-text.js";
import {
  FAULT,
  HANDLE_ID,
  LIFE,
  LIFE_DEAD,
  LIFE_FAULT,
  LIFE_RUNNING,
  LIFE_STARTING,
  LIFE_STOPPED,
  MAX_SLOTS,
  NOTICES,
  PHASE_MASK,
  PHASE_RELEASED,
  PHASE_WAITING,
  PING,
  PONG,
  QUEUE_CAPACITY,
  QUEUES,
  REQUEST,
  RX_READ,
  RX_WRITE,
  SLOT_BYTES,
  SLOT_WORDS,
  STATE,
  STOP,
  TO_CALLER_FLAG,
  TO_CALLER_READ,
  TO_CALLER_WRITE,
  TO_WORKER_WRITE,
  TX_READ,
  TX_WRITE,
} from "../../ring/layout.js";
import type { Command, Notice, RingPair } from "../../ring/protocol.js";
import { DoorbellRinger } from "../../ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../../ring/slot-queue.js";
import { NetError, RUNTIME_CLOSED } from "../api/net-error.js";
import { Channel, type ChannelCaller, type Rings } from "./channel.js";
import { readableStack } from "./thread-stack.js";

/**
 * Questions in a row that may stay unanswered; they are counted, not timed, so that a suspended machine kills nothing.
 */
const SILENT_HEARTBEATS = 20;
/** Errors that are kept for a handle whose program does not ask for them. */
const MAX_PENDING_ERRORS = 64;
/** The same while it starts. */
const STARTING_HEARTBEATS = 60;

/** The calling thread, as its links use it. */
export interface LinkCaller extends ChannelCaller {
  links: WorkerLink[];
  nextHandleId(taken: (handleId: number) => boolean): number;
}

export class WorkerLink {
  readonly caller: LinkCaller;
  /** Name of the broadcast channel on which the networking thread hears of attached connections. */
  readonly name: string;
  readonly workerBlock: SharedArrayBuffer;
  readonly queue: SlotQueueProducer;
  readonly doorbell: DoorbellRinger;
  readonly linkBlock: SharedArrayBuffer;
  /** Why the networking thread is no more, or null while it lives. */
  death: Fault | null = null;
  /** Called once when it is known to be no more. */
  onDeath: () => void = () => {};
  /** Replies to calls that are waited for, by request number; undefined until they come. */
  readonly #replies = new Map<number, Fault | null | undefined>();
  readonly #worker: Int32Array;
  readonly #port: MessagePort | null;
  readonly #words: Int32Array;
  readonly #fromWorker: SlotQueueConsumer;
  readonly #channels = new Map<number, Channel>();
  readonly #slots = new Arena(SLOT_BYTES);
  readonly #rings = new Map<number, Arena>();
  #noticesTaken = 0;
  #requests = 0;
  #silent = 0;
  #pong = 0;

  /** `port` is null where this thread has only attached connections of another thread's runtime. */
  constructor(
    caller: LinkCaller,
    name: string,
    workerBlock: SharedArrayBuffer,
    linkBlock: SharedArrayBuffer,
    port: MessagePort | null,
  ) {
    this.caller = caller;
    this.name = name;
    this.workerBlock = workerBlock;
    this.linkBlock = linkBlock;
    this.#words = new Int32Array(linkBlock);
    this.#worker = new Int32Array(workerBlock);
    this.#port = port;
    this.doorbell = new DoorbellRinger(this.#worker);
    this.queue = new SlotQueueProducer(this.#words, TO_WORKER_WRITE, QUEUES);
    this.#fromWorker = new SlotQueueConsumer(this.#words, TO_CALLER_WRITE, TO_CALLER_READ, QUEUES + QUEUE_CAPACITY);
    caller.links.push(this);
  }

  /** Handles that are open, and those that are closing in the background. */
  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  /** How many those are. */
  get openCount(): number {
    return this.#channels.size;
  }

  /** Whether all connections of this link were opened on other threads. */
  get attachedOnly(): boolean {
    return this.#port === null;
  }

  has(handleId: number): boolean {
    return this.#channels.has(handleId);
  }

  /** Bytes of shared memory set aside for slots and rings. */
  get arenaBytes(): number {
    let bytes = this.#slots.bytes;
    for (const arena of this.#rings.values()) bytes += arena.bytes;
    return bytes;
  }

  /** Sends a command. */
  post(command: Command): void {
    this.#port?.postMessage(command);
  }

  /** A number for the next call that is waited for; until `dropReply` its reply is kept. */
  nextRequest(): number {
    const request = ++this.#requests;
    this.#replies.set(request, undefined);
    return request;
  }

  /** The reply to a call: its fault, null where it went well, undefined while there is none. */
  replyTo(request: number): Fault | null | undefined {
    this.takeNotices();
    return this.#replies.get(request);
  }

  /** The call is not waited for any more: a reply that comes later is dropped. */
  dropReply(request: number): void {
    this.#replies.delete(request);
  }

  /** A slot without rings: for a server or a look-up. */
  openPlain(): Channel {
    return this.#open(null);
  }

  /** A slot with rings of these sizes in bytes, and the references to them that the command needs. */
  openRinged(receiveBuffer: number, sendBuffer: number): { channel: Channel; rings: RingPair } {
    const receiveArena = this.#ringArena(receiveBuffer);
    const sendArena = this.#ringArena(sendBuffer);
    const receivePiece = receiveArena.allocate();
    const sendPiece = sendArena.allocate();
    const rings: RingPair = {
      receive: {
        memory: receiveArena.memory(receivePiece),
        offset: receiveArena.offset(receivePiece),
        capacity: receiveBuffer,
      },
      send: { memory: sendArena.memory(sendPiece), offset: sendArena.offset(sendPiece), capacity: sendBuffer },
    };
    const free = (): void => {
      receiveArena.free(receivePiece);
      sendArena.free(sendPiece);
    };
    try {
      return { channel: this.#open(rings, free), rings };
    } catch (error) {
      free();
      throw error;
    }
  }

  /** Lists a channel that was opened elsewhere. */
  add(channel: Channel): void {
    this.#channels.set(channel.handleId, channel);
  }

  /**
   * Asks for the end of a connection, REQUEST_CLOSE or REQUEST_RESET. With that an attached one is not this thread's any more:
   * before the next line runs, the networking thread may have released the slot, and the thread that opened it may have given
   * it to another handle. So not even the flag is touched; the slot is queued whatever the flag says, and once more only.
   */
  requestClose(channel: Channel, bits: number): void {
    if (this.#port !== null) {
      channel.request(bits);
      return;
    }
    this.forget(channel);
    Atomics.or(channel.words, REQUEST, bits); // partner: Slot.request
    this.queue.pushAlways(channel.handleId);
    this.doorbell.ring();
  }

  /**
   * This thread has nothing to do with the channel any more: it was closed or detached. Where it was opened here its
   * memory comes back here, so it stays listed until then.
   */
  forget(channel: Channel): void {
    if (this.#port === null) this.#channels.delete(channel.handleId);
  }

  /** Looks at everything that the networking thread has queued: tells pollers, and takes back what it released. */
  drain(): void {
    for (let handleId = this.#fromWorker.pop(); handleId !== -1; handleId = this.#fromWorker.pop()) {
      const channel = this.#channels.get(handleId);
      if (channel === undefined) continue;
      if ((Atomics.load(channel.words, STATE) & PHASE_MASK) === PHASE_RELEASED) {
        // partner: Slot.release
        this.#channels.delete(handleId);
        channel.free();
        continue;
      }
      if (channel.detached) continue; // the flag belongs to the thread that goes on with it
      SlotQueueConsumer.lower(channel.words, TO_CALLER_FLAG);
      channel.notifyWatchers();
    }
    this.takeNotices();
  }

  /** Files everything that was told through the port. */
  takeNotices(): void {
    const port = this.#port;
    if (port === null) return;
    const posted = Atomics.load(this.#words, NOTICES); // partner: CallerLink.post
    while (this.#noticesTaken !== posted) {
      const received = receiveMessageOnPort(port);
      if (received === undefined) return; // the thread died between posting and counting
      this.#noticesTaken = (this.#noticesTaken + 1) | 0;
      this.#file(received.message as Notice);
    }
  }

  /** Looks whether the networking thread has said that it is dead. */
  checkLife(): void {
    if (this.death !== null) return;
    const life = Atomics.load(this.#worker, LIFE); // partner: boot, Actor.#stop
    if (life === LIFE_DEAD) this.die(this.#lastWords());
    else if (life === LIFE_STOPPED) this.die(RUNTIME_CLOSED);
  }

  /** Asks the networking thread to do nothing any more, so that it can be ended safely. */
  stop(): void {
    Atomics.store(this.#worker, STOP, 1); // partner: Actor.#drain
    this.doorbell.ring();
  }

  /** Whether the networking thread does nothing any more, or has not begun. */
  get stopped(): boolean {
    return this.death !== null || Atomics.load(this.#worker, LIFE) !== LIFE_RUNNING; // partner: Actor.#stop
  }

  /**
   * Asks the networking thread whether it is alive, and takes note of its last answer; after many silent answers it counts as
   * dead.
   */
  heartbeat(): void {
    this.checkLife();
    if (this.death !== null) return;
    const pong = Atomics.load(this.#worker, PONG); // partner: Actor.#drain
    if (pong === Atomics.load(this.#worker, PING)) Atomics.add(this.#worker, PING, 1); // partner: Actor.#drain
    if (pong !== this.#pong) {
      // It has answered since the last time, perhaps a question of another caller.
      this.#pong = pong;
      this.#silent = 0;
    } else {
      this.#silent++;
      const starting = Atomics.load(this.#worker, LIFE) === LIFE_STARTING; // partner: Actor.constructor
      if (this.#silent > (starting ? STARTING_HEARTBEATS : SILENT_HEARTBEATS)) {
        const what = starting ? "did not start" : "does not answer any more";
        this.die({
          code: starting ? "ERR_WORKER_START" : "ERR_WORKER_DIED",
          message: `the networking thread ${what}`,
        });
        return;
      }
    }
    this.doorbell.ring();
  }

  /** From now on everything of this link has failed, for the reason that `fault` says. Only the first reason counts. */
  die(fault: Fault): void {
    if (this.death !== null) return;
    this.death = fault;
    for (const channel of this.#channels.values()) channel.notifyWatchers();
    this.onDeath();
    this.caller.links = this.caller.links.filter((link) => link !== this);
  }

  #lastWords(): Fault {
    const fault = readFault(this.#worker, LIFE_FAULT);
    if (fault === null) return { code: "ERR_WORKER_DIED", message: "the networking thread died" };
    const what = fault.code === "ERR_WORKER_START" ? "could not start" : "died";
    return { code: fault.code, message: `the networking thread ${what}: ${readableStack(fault.message)}` };
  }

  #ringArena(bytes: number): Arena {
    let arena = this.#rings.get(bytes);
    if (arena === undefined) {
      arena = new Arena(bytes);
      this.#rings.set(bytes, arena);
    }
    return arena;
  }

  #open(rings: RingPair | null, freeRings: () => void = () => {}): Channel {
    this.drain();
    if (this.#channels.size >= MAX_SLOTS) {
      throw new NetError({
        code: "EMFILE",
        message: `more than ${MAX_SLOTS} handles are open on one networking thread`,
      });
    }
    const piece = this.#slots.allocate();
    const memory = this.#slots.memory(piece);
    const offset = this.#slots.offset(piece);
    const words = new Int32Array(memory, offset, SLOT_WORDS).fill(0, 0, FAULT + 1);
    const handleId = this.caller.nextHandleId((candidate) => this.has(candidate));
    words[HANDLE_ID] = handleId;
    words[STATE] = PHASE_WAITING;
    const ends = rings === null ? null : ringEnds(words, rings);
    const channel = new Channel(this, handleId, { handleId, memory, offset }, rings, words, ends, () => {
      freeRings();
      this.#slots.free(piece);
    });
    this.#channels.set(handleId, channel);
    return channel;
  }

  #file(notice: Notice): void {
    if (notice.type === "reply") {
      if (this.#replies.has(notice.request)) this.#replies.set(notice.request, notice.fault);
      return;
    }
    const channel = this.#channels.get(notice.handleId);
    if (channel === undefined) return;
    switch (notice.type) {
      case "connected":
        channel.facts = notice.facts;
        break;
      case "resolved":
        channel.addresses = notice.addresses;
        break;
      case "bound":
        channel.bound = { address: notice.address, port: notice.port };
        break;
      case "pending":
        channel.pendingConnections.push({ number: notice.pending, facts: notice.facts });
        break;
      case "pending-error":
        if (channel.pendingErrors.length < MAX_PENDING_ERRORS) channel.pendingErrors.push(notice.fault);
        break;
    }
  }
}

/** This thread's ends of a socket's rings. */
export function ringEnds(words: Int32Array, { receive, send }: RingPair): Rings {
  return {
    receive: new ByteConsumer(
      words,
      RX_WRITE,
      RX_READ,
      new Uint8Array(receive.memory, receive.offset, receive.capacity),
    ),
    send: new ByteProducer(words, TX_WRITE, TX_READ, new Uint8Array(send.memory, send.offset, send.capacity)),
  };
}
