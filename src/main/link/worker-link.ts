/**
 * The calling thread's end of its link to one networking thread: its open handles, and the queues of slots.
 *
 * Runs on the calling thread.
 */

import type { MessagePort } from "node:worker_threads";
import type { Fault } from "../../ring/fault-text.js";
import {
  MAX_SLOTS,
  PHASE_MASK,
  PHASE_RELEASED,
  QUEUE_CAPACITY,
  QUEUES,
  REQUEST,
  STATE,
  TO_CALLER_FLAG,
  TO_CALLER_READ,
  TO_CALLER_WRITE,
  TO_WORKER_WRITE,
} from "../../ring/layout.js";
import type { Command, RingPair } from "../../ring/protocol.js";
import { ANYTHING, DoorbellRinger } from "../../ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../../ring/slot-queue.js";
import { NetError } from "../api/net-error.js";
import { Announcements } from "./announcements.js";
import { AttachWindow } from "./attach-window.js";
import { Channel, type ChannelCaller, type Traffic } from "./channel.js";
import type { Deadline } from "./deadline.js";
import { debug, debugging } from "./debug.js";
import { threadChanged } from "./diagnostics.js";
import { Liveness } from "./liveness.js";
import { Notices } from "./notices.js";
import { type RingSizes, ringEnds, SlotMemory } from "./slot-memory.js";

/** The calling thread, as its links use it. */
export interface LinkCaller extends ChannelCaller {
  links: WorkerLink[];
  nextHandleId(taken: (handleId: number) => boolean): number;
}

export class WorkerLink {
  readonly caller: LinkCaller;
  /** Name of the broadcast channel that announces attached connections to the networking thread. */
  readonly name: string;
  readonly workerBlock: SharedArrayBuffer;
  readonly queue: SlotQueueProducer;
  readonly doorbell: DoorbellRinger;
  readonly linkBlock: SharedArrayBuffer;
  readonly liveness: Liveness;
  readonly notices: Notices;
  /** Null unless this thread has only attached connections. */
  readonly announcements: Announcements | null;
  readonly attachWindow: AttachWindow;
  /** Called once, when the networking thread is found to have ended. */
  onDeath: () => void = () => {};
  readonly #port: MessagePort | null;
  readonly #fromWorker: SlotQueueConsumer;
  readonly traffic: Traffic = { bytesRead: 0, bytesWritten: 0, dropped: 0 };
  readonly #channels = new Map<number, Channel>();
  readonly #memory = new SlotMemory();

  /** `port` is null if this thread has only attached connections of another thread's runtime. */
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
    this.#port = port;
    const words = new Int32Array(linkBlock);
    const worker = new Int32Array(workerBlock);
    this.doorbell = new DoorbellRinger(worker);
    this.liveness = new Liveness(worker, this.doorbell, this);
    this.notices = new Notices(words, port, this.#channels);
    this.queue = new SlotQueueProducer(words, TO_WORKER_WRITE, QUEUES);
    this.#fromWorker = new SlotQueueConsumer(words, TO_CALLER_WRITE, TO_CALLER_READ, QUEUES + QUEUE_CAPACITY);
    this.announcements = port === null ? new Announcements(name) : null;
    this.attachWindow = new AttachWindow(words, () => this.drain());
    caller.links.push(this);
  }

  /** Handles that are open or closing in the background. */
  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  /** The number of `channels`. */
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

  /** Datagrams that were dropped, by open and closed sockets. */
  get dropped(): number {
    let { dropped } = this.traffic;
    for (const channel of this.#channels.values()) {
      if (channel.countsDropped && !channel.closing) dropped += channel.count >>> 0;
    }
    return dropped;
  }

