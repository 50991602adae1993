/**
 * A queue, from one thread to another, of the slots that have news, named by their handle ids. So the cost depends on
 * the slots that are ready, not on all that are open.
 *
 * `SlotQueueProducer` runs on the thread that has news of a slot, `SlotQueueConsumer` on the one that handles it.
 *
 * Each slot has a flag that is set while the slot is in the queue. The producer publishes its news (a position, a
 * state) first and then queues the slot only if the flag is clear; the consumer clears the flag first and then checks
 * for news.
 *
 * Why no news is lost: if the producer finds the flag set, the consumer's clearing store comes later in the single
 * order of all atomic operations, and its check later still, so it sees the news that was stored before the flag was
 * loaded. If the producer finds it clear, it queues the slot.
 *
 * Why it never overflows. A link has at most MAX_SLOTS = S slots at a time, and a queue has QUEUE_CAPACITY = 8 S
 * entries. `pushAlways` is used when a slot is released, when a connection is moved to the caller that attached it, and
 * when that caller closes it.
 *
 * - To the caller that opens handles: one entry by the flag and one at the release. A slot is reused only after the
 *   latter was taken out, and both with it: 2 S.
 * - From the caller that opens handles: each use of a slot begins with a command, and after each command the networking thread empties the
 *   queue. So the entries belong to at most two uses of a slot. In each use, one entry may be queued when the command comes and lowers the
 *   flag, and one more after it: 4 S, and one entry of the slot that is being handled.
 * - To a caller that attaches: one entry for each attached connection, with the flag raised; another one of that slot only after the caller
 *   has taken the first out and lowered the flag. So there are never more entries than connections that were attached since the caller last
 *   found the queue empty, of which S may have a lowered flag. `AttachWindow` limits them to MAX_ATTACHING = 2 S: 3 S.
 * - From a caller that attaches: at most three entries for each connection that was not moved yet (one when the move lowers
 *   the flag, one after it, one at the close), and two for each other one. After each connection that it moves, the
 *   networking thread empties the queue before it counts the connection as moved: 3 · 2 S + 2 S = 8 S.
 */

import { QUEUE_CAPACITY } from "./layout.js";

const MASK = QUEUE_CAPACITY - 1;

/** The writing end. */
export class SlotQueueProducer {
  readonly #words: Int32Array;
  readonly #writeWord: number;
  readonly #entries: number;
  #writePosition: number;

  /** `writeWord` is the index of the write position in `words`, `entries` that of the first entry. */
  constructor(words: Int32Array, writeWord: number, entries: number) {
    this.#words = words;
    this.#writeWord = writeWord;
    this.#entries = entries;
    this.#writePosition = Atomics.load(words, writeWord); // no partner: this thread's own word
  }

  /**
   * Queues the slot `handleId` unless it is in the queue already; `flags[flagWord]` is its flag.
   * Returns whether this call has queued it. The news must have been published before.
   */
  push(handleId: number, flags: Int32Array, flagWord: number): boolean {
    if (Atomics.load(flags, flagWord) === 1) return false; // partner: SlotQueueConsumer.lower
    // Only this thread raises the flag, so load and store need not be one step.
    Atomics.store(flags, flagWord, 1); // partner: SlotQueueConsumer.lower
    this.pushAlways(handleId);
    return true;
  }

  /** Queues the slot whatever its flag says. */
  pushAlways(handleId: number): void {
    this.#words[this.#entries + (this.#writePosition & MASK)] = handleId;
    this.#writePosition = (this.#writePosition + 1) | 0;
    Atomics.store(this.#words, this.#writeWord, this.#writePosition); // partner: SlotQueueConsumer.empty
  }
}

/** The reading end. */
export class SlotQueueConsumer {
  readonly #words: Int32Array;
  readonly #writeWord: number;
  readonly #readWord: number;
  readonly #entries: number;
  #readPosition: number;

  /** `writeWord` and `readWord` are the indices of the positions in `words`, `entries` that of the first entry. */
  constructor(words: Int32Array, writeWord: number, readWord: number, entries: number) {
    this.#words = words;
    this.#writeWord = writeWord;
    this.#readWord = readWord;
    this.#entries = entries;
    this.#readPosition = Atomics.load(words, readWord); // no partner: this thread's own word
  }

  /** Whether nothing is queued. */
  get empty(): boolean {
    return Atomics.load(this.#words, this.#writeWord) === this.#readPosition; // partner: SlotQueueProducer.pushAlways
  }

  /** Removes and returns the oldest entry, or returns -1. Lower the slot's flag, then handle the slot. */
  pop(): number {
    if (this.empty) return -1;
    const handleId = this.#words[this.#entries + (this.#readPosition & MASK)] as number;
    this.#readPosition = (this.#readPosition + 1) | 0;
    Atomics.store(this.#words, this.#readWord, this.#readPosition); // no partner: for debuggers and tests
    return handleId;
  }

  /** Clears a slot's flag: news published after this queues the slot again. */
  static lower(flags: Int32Array, flagWord: number): void {
    Atomics.store(flags, flagWord, 0); // partner: SlotQueueProducer.push
  }
}
