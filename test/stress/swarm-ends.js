/**
 * Many slots under stress: two producers with news of random slots, one consumer that sleeps on anything and looks only at the
 * slots that were queued. A lost wake-up leaves the consumer waiting.
 *
 * Test code.
 */

import { ANYTHING, SignalWaker } from "../../build/ring/signal.js";
import { SlotQueueConsumer, SlotQueueProducer } from "../../build/ring/slot-queue.js";
import { dawdle, randomNumbers } from "./stream.js";
import { Waiting } from "./waiting.js";

export const SWARM_SLOTS = 64;

/** `slots` holds two words for each slot, on lines of their own: the news counted, and the queue's flag. */
const newsWord = (slot) => 32 * slot;
const flagWord = (slot) => 32 * slot + 16;

export function produceSwarm({ link, slots, consumerBlock, total, seed, number }) {
  const random = randomNumbers(seed + 3 + number);
  const queue = new SlotQueueProducer(link, 0, 32);
  const waker = new SignalWaker(consumerBlock);
  const counts = new Array(SWARM_SLOTS).fill(0);
  for (let news = 0; news < total; news++) {
    // Now and then one slot alone, so that its flag is contended.
    const slot = random(2) === 0 ? number : random(SWARM_SLOTS);
    Atomics.store(slots, newsWord(slot), ++counts[slot]);
    queue.push(slot, slots, flagWord(slot));
    waker.wakeAnyway();
    if (random(64) === 0) dawdle(random);
  }
  return {};
}

export function consumeSwarm({ links, slotsOf, consumerBlock, total, seed }) {
  const random = randomNumbers(seed + 2);
  const waiting = new Waiting(consumerBlock, random);
  const queues = links.map((link) => new SlotQueueConsumer(link, 0, 16, 32));
  const seen = links.map(() => new Array(SWARM_SLOTS).fill(0));
  let left = total * links.length;
  let looks = 0;
  const drain = () => {
    const before = left;
    for (const [number, queue] of queues.entries()) {
      for (let slot = queue.pop(); slot !== -1; slot = queue.pop()) {
        if (random(64) === 0) dawdle(random);
        SlotQueueConsumer.lower(slotsOf[number], flagWord(slot));
        const news = Atomics.load(slotsOf[number], newsWord(slot));
        if (news < seen[number][slot]) throw new Error(`slot ${slot} went back from ${seen[number][slot]} to ${news}`);
        left -= news - seen[number][slot];
        seen[number][slot] = news;
        looks++;
      }
    }
    return left < before;
  };
  while (left > 0) waiting.until(ANYTHING, drain);
  return { sleeps: waiting.sleeps, vain: waiting.vain, looks };
}
