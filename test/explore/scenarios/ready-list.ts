/**
 * Scenarios of the way back to a caller that watches many handles: `Slot.notifyCaller` on the networking thread, the queue to the caller,
 * a poller that checks only its candidates. Test code.
 */

import { Actor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import { type Fabric, queueGuard, shared, weave, workerLink } from "./fabric.js";

const HANDLE_IDS = [11, 12];

interface Plan {
  /** How often each slot has news; all orders are explored. */
  news: number[];
  /** A slot that the caller waits for alone before it polls both, or -1. */
  first: number;
  swarms: boolean;
  calm: boolean;
}

/** A networking thread with news of two slots: a word of each counts them. */
class Worker extends Actor {
  private readonly slots;
  private readonly published: number[];

  constructor(
    stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    slotWords: Int32Array[],
  ) {
    super(stage, fabric.worker);
    const { product } = stage;
    const link = workerLink(stage, fabric);
    this.slots = slotWords.map((words, slot) => {
      return new product.Slot(link, { handleId: HANDLE_IDS[slot] as number, memory: shared(words), offset: 0 });
    });
    this.published = this.slots.map(() => 0);
  }

  protected override events(): string[] {
    return [...this.plan.news.keys()]
      .filter((slot) => (this.published[slot] as number) < (this.plan.news[slot] as number))
      .map((slot) => `news of slot ${slot}`);
  }

  protected override happens(event: string): void {
    const { world, product, broken } = this.stage;
    const number = Number(event.at(-1));
    const slot = this.slots[number] as (typeof this.slots)[number];
    (this.published[number] as number)++;
    world.atomics.store(slot.words, product.RX_WRITE, this.published[number] as number);
    if (broken === "the caller is woken only when the slot was queued now") this.touchOnce(slot);
    else if (this.plan.swarms) slot.notifyCallerSoon();
    else slot.notifyCaller();
  }

  private touchOnce({ link, handleId, words }: (typeof this.slots)[number]): void {
    if (link.toCaller.push(handleId, words, this.stage.product.TO_CALLER_FLAG)) link.wake(handleId);
  }

  protected hasWork(): boolean {
    return false;
  }

  protected drain(): void {}
}

class Caller implements Program {
  private readonly sleeper;
  private readonly queue;
  private readonly seen: number[];
  private candidates: number[] = [];
  private state: "wait" | "poll" | "handle" = "poll";

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    private readonly slotWords: Int32Array[],
  ) {
    const { product } = stage;
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const entries = product.QUEUES + product.QUEUE_CAPACITY;
    this.queue = new product.SlotQueueConsumer(fabric.link, product.TO_CALLER_WRITE, product.TO_CALLER_READ, entries);
    this.seen = slotWords.map(() => 0);
    if (plan.first >= 0) this.state = "wait";
  }

  turn(): boolean {
    if (this.state === "wait") {
      const slot = this.plan.first;
      const all = this.plan.news[slot] as number;
      const met = waitRound(this.stage, this.sleeper, HANDLE_IDS[slot] as number, () => this.news(slot) === all);
      if (met) this.state = "poll";
    } else if (this.state === "poll") {
      if (waitRound(this.stage, this.sleeper, this.stage.product.ANYTHING, () => this.poll())) this.state = "handle";
    } else {
      this.handle();
      this.state = "poll";
    }
    return this.seen.some((seen, slot) => seen < (this.plan.news[slot] as number));
  }

  /** As `WorkerLink.drain` and `Poller.wait` do it: a queued slot is a candidate, and stays one as long as it is ready. */
  private poll(): boolean {
    const { product, broken } = this.stage;
    const late = broken === "the flag is lowered after checking for news";
    for (let handleId = this.queue.pop(); handleId !== -1; handleId = this.queue.pop()) {
      const slot = HANDLE_IDS.indexOf(handleId);
      if (slot < 0) this.stage.world.fail(`popped ${handleId}, which was not queued`);
      if (!late) product.SlotQueueConsumer.lower(this.slotWords[slot] as Int32Array, product.TO_CALLER_FLAG);
      if (!this.candidates.includes(slot)) this.candidates.push(slot);
    }
    const checked = this.candidates;
    this.candidates = checked.filter((slot) => this.news(slot) > 0);
    if (late) {
      for (const slot of checked) {
        product.SlotQueueConsumer.lower(this.slotWords[slot] as Int32Array, product.TO_CALLER_FLAG);
      }
    }
    return this.candidates.length > 0;
  }

  private news(slot: number): number {
    const words = this.slotWords[slot] as Int32Array;
    return this.stage.world.atomics.load(words, this.stage.product.RX_WRITE) - (this.seen[slot] as number);
  }

  private handle(): void {
    for (const slot of this.candidates) (this.seen[slot] as number) += this.news(slot);
  }
}

function readyScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [{ module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 4" }],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage);
      const slotWords = plan.news.map((_, slot) =>
        world.words(`slot ${slot}`, product.SLOT_WORDS, {
          label: (index) =>
            ({
              [product.RX_WRITE]: "news",
              [product.TO_CALLER_FLAG]: "TO_CALLER_FLAG",
              [product.TO_WORKER_FLAG]: "TO_WORKER_FLAG",
            })[index]?.concat(` of slot ${slot}`) ?? `slot ${slot}[${index}]`,
        }),
      );
      world.opaque.set(plan, "plan");
      return {
        threads: [
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, slotWords)),
          new ModelThread("caller", world, () => new Caller(stage, plan, fabric, slotWords)),
        ],
        guard: queueGuard(stage, fabric),
      };
    },
  };
}

export const READY_SCENARIOS: Scenario[] = [
  readyScenario(
    "ready list, with time-outs",
    "Two slots with two and one pieces of news, in every order; the caller polls both.",
    { news: [2, 1], first: -1, swarms: false, calm: false },
  ),
  readyScenario("ready list", "Two slots with three and one pieces of news.", {
    news: [3, 1],
    first: -1,
    swarms: false,
    calm: true,
  }),
  readyScenario(
    "ready list, after a wait for one",
    "The caller first waits for all news of one slot, which leaves the queue alone, then polls both.",
    { news: [2, 2], first: 0, swarms: false, calm: true },
  ),
  readyScenario(
    "ready list, coalesced wake-ups",
    "The worker wakes the caller once for all of a turn of its event loop (`notifyCallerSoon`).",
    { news: [2, 2], first: -1, swarms: true, calm: true },
  ),
];
