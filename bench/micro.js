/** The rings by themselves, both ends in one thread, by tinybench: what a call costs without a wake-up. */
import { Bench } from "tinybench";
import { ByteConsumer, ByteProducer } from "../build/ring/byte-ring.js";
import { QUEUE_CAPACITY } from "../build/ring/layout.js";
import { RecordConsumer, RecordProducer } from "../build/ring/record-ring.js";
import { DoorbellRinger, SignalWaker } from "../build/ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../build/ring/slot-queue.js";
import { format } from "./report/format.js";

const LINE = 16;
const CAPACITY = 1 << 20;

function byteRing() {
  const words = new Int32Array(new SharedArrayBuffer(4 * 2 * LINE));
  const bytes = new Uint8Array(new SharedArrayBuffer(CAPACITY));
  return { producer: new ByteProducer(words, 0, LINE, bytes), consumer: new ByteConsumer(words, 0, LINE, bytes) };
}

/** Repetitions in one timed call: the clock costs as much as a small write. */
const TIMES = 100;

/**
 * @param {number} milliseconds for each
 * @returns {Promise<{ name: string, nanoseconds: number, cells: string[] }[]>}
 */
export async function measureRings(milliseconds) {
  const bench = new Bench({ time: milliseconds, warmupTime: milliseconds / 3 });
  /** @param {string} name @param {() => void} call */
  const add = (name, call) =>
    bench.add(name, () => {
      for (let i = 0; i < TIMES; i++) call();
    });

  for (const [label, size] of /** @type {[string, number][]} */ ([
    ["64 bytes", 64],
    ["1 KiB", 1024],
    ["64 KiB", 65_536],
  ])) {
    const { producer, consumer } = byteRing();
    const data = Buffer.alloc(size, 1);
    const target = Buffer.alloc(size);
    add(`write and read ${label}`, () => {
      producer.write(data);
      consumer.read(target);
    });
  }
  const spans = byteRing();
  add("publish and consume 64 KiB in place", () => {
    spans.producer.publish(spans.producer.span(65_536).length);
    spans.consumer.consume(spans.consumer.span(65_536).length);
  });
  const empty = byteRing();
  const target = Buffer.alloc(64);
  add("read of an empty ring", () => empty.consumer.read(target));
  const records = byteRing();
  const [out, into] = [new RecordProducer(records.producer), new RecordConsumer(records.consumer)];
  const payload = Buffer.alloc(512, 1);
  const copy = Buffer.alloc(512);
  add("write and read a record of 512 bytes", () => {
    out.write("127.0.0.1", 9999, payload);
    into.next();
    into.copyPayload(copy);
    into.release(into.recordLength);
  });
  const queue = new Int32Array(new SharedArrayBuffer(4 * (3 * LINE + QUEUE_CAPACITY)));
  const slots = new SlotQueueProducer(queue, 0, 3 * LINE);
  const looking = new SlotQueueConsumer(queue, 0, LINE, 3 * LINE);
  add("queue and pop a slot", () => {
    slots.push(7, queue, 2 * LINE);
    looking.pop();
    SlotQueueConsumer.lower(queue, 2 * LINE);
  });
  const words = new Int32Array(new SharedArrayBuffer(16 * 1024));
  const ringer = new DoorbellRinger(words);
  const waker = new SignalWaker(words);
  add("ring a thread that is awake", () => ringer.ring());
  add("wake a caller that is awake", () => waker.wakeWaiting(1));

  await bench.run();
  return bench.tasks.map(({ name, result }) => {
    const { latency } = /** @type {any} */ (result);
    const nanoseconds = (latency.p50 * 1e6) / TIMES;
    return { name, nanoseconds, cells: [name, format(nanoseconds / 1e9, "s"), format(1e9 / nanoseconds, "/s")] };
  });
}
