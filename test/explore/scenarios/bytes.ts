/** Scenarios of the byte ring: one producer, one consumer, every size of piece. Test code. */

import type { Scenario, Stage } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";

interface Plan {
  capacity: number;
  /** Where both positions stand at the beginning. */
  start: number;
  total: number;
  largest: number;
  inPlace: boolean;
}

/** The byte at a place of the stream: never twice the same in a run. */
function byteAt(index: number): number {
  return index + 1;
}

class Producer implements Program {
  private readonly ring;
  private sent = 0;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    words: Int32Array,
    bytes: Uint8Array,
  ) {
    this.ring = new stage.product.ByteProducer(words, 0, 1, bytes);
  }

  turn(): boolean {
    const { largest, total, inPlace } = this.plan;
    const wanted = Math.min(1 + this.stage.world.choose(largest), total - this.sent);
    this.sent += inPlace ? this.fill(wanted) : this.write(wanted);
    return this.sent < total;
  }

  private write(wanted: number): number {
    // The piece stands in a larger buffer, as a caller's often does.
    const source = Uint8Array.from({ length: 1 + wanted }, (_, i) => byteAt(this.sent + i - 1));
    return this.ring.write(source, 1);
  }

  private fill(wanted: number): number {
    const span = this.ring.span(wanted);
    for (let i = 0; i < span.length; i++) span[i] = byteAt(this.sent + i);
    if (span.length > 0) this.ring.publish(span.length);
    return span.length;
  }
}

class Consumer implements Program {
  private readonly ring;
  private received = 0;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    words: Int32Array,
    bytes: Uint8Array,
  ) {
    this.ring = new stage.product.ByteConsumer(words, 0, 1, bytes);
  }

  turn(): boolean {
    const { largest, total, inPlace, capacity } = this.plan;
    const wanted = 1 + this.stage.world.choose(largest);
    this.received += inPlace ? this.readInPlace(wanted) : this.read(wanted);
    if (this.ring.known < 0 || this.ring.known > capacity)
      this.stage.world.fail(`${this.ring.known} bytes are said to be there`);
    return this.received < total;
  }

  private read(wanted: number): number {
    const target = new Uint8Array(1 + wanted);
    const count = this.ring.read(target, 1);
    this.check(target.subarray(1, 1 + count));
    return count;
  }

  private readInPlace(wanted: number): number {
    const span = this.ring.span(wanted);
    this.check(span);
    if (span.length > 0) this.ring.consume(span.length);
    return span.length;
  }

  private check(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      this.stage.world.expect(`byte ${this.received + i}`, bytes[i] as number, byteAt(this.received + i));
    }
  }
}

/** `bySet`: pieces are copied by `set`, as only large ones are otherwise. */
function byteScenario(name: string, story: string, plan: Plan, bySet = false): Scenario {
  const edits = ["LOOP_BYTES", "SET_BYTES"].map((constant) => ({
    module: "ring/byte-ring",
    find: new RegExp(`${constant} = \\d+`),
    replace: `${constant} = 0`,
  }));
  return {
    name,
    story,
    edits: bySet ? edits : [],
    set(stage) {
      const { world } = stage;
      const words = world.words("words", 2, {
        label: (index) => ["write position", "read position"][index] as string,
        initial: () => plan.start | 0,
      });
      const bytes = world.bytes("ring", plan.capacity);
      return {
        threads: [
          new ModelThread("producer", world, () => new Producer(stage, plan, words, bytes)),
          new ModelThread("consumer", world, () => new Consumer(stage, plan, words, bytes)),
        ],
        rest: (view) =>
          ((view.word(words, 0) - plan.start) | 0) === plan.total && view.word(words, 0) === view.word(words, 1)
            ? null
            : "bytes are left",
      };
    },
  };
}

export const BYTE_SCENARIOS: Scenario[] = [
  byteScenario(
    "bytes, ring of 4, across 2³²",
    "Nine bytes in pieces of 1 to 3, read in pieces of 1 to 3; positions begin at 2³² − 3.",
    { capacity: 4, start: -3, total: 9, largest: 3, inPlace: false },
  ),
  byteScenario(
    "bytes, ring of 2, across 2³¹",
    "Seven bytes in pieces of 1 to 3 through a ring of 2; positions begin at 2³¹ − 3.",
    { capacity: 2, start: 2 ** 31 - 3, total: 7, largest: 3, inPlace: false },
  ),
  byteScenario("bytes, ring of 1", "Four bytes through the smallest ring there is.", {
    capacity: 1,
    start: -2,
    total: 4,
    largest: 2,
    inPlace: false,
  }),
  byteScenario(
    "bytes, ring of 4, copied by `set`",
    "As the first, but the code for large pieces runs: copies by `set` of one or two parts.",
    { capacity: 4, start: -3, total: 9, largest: 3, inPlace: false },
    true,
  ),
  byteScenario(
    "bytes in place",
    "Nine bytes through a ring of 4, written and read in the ring itself (`span`, `publish`, `consume`).",
    { capacity: 4, start: -3, total: 9, largest: 3, inPlace: true },
  ),
];
