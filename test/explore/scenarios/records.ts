/** Scenario of the record ring: datagrams, whole or not at all. Test code. */

import type { Scenario, Stage } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";

const CAPACITY = 32;
const START = -19;

/** What is sent: with and without a host, of every length from 0. */
const RECORDS = [
  { host: "a", port: 258, payload: [1, 2, 3] },
  { host: "", port: 7, payload: [] },
  { host: "b", port: 65535, payload: [4] },
  { host: "b", port: 1, payload: [5, 6, 7, 8, 9, 10, 11, 12] },
  { host: "", port: 9, payload: [13, 14] },
];

class Producer implements Program {
  private readonly records;
  private sent = 0;

  constructor(stage: Stage, words: Int32Array, bytes: Uint8Array) {
    this.records = new stage.product.RecordProducer(new stage.product.ByteProducer(words, 0, 1, bytes));
  }

  turn(): boolean {
    const record = RECORDS[this.sent] as (typeof RECORDS)[number];
    if (this.records.write(record.host, record.port, Uint8Array.from(record.payload))) this.sent++;
    return this.sent < RECORDS.length;
  }
}

class Consumer implements Program {
  private readonly records;
  private received = 0;
  /** Lengths of the records read and not released: up to two at a time, as a networking thread has several in flight. */
  private readonly held: number[] = [];

  constructor(
    private readonly stage: Stage,
    words: Int32Array,
    bytes: Uint8Array,
  ) {
    this.records = new stage.product.RecordConsumer(new stage.product.ByteConsumer(words, 0, 1, bytes));
  }

  turn(): boolean {
    const { world } = this.stage;
    const all = this.received === RECORDS.length;
    if (this.held.length === 2 || (this.held.length === 1 && (all || world.choose(2) === 1))) {
      this.records.release(this.held.shift() as number);
      return !all || this.held.length > 0;
    }
    if (this.records.next()) this.check();
    return true;
  }

  private check(): void {
    const { world } = this.stage;
    const { records } = this;
    const expected = RECORDS[this.received++] as (typeof RECORDS)[number];
    if (records.host !== expected.host)
      world.fail(`the host is ${JSON.stringify(records.host)}, not "${expected.host}"`);
    world.expect("the port", records.port, expected.port);
    world.expect("the payload's length", records.payloadLength, expected.payload.length);
    let payload = records.payloadView();
    if (payload === null) {
      payload = new Uint8Array(records.payloadLength);
      records.copyPayload(payload);
    }
    for (const [i, byte] of expected.payload.entries()) world.expect(`byte ${i}`, payload[i] as number, byte);
    this.held.push(records.recordLength);
  }
}

export const RECORD_SCENARIO: Scenario = {
  name: "records",
  story:
    "Five records of 8 to 17 bytes through a ring of 32 bytes, across its end and across 2³²; the consumer holds up to two before it releases them.",
  set(stage) {
    const { world } = stage;
    const words = world.words("words", 2, {
      label: (index) => ["write position", "read position"][index] as string,
      initial: () => START,
    });
    const bytes = world.bytes("ring", CAPACITY);
    return {
      threads: [
        new ModelThread("producer", world, () => new Producer(stage, words, bytes)),
        new ModelThread("consumer", world, () => new Consumer(stage, words, bytes)),
      ],
    };
  },
};
