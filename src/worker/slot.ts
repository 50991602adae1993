/**
 * A handle's slot on the networking thread: reports state to the caller, and reads its requests.
 *
 * Runs on the networking thread.
 */

import { type Fault, writeFault } from "../ring/fault-text.js";
import {
  COUNT,
  FAULT,
  FAULT_BYTES,
  FAULT_TEXT,
  PENDING_ERRORS,
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_RELEASED,
  PHASE_WAITING,
  READ_ENDED,
  REQUEST,
  REQUEST_CLOSE,
  REQUEST_RESET,
  SLOT_WORDS,
  STAGE,
  STATE,
  TO_CALLER_FLAG,
  TO_WORKER_FLAG,
  TX_ASIDE,
  TX_READ,
  TX_WRITE,
  WRITE_ENDED,
  WRITE_FAILED,
} from "../ring/layout.js";
import type { ConnectionFacts, SlotReference } from "../ring/protocol.js";
import { takeRoomInterest } from "../ring/room-interest.js";
import { ANYTHING } from "../ring/signal.js";
import { SlotQueueConsumer } from "../ring/slot-queue.js";
import type { CallerLink } from "./caller-link.js";
import { debug, debugging, stateInWords } from "./debug.js";

export class Slot {
  readonly words: Int32Array;
  #handleId: number;
  #link: CallerLink;
  /** The caller that allocated the slot and gets it back, and the handle id there. */
  readonly #owner: CallerLink;
  readonly #ownerHandleId: number;
  #state: number;

  constructor(link: CallerLink, reference: SlotReference) {
    this.words = new Int32Array(reference.memory, reference.offset, SLOT_WORDS);
    this.#link = this.#owner = link;
    this.#handleId = this.#ownerHandleId = reference.handleId;
    this.#state = PHASE_WAITING;
    // The caller may have queued the slot before its command arrived. That entry was skipped, so news published
    // from now on must queue the slot again. Every new handle checks once for news published before.
    SlotQueueConsumer.lower(this.words, TO_WORKER_FLAG); // partner: SlotQueueProducer.push
  }

  get handleId(): number {
    return this.#handleId;
  }

  get link(): CallerLink {
    return this.#link;
  }

  /** The caller's requests: REQUEST_… bits. */
  get request(): number {
    return Atomics.load(this.words, REQUEST); // partner: Channel.request
  }

  /** Requests a reset for a caller that has ended. */
  revoke(): void {
    Atomics.or(this.words, REQUEST, REQUEST_RESET); // no partner: this thread reads it in the next line
    this.#link.handles.get(this.#handleId)?.service();
  }

  /** Requests the close for a caller that can't any more. */
  close(): void {
    Atomics.or(this.words, REQUEST, REQUEST_CLOSE); // no partner: this thread reads it in the next line
    this.#link.handles.get(this.#handleId)?.service();
  }

  get closing(): boolean {
    return (this.request & (REQUEST_CLOSE | REQUEST_RESET)) !== 0;
  }

  get unsent(): number {
    const written = Atomics.load(this.words, TX_WRITE); // partner: ByteProducer.publish
    const read = Atomics.load(this.words, TX_READ); // no partner: this thread's own word
    return ((written - read) | 0) + Atomics.load(this.words, TX_ASIDE); // no partner: this thread's own word
  }