  /** CPU time of the networking thread in ms; null if it is not available, or no answer comes within `deadline`. */
  threadCpuMs(deadline: Deadline): number | null {
    if (this.death !== null || this.#port === null) return null;
    const request = this.notices.nextRequest();
    this.notices.threadCpuMs = null;
    this.post({ type: "stats", request });
    const answered = (): boolean => this.notices.replyTo(request) !== undefined || this.death !== null;
    this.caller.wait(ANYTHING, deadline, answered, null);
    this.notices.dropReply(request);
    return this.notices.threadCpuMs;
  }

  /** Bytes of shared memory allocated for slots and rings. */
  get arenaBytes(): number {
    return this.#memory.bytes;
  }

  /** Why the networking thread has ended, or null while it runs. */
  get death(): Fault | null {
    return this.liveness.death;
  }

  /**
   * The fault of a wait that timed out: `fault`, or, if the networking thread is still starting, one that says so: then
   * the network is not to blame.
   */
  reasonOf(fault: Fault): Fault {
    if (!this.liveness.starting) return fault;
    const message = `${fault.message}: the networking thread is still starting; nothing was sent yet, and a later call may succeed`;
    return { code: "ERR_WORKER_START", message };
  }

  /** Sends a command. */
  post(command: Command): void {
    if (debugging) debug(`asks for ${command.type}`, { handle: "slot" in command ? command.slot.handleId : undefined });
    this.#port?.postMessage(command);
  }

  /** A slot without rings: for a server or a look-up. */
  openPlain(): Channel {
    return this.#open(null);
  }

  /** A slot with rings, and the references to them that the command needs. */
  openRinged(sizes: RingSizes): { channel: Channel; rings: RingPair } {
    const channel = this.#open(sizes);
    return { channel, rings: channel.memory.ringReferences as RingPair };
  }

  /** Adds a channel that was opened on another thread. */
  add(channel: Channel): void {
    this.#channels.set(channel.handleId, channel);
  }

  /**
   * Requests the end of a connection: REQUEST_CLOSE or REQUEST_RESET. An attached connection no longer belongs to this
   * thread after that: before the next line runs, the networking thread may have released the slot, and the thread that
   * opened it may have given it to another handle. So the flag is not touched; the slot is queued whatever the flag
   * says, for the last time.
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
   * The channel was closed or detached. If it was opened on this thread, it stays listed until its memory is released.
   */
  forget(channel: Channel): void {
    if (this.#port === null) this.#channels.delete(channel.handleId);
  }

  /** Handles every slot that the networking thread has queued: notifies pollers, and frees what was released. */
  drain(): void {
    for (let handleId = this.#fromWorker.pop(); handleId !== -1; handleId = this.#fromWorker.pop()) {
      const channel = this.#channels.get(handleId);
      if (channel === undefined) continue;
      if ((Atomics.load(channel.words, STATE) & PHASE_MASK) === PHASE_RELEASED) {
        // partner: Slot.release
        this.#channels.delete(handleId);
        channel.memory.free();
        continue;
      }
      if (channel.detached) continue; // the flag belongs to the new owner's thread
      SlotQueueConsumer.lower(channel.words, TO_CALLER_FLAG);
      channel.notifyWatchers();
    }
    this.takeNotices();
  }

  /** Takes every notice that was posted so far. */
  takeNotices(): void {
    this.notices.take();
  }

  /** The networking thread has ended: all handles of this link have failed. */
  died(): void {
    if (debugging) debug("the networking thread has ended", { name: this.name, reason: this.death?.message });
    threadChanged(this.name, "end", this.death?.message);
    this.announcements?.close();
    for (const channel of this.#channels.values()) channel.notifyWatchers();
    this.onDeath();
    this.caller.links = this.caller.links.filter((link) => link !== this);
  }

  /** Called every HEARTBEAT_MS while the program waits, or polls. */
  heartbeat(): void {
    this.liveness.heartbeat();
    this.announcements?.dropOthers();
  }

  #open(sizes: RingSizes | null): Channel {
    this.drain();
    if (this.#channels.size >= MAX_SLOTS) {
      throw new NetError({
        code: "EMFILE",
        message: `more than ${MAX_SLOTS} handles are open on one networking thread`,
      });
    }
    const handleId = this.caller.nextHandleId((candidate) => this.has(candidate));
    const memory = this.#memory.allocate(handleId, sizes);
    const channel = new Channel(this, handleId, memory, ringEnds(memory));
    this.#channels.set(handleId, channel);
    return channel;
  }
}
