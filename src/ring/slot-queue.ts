/**
 * A queue of slots, named by their handle ids, from one thread to another: they have news. Work costs what is ready,
 * not what is open.
 *
 * `SlotQueueProducer` runs on the thread that has news of a slot, `SlotQueueConsumer` on the one that handles it.
 *
 * Each slot has a flag that says that it stands in the queue. The producer publishes its news (a position, a state)
 * first and then queues the slot only if the flag is clear; the consumer clears the flag first and then checks for news.
 *
 * Why no news is lost: if the producer finds the flag set, the consumer's clearing store comes later in the single
 * order of all atomic operations, and its check later still, so it sees the news that was stored before the flag was
 * loaded. If the producer finds it clear, it queues the slot.
 *
 * Why it never overflows. A networking thread has at most MAX_SLOTS = S slots at a time, and a queue QUEUE_CAPACITY = 8 S entries.
 * `pushAlways` is used when a slot is released, when a connection is moved to the caller that attached it, and when that one closes it.
 *
 * - To the caller that opens handles: an entry by the flag and one at the release. A slot is used again only when the
 *   latter was taken out, and both with it: 2 S.
 * - From the caller that opens handles: each life of a slot begins with a command, and behind each command the networking thread empties the
 *   queue. So the entries are of two lives at the most. In each, one may stand when the command comes and lowers the
 *   flag, and one more be queued behind it: 4 S, and one slot's entry that is being handled.
 * - To a caller that attaches: one entry for each attaching, with the flag raised; another one of that slot only when the caller has taken
 *   this out and lowered the flag. So there are never more entries than connections that were attached since the caller last found the
 *   queue empty, of which S may have their flag down by now. `AttachWindow` keeps them to MAX_ATTACHING = 2 S: 3 S.
 * - From a caller that attaches: at most three entries for each of those that were not moved yet (one when moving lowers
 *   the flag, one behind it, one at the close), and two for each other one that it has. Behind each connection that it moves the
 *   networking thread empties the queue, before it counts it as moved: 3 · 2 S + 2 S = 8 S.
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
   * Queues the slot `handleId` unless it stands in the queue already; `flags[flagWord]` is its flag.
   * Returns whether it was queued now. The news must have been published before.
   */
  push(handleId: number, flags: Int32Array, flagWord: number): boolean {
    if (Atomics.load(flags, flagWord) === 1) return false; // partner: SlotQueueConsumer.lower
    Atomics.store(flags, flagWord, 1); // partner: SlotQueueConsumer.lower (only this thread raises it: load and store need not be one step)
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

  /** Takes the oldest entry out, or returns -1. Its user lowers the slot's flag and then handles the slot. */
  pop(): number {
    if (this.empty) return -1;
    const handleId = this.#words[this.#entries + (this.#readPosition & MASK)] as number;
    this.#readPosition = (this.#readPosition + 1) | 0;
    Atomics.store(this.#words, this.#readWord, this.#readPosition); // no partner: for debuggers and tests
    return handleId;
  }

  /** Clears a slot's flag. What its producer publishes after this queues the slot again. */
  static lower(flags: Int32Array, flagWord: number): void {
    Atomics.store(flags, flagWord, 0); // partner: SlotQueueProducer.push
  }
}