  get writeEnded(): boolean {
    return (this.#state & WRITE_ENDED) !== 0;
  }

  get phase(): number {
    return this.#state & PHASE_MASK;
  }

  get readEnded(): boolean {
    return (this.#state & READ_ENDED) !== 0;
  }

  /** Queues the slot for the caller's pollers, and wakes the caller if it sleeps on this slot or on anything. */
  notifyCaller(): void {
    this.queue();
    this.wakeCaller();
  }

  /** Queues the slot for the caller's pollers. The news must have been published. */
  queue(): void {
    this.#link.toCaller.push(this.#handleId, this.words, TO_CALLER_FLAG);
  }

  /** Wakes the caller if it sleeps on this slot or on anything. */
  wakeCaller(): void {
    this.#link.wake(this.#handleId);
  }

  /** Whether the caller sleeps on this slot or on anything. */
  get awaited(): boolean {
    const { interest } = this.#link.waker;
    return interest === this.#handleId || interest === ANYTHING;
  }

  /** The same for frequent news: the caller is woken once for all news of this turn of the event loop. */
  notifyCallerSoon(): void {
    this.queue();
    if (this.awaited) this.#link.wakeSoon();
  }

  /** There is room in the send ring: notifies the caller if it waits for that. The read position must have been published. */
  roomMade(): void {
    if (takeRoomInterest(this.words)) this.notifyCaller();
  }

  /** Stores the stage of connecting, STAGE_…. Does not wake the caller. */
  reach(stage: number): void {
    Atomics.store(this.words, STAGE, stage); // partner: Channel.stage
  }

  /** The connection is open. `facts` is null if the caller has the facts already. */
  connected(facts: ConnectionFacts | null): void {
    if (facts !== null) this.#link.post({ type: "connected", handleId: this.#handleId, facts });
    this.#become((this.#state & ~PHASE_MASK) | PHASE_OPEN);
  }

  /** TLS is established on an open connection; the caller continues to read at `position` of the receive ring. */
  secured(facts: ConnectionFacts, position: number): void {
    this.#link.post({ type: "secured", handleId: this.#handleId, facts, position });
    this.notifyCaller();
  }

  /** The server or UDP socket is bound. */
  bound(address: string, port: number): void {
    this.#link.post({ type: "bound", handleId: this.#handleId, address, port });
    this.#become(PHASE_OPEN);
  }

  /** The look-up has succeeded. */
  resolved(addresses: string[]): void {
    this.#link.post({ type: "resolved", handleId: this.#handleId, addresses });
    this.#become(PHASE_OPEN);
  }

  /** A client is pending at this server. */
  pending(pending: number, facts: ConnectionFacts): void {
    this.#link.post({ type: "pending", handleId: this.#handleId, pending, facts });
    this.count();
  }

  /** An error that does not end the handle. */
  addPendingError(fault: Fault): void {
    this.#link.post({ type: "pending-error", handleId: this.#handleId, fault });
    Atomics.add(this.words, PENDING_ERRORS, 1); // partner: Channel.takePendingError, Channel.hasPendingError
    this.notifyCaller();
  }

  /** A WebSocket's message, announced by a record. Moves `bytes` to the caller's thread. */
  handOver(bytes: ArrayBuffer): void {
    this.#link.post({ type: "message", handleId: this.#handleId, bytes }, [bytes]);
  }

  /** Increments COUNT. */
  count(): void {
    Atomics.add(this.words, COUNT, 1); // partner: Channel.count
    this.notifyCallerSoon();
  }

  /** The peer has ended, and all its bytes are in the ring. */
  endReading(): void {
    this.#become(this.#state | READ_ENDED);
  }

  /** The operating system has taken all bytes and the end of this side. */
  endWriting(): void {
    this.#become(this.#state | WRITE_ENDED);
  }

  /** Nothing can be sent any more; bytes that arrived before may still be on their way into the ring. */
  failWriting(fault: Fault): void {
    if (this.phase !== PHASE_OPEN || (this.#state & WRITE_FAILED) !== 0) return;
    writeFault(this.words, FAULT, FAULT_TEXT, FAULT_BYTES, fault);
    this.#become(this.#state | WRITE_FAILED);
  }

  /** The handle has failed; bytes in the ring stay readable. Only the first fault counts. */
  fail(fault: Fault): void {
    if (this.phase === PHASE_FAILED || this.phase === PHASE_RELEASED) return;
    if (debugging) debug("failure", { handle: this.#handleId, code: fault.code, message: fault.message });
    if ((this.#state & WRITE_FAILED) === 0) writeFault(this.words, FAULT, FAULT_TEXT, FAULT_BYTES, fault);
    this.#become((this.#state & ~PHASE_MASK) | PHASE_FAILED);
  }

  /** Releases the slot and its rings to the caller. The networking thread must not touch them after this. */
  release(): void {
    if (this.phase === PHASE_RELEASED) return;
    this.#state = PHASE_RELEASED;
    if (debugging) debug("state", { handle: this.#handleId, is: stateInWords(PHASE_RELEASED) });
    Atomics.store(this.words, STATE, PHASE_RELEASED); // partner: Channel.state
    this.#link.handles.delete(this.#handleId);
    // Always, because a raised flag may belong to an entry in the queue of another caller that had the slot.
    this.#owner.toCaller.pushAlways(this.#ownerHandleId);
    this.#owner.wake(this.#ownerHandleId);
  }

  /**
   * Moves the slot to another caller, under another handle id. Queues it whatever the flag says; `CallerLink.attached`
   * wakes the caller.
   */
  moveTo(link: CallerLink, handleId: number): void {
    const handle = this.#link.handles.get(this.#handleId);
    this.#link.handles.delete(this.#handleId);
    this.#link = link;
    this.#handleId = handleId;
    if (handle !== undefined) link.handles.set(handleId, handle);
    // The old caller's last entry may not be found under the old id any more, so the actor services the handle.
    SlotQueueConsumer.lower(this.words, TO_WORKER_FLAG);
    Atomics.store(this.words, TO_CALLER_FLAG, 1); // partner: SlotQueueConsumer.lower (at the new caller)
    link.toCaller.pushAlways(handleId);
  }

  #become(state: number): void {
    this.#state = state;
    if (debugging) debug("state", { handle: this.#handleId, is: stateInWords(state) });
    Atomics.store(this.words, STATE, state); // partner: Channel.state
    this.notifyCaller();
  }
}
