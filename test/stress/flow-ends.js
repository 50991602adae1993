/**
 * The whole receive path under stress: a producer in its event loop that stops when the ring is full, and that flow control, the
 * slot queue and the doorbell resume; a consumer that blocks.
 *
 * Test code.
 */

import { ByteProducer } from "../../build/ring/byte-ring.js";
import { tryPause, tryResume } from "../../build/ring/flow-control.js";
import {
  QUEUES,
  RX_PAUSED,
  RX_READ,
  RX_WRITE,
  TO_WORKER_FLAG,
  TO_WORKER_READ,
  TO_WORKER_WRITE,
} from "../../build/ring/layout.js";
import { DoorbellRinger, DoorbellSleeper, SignalWaker } from "../../build/ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../../build/ring/slot-queue.js";
import { consumeBytes, pieceSizes } from "./byte-ends.js";
import { dawdle, randomNumbers, streamAt } from "./stream.js";

const NAME = 1;

/** Resolves when all is written. The thread must have something else that keeps its event loop alive. */
export function produceUnderFlowControl({ slot, link, workerBlock, bytes, consumerBlock, total, seed }) {
  const random = randomNumbers(seed + 1);
  const size = pieceSizes(bytes.length, random);
  const ring = new ByteProducer(slot, RX_WRITE, RX_READ, bytes);
  const queue = new SlotQueueConsumer(link, TO_WORKER_WRITE, TO_WORKER_READ, QUEUES);
  const waker = new SignalWaker(consumerBlock);
  let sent = 0;
  let paused = false;
  let pauses = 0;
  let rings = 0;
  return new Promise((resolve) => {
    const doorbell = new DoorbellSleeper(workerBlock, () => {
      rings++;
      doorbell.cancelWait();
      drain();
      sleep();
    });
    const sleep = () => {
      for (;;) {
        dawdle(random);
        doorbell.prepareWait();
        if (queue.empty) return;
        doorbell.cancelWait();
        drain();
      }
    };
    const drain = () => {
      while (queue.pop() !== -1) {
        SlotQueueConsumer.lower(slot, TO_WORKER_FLAG);
        dawdle(random);
        if (!paused || Atomics.load(slot, RX_PAUSED) === 1) continue;
        paused = false;
        setImmediate(write);
      }
    };
    /** A turn of the event loop: some pieces, as a socket would bring them. */
    const write = () => {
      for (let pieces = 1 + random(4); pieces > 0 && sent < total; pieces--) {
        const piece = streamAt(sent, Math.min(size(), total - sent));
        const count = ring.write(piece);
        sent += count;
        if (count > 0) waker.wakeWaiting(NAME);
        if (ring.free > 0) continue;
        pauses++;
        dawdle(random);
        if (tryPause(slot, ring)) {
          paused = true;
          return;
        }
      }
      if (sent < total) setImmediate(write);
      else resolve({ pauses, rings });
    };
    sleep();
    write();
  });
}

export function consumeUnderFlowControl(shared) {
  const { slot, link, workerBlock } = shared;
  const queue = new SlotQueueProducer(link, TO_WORKER_WRITE, QUEUES);
  const doorbell = new DoorbellRinger(workerBlock);
  const random = randomNumbers(shared.seed + 4);
  return consumeBytes({ ...shared, words: slot, writeWord: RX_WRITE, readWord: RX_READ }, (ring) => {
    dawdle(random);
    if (!tryResume(slot, ring.known, ring.capacity)) return;
    dawdle(random);
    if (queue.push(NAME, slot, TO_WORKER_FLAG)) doorbell.ring();
  });
}
