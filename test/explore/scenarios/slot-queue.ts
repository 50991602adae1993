/** Scenario of the slot queue by itself: news of two slots, each seen. Test code. */

import type { View } from "../explorer.js";
import type { Scenario, Stage } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import type { Operation } from "../world.js";

const PIECES_OF_NEWS = 5;
const SLOTS = 2;
/** Generations are names, not indices. */
const FIRST_HANDLE_ID = 40;

interface Shared {
  link: Int32Array;
  flags: Int32Array;
  news: Int32Array;
}

class Producer implements Program {
  private readonly queue;
  private published = 0;

  constructor(
    private readonly stage: Stage,
    private readonly shared: Shared,
  ) {
    this.queue = new stage.product.SlotQueueProducer(shared.link, 0, 2);
  }

  turn(): boolean {
    const { world, broken } = this.stage;
    const { flags, news } = this.shared;
    const slot = world.choose(SLOTS);
    this.published++;
    const late = broken === "news are published after the slot is queued";
    if (!late) world.atomics.store(news, slot, this.published);
    this.queue.push(FIRST_HANDLE_ID + slot, flags, slot);
    if (late) world.atomics.store(news, slot, this.published);
    if (this.published < PIECES_OF_NEWS) return true;
    world.note("published", this.published);
    return false;
  }
}

class Consumer implements Program {
  private readonly queue;
  private readonly seen = [0, 0];

  constructor(
    private readonly stage: Stage,
    private readonly shared: Shared,
  ) {
    this.queue = new stage.product.SlotQueueConsumer(shared.link, 0, 1, 2);
  }

  turn(): boolean {
    const { world, product, broken } = this.stage;
    const slot = this.queue.pop() - FIRST_HANDLE_ID;
    if (slot === -1 - FIRST_HANDLE_ID) return true;
    if (slot !== 0 && slot !== 1) world.fail(`popped ${slot + FIRST_HANDLE_ID}, which was not queued`);
    const late = broken === "the flag is lowered after checking for news";
    if (!late) product.SlotQueueConsumer.lower(this.shared.flags, slot);
    const news = world.atomics.load(this.shared.news, slot);
    if (late) product.SlotQueueConsumer.lower(this.shared.flags, slot);
    this.seen[slot] = news;
    return Math.max(...this.seen) < PIECES_OF_NEWS;
  }
}

/** Reports a fault when an entry overwrites one that was not yet taken out. */
export function overflowGuard(
  link: Int32Array,
  writeWord: number,
  readWord: number,
  entries: number,
  capacity: number,
  most = capacity,
): (view: View, operation: Operation, array: object, index: number) => string | null {
  return (view, operation, array, index) => {
    if (array !== link || operation.kind !== "write" || index < entries || index >= entries + capacity) return null;
    const queued = (view.word(link, writeWord) - view.word(link, readWord)) | 0;
    return queued < most ? null : `the queue overflows: ${queued} entries stand in it already`;
  };
}

export const SLOT_QUEUE_SCENARIO: Scenario = {
  name: "slot queue",
  story:
    "Five pieces of news of two slots, in every order, through a queue of 4 entries whose positions cross 2³²; the consumer polls until it has seen the last.",
  edits: [{ module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 4" }],
  set(stage) {
    const { world, product } = stage;
    const link = world.words("entry", 2 + product.QUEUE_CAPACITY, {
      label: (index) => ["queue write position", "queue read position"][index] ?? `entry ${index - 2}`,
      initial: (index) => (index < 2 ? -2 : 0),
    });
    const flags = world.words("flag", SLOTS);
    const news = world.words("news", SLOTS);
    const shared = { link, flags, news };
    world.opaque.set(shared, "shared");
    const overflow = overflowGuard(link, 0, 1, 2, product.QUEUE_CAPACITY);
    return {
      threads: [
        new ModelThread("producer", world, () => new Producer(stage, shared)),
        new ModelThread("consumer", world, () => new Consumer(stage, shared)),
      ],
      guard: (view, _thread, operation, array, index) => overflow(view, operation, array, index),
    };
  },
};
