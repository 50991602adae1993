/**
 * The doorbell under stress: two callers ask a thread that sleeps in its event loop, a few questions at a time, and block until
 * they are answered. A ring that is lost leaves a caller waiting.
 *
 * Test code.
 */

import { DoorbellRinger, DoorbellSleeper, SignalWaker } from "../../build/ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../../build/ring/slot-queue.js";
import { dawdle, randomNumbers } from "./stream.js";
import { Waiting } from "./waiting.js";

const NAME = 1;
/** Words of a caller's slot. */
const QUESTION = 0;
const ANSWER = 16;
const FLAG = 32;
export const DOORBELL_SLOT_BYTES = 4 * 48;

export function answerDoorbell({ workerBlock, callers, total, seed }) {
  const random = randomNumbers(seed + 1);
  const ends = callers.map(({ link, slot, callerBlock }) => ({
    queue: new SlotQueueConsumer(link, 0, 16, 32),
    waker: new SignalWaker(callerBlock),
    slot,
    answered: 0,
  }));
  let rings = 0;
  return new Promise((resolve) => {
    const drain = () => {
      for (const end of ends) {
        while (end.queue.pop() !== -1) {
          SlotQueueConsumer.lower(end.slot, FLAG);
          dawdle(random);
          end.answered = Atomics.load(end.slot, QUESTION);
          Atomics.store(end.slot, ANSWER, end.answered);
          end.waker.wakeWaiting(NAME);
        }
      }
      if (ends.every(({ answered }) => answered === total)) resolve({ rings });
    };
    const sleep = () => {
      for (;;) {
        doorbell.prepareWait();
        if (ends.every(({ queue }) => queue.empty)) return;
        doorbell.cancelWait();
        drain();
      }
    };
    const doorbell = new DoorbellSleeper(workerBlock, () => {
      rings++;
      doorbell.cancelWait();
      drain();
      dawdle(random);
      sleep();
    });
    sleep();
  });
}

export function askDoorbell({ workerBlock, callers, number, total, seed }) {
  const random = randomNumbers(seed + 2 + number);
  const { link, slot, callerBlock } = callers[number];
  const queue = new SlotQueueProducer(link, 0, 32);
  const ringer = new DoorbellRinger(workerBlock);
  const waiting = new Waiting(callerBlock, random);
  for (let asked = 0; asked < total; ) {
    for (let questions = 1 + random(4); questions > 0 && asked < total; questions--) {
      Atomics.store(slot, QUESTION, ++asked);
      const queued = queue.push(NAME, slot, FLAG);
      dawdle(random); // the worker, rung by the other caller, may have it by now
      if (queued) ringer.ring();
    }
    waiting.until(NAME, () => Atomics.load(slot, ANSWER) === asked);
  }
  return { sleeps: waiting.sleeps, vain: waiting.vain };
}
