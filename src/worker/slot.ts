/**
 * A handle's slot as the networking thread sees it: what it says to the client, and what the client asks of it.
 *
 * Runs on the networking thread.
 */

import { type Fault, writeFault } from "../ring/fault-text.js";
import {
  COUNT,
  FAULT,
  FAULT_BYTES,
  INCIDENTS,
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_RELEASED,
  PHASE_WAITING,
  READ_ENDED,
  REQUEST,
  SLOT_WORDS,
  STATE,
  TO_CLIENT_FLAG,
  TO_WORKER_FLAG,
  WRITE_ENDED,
  WRITE_FAILED,
} from "../ring/layout.js";
import type { ConnectionFacts, SlotReference } from "../ring/protocol.js";
import { ANYTHING } from "../ring/signal.js";
import { SlotQueueConsumer } from "../ring/slot-queue.js";
import type { ClientLink } from "./client-link.js";

export class Slot {
  readonly words: Int32Array;
  #generation: number;
  #link: ClientLink;
  /** The client that allocated the slot and gets it back, and the slot's name there. */
  readonly #owner: ClientLink;
  readonly #ownerGeneration: number;
  #state: number;

  constructor(link: ClientLink, reference: SlotReference) {
    this.words = new Int32Array(reference.memory, reference.offset, SLOT_WORDS);
    this.#link = this.#owner = link;
    this.#generation = this.#ownerGeneration = reference.generation;
    this.#state = PHASE_WAITING;
    // The client may have queued the slot before its command arrived, and that entry was passed over: what it publishes
    // from now on must queue it again. What it published before is seen by the look that opens every handle.
    SlotQueueConsumer.lower(this.words, TO_WORKER_FLAG); // partner: SlotQueueProducer.push
  }

  get generation(): number {
    return this.#generation;
  }

  get link(): ClientLink {
    return this.#link;
  }

  /** What the client asked for so far: REQUEST_… bits. */
  get request(): number {
    return Atomics.load(this.words, REQUEST); // partner: Channel.request
  }

  get phase(): number {
    return this.#state & PHASE_MASK;
  }

  get readEnded(): boolean {
    return (this.#state & READ_ENDED) !== 0;
  }

  /**
   * Tells the client to look: queues the slot for its pollers, and wakes it if it sleeps on this slot or on anything.
   */
  touch(): void {
    this.queue();
    this.wakeClient();
  }

  /** Queues the slot for the client's pollers. What they shall find must have been published. */
  queue(): void {
    this.#link.toClient.push(this.#generation, this.words, TO_CLIENT_FLAG);
  }

  /** Wakes the client if it sleeps on this slot or on anything. */
  wakeClient(): void {
    this.#link.wake(this.#generation);
  }

  /** Whether the client sleeps on this slot or on anything. */
  get awaited(): boolean {
    const { interest } = this.#link.waker;
    return interest === this.#generation || interest === ANYTHING;
  }

  /** The same for news that comes in swarms: the client is woken once for all of them. */
  touchSoon(): void {
    this.queue();
    if (this.awaited) this.#link.wakeSoon();
  }

  /** Wakes the client if it sleeps on this slot, for news that nobody polls for. */
  wake(): void {
    this.#link.waker.wakeWaiting(this.#generation);
  }

  /** The connection is open; `facts` are what there is to know of it, unless the client knows. */
  connected(facts: ConnectionFacts | null): void {
    if (facts !== null) this.#link.post({ type: "connected", generation: this.#generation, facts });
    this.#become((this.#state & ~PHASE_MASK) | PHASE_OPEN);
  }

  /** The server or UDP socket is bound. */
  bound(address: string, port: number): void {
    this.#link.post({ type: "bound", generation: this.#generation, address, port });
    this.#become(PHASE_OPEN);
  }

  /** The look-up found these. */
  resolved(addresses: string[]): void {
    this.#link.post({ type: "resolved", generation: this.#generation, addresses });
    this.#become(PHASE_OPEN);
  }

  /** A client waits at this server. */
  offer(offer: number, facts: ConnectionFacts): void {
    this.#link.post({ type: "offer", generation: this.#generation, offer, facts });
    this.count();
  }

  /** An error that does not end the handle. */
  incident(fault: Fault): void {
    this.#link.post({ type: "incident", generation: this.#generation, fault });
    Atomics.add(this.words, INCIDENTS, 1); // partner: Channel.incidents
    this.touch();
  }

  /** One more of what COUNT counts. */
  count(): void {
    Atomics.add(this.words, COUNT, 1); // partner: Channel.count
    this.touchSoon();
  }

  /** The peer has ended, and all its bytes are in the ring. */
  endReading(): void {
    this.#become(this.#state | READ_ENDED);
  }

  /** All bytes and the end of our side were handed to the operating system. */
  endWriting(): void {
    this.#become(this.#state | WRITE_ENDED);
  }

  /** Nothing can be sent any more, while what arrived before may still be on its way into the ring. */
  failWriting(fault: Fault): void {
    if (this.phase !== PHASE_OPEN || (this.#state & WRITE_FAILED) !== 0) return;
    writeFault(this.words, FAULT, FAULT_BYTES, fault);
    this.#become(this.#state | WRITE_FAILED);
  }

  /** The handle is of no more use; bytes that are in the ring stay readable. Only the first fault counts. */
  fail(fault: Fault): void {
    if (this.phase === PHASE_FAILED || this.phase === PHASE_RELEASED) return;
    if ((this.#state & WRITE_FAILED) === 0) writeFault(this.words, FAULT, FAULT_BYTES, fault);
    this.#become((this.#state & ~PHASE_MASK) | PHASE_FAILED);
  }

  /** Gives the slot and its rings back. The networking thread must not touch them after this. */
  release(): void {
    if (this.phase === PHASE_RELEASED) return;
    this.#state = PHASE_RELEASED;
    Atomics.store(this.words, STATE, PHASE_RELEASED); // partner: Channel.state
    this.#link.handles.delete(this.#generation);
    // Always, because the flag may stand for an entry in the queue of another client that had the slot.
    this.#owner.toClient.pushAlways(this.#ownerGeneration);
    this.#owner.waker.wakeAnyway();
  }

  /** Another client owns the slot now, under another name. It is told to look, whatever the flag says. */
  moveTo(link: ClientLink, generation: number): void {
    const handle = this.#link.handles.get(this.#generation);
    this.#link.handles.delete(this.#generation);
    this.#link = link;
    this.#generation = generation;
    if (handle !== undefined) link.handles.set(generation, handle);
    // What the old client queued last may never be found under the old name: the caller looks at the handle.
    SlotQueueConsumer.lower(this.words, TO_WORKER_FLAG);
    Atomics.store(this.words, TO_CLIENT_FLAG, 1); // partner: SlotQueueConsumer.lower at the new client
    link.toClient.pushAlways(generation);
    link.waker.wakeAnyway();
  }

  #become(state: number): void {
    this.#state = state;
    Atomics.store(this.words, STATE, state); // partner: Channel.state
    this.touch();
  }
}
