/** Scenarios of the caller's signal: one caller that sleeps, one or two networking threads that wake it. Test code. */

import { labels, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";

/** How a networking thread wakes the caller: `wake` as `CallerLink.wake`, the others as `SignalWaker`. */
type Call = "wake" | "wakeWaiting" | "wakeAnyway";

interface Plan {
  wakers: { handleId: number; call: Call; news: number }[];
  /** The caller's waits, in order: each ends when this waker has published so much news. */
  waits: { interest: number; waker: number; news: number }[];
}

class Caller implements Program {
  private readonly sleeper;
  private wait = 0;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    block: Int32Array,
    private readonly news: Int32Array,
  ) {
    this.sleeper = new stage.product.SignalSleeper(block);
  }

  turn(): boolean {
    const { interest, waker, news } = this.plan.waits[this.wait] as Plan["waits"][number];
    const { world } = this.stage;
    if (waitRound(this.stage, this.sleeper, interest, () => world.atomics.load(this.news, waker) >= news)) this.wait++;
    return this.wait < this.plan.waits.length;
  }
}

class Waker implements Program {
  private readonly waker;
  private published = 0;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    private readonly number: number,
    block: Int32Array,
    private readonly news: Int32Array,
  ) {
    this.waker = new stage.product.SignalWaker(block);
  }

  turn(): boolean {
    const { handleId, call, news } = this.plan.wakers[this.number] as Plan["wakers"][number];
    this.published++;
    const late = this.stage.broken === "news are published after the wake";
    if (!late) this.stage.world.atomics.store(this.news, this.number, this.published);
    if (call === "wake") this.wake(handleId);
    else this.waker[call](handleId);
    if (late) this.stage.world.atomics.store(this.news, this.number, this.published);
    return this.published < news;
  }

  private wake(handleId: number): void {
    const { interest } = this.waker;
    if (interest === handleId) this.waker.wakeWaiting(handleId);
    else if (interest === this.stage.product.ANYTHING) this.waker.wakeAnyway();
  }
}

/** A caller whose condition holds once for each piece of news, as a poller's does for a status that has changed. */
class ReportingCaller implements Program {
  private readonly sleeper;
  private known = 0;
  private handled = 0;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    block: Int32Array,
    private readonly news: Int32Array,
  ) {
    this.sleeper = new stage.product.SignalSleeper(block);
  }

  turn(): boolean {
    if (waitRound(this.stage, this.sleeper, this.stage.product.ANYTHING, () => this.report()))
      this.handled = this.known;
    return this.handled < (this.plan.wakers[0] as Plan["wakers"][number]).news;
  }

  private report(): boolean {
    const news = this.stage.world.atomics.load(this.news, 0);
    const fresh = news > this.known;
    this.known = news;
    return fresh;
  }
}

function signalScenario(
  name: string,
  story: string,
  plan: (anything: number) => Plan,
  Sleeping: typeof Caller | typeof ReportingCaller = Caller,
): Scenario {
  return {
    name,
    story,
    set(stage) {
      const { world, product } = stage;
      const chosen = plan(product.ANYTHING);
      world.opaque.set(chosen, "plan");
      const block = world.words("caller", product.CALLER_BLOCK_BYTES / 4, {
        label: labels("caller", { SIGNAL: product.SIGNAL, INTEREST: product.INTEREST }),
      });
      world.counter(block, product.SIGNAL);
      const news = world.words("news", 4);
      return {
        threads: [
          new ModelThread("caller", world, () => new Sleeping(stage, chosen, block, news)),
          ...chosen.wakers.map(
            (_, number) =>
              new ModelThread(`worker ${number}`, world, () => new Waker(stage, chosen, number, block, news)),
          ),
        ],
      };
    },
  };
}

/** A caller that waits for news of a slot, by its handle id or for anything, and is cancelled by a third thread. */
class CancelledCaller implements Program {
  private readonly sleeper;
  private seen = 0;
  private cancels = 0;

  constructor(
    private readonly stage: Stage,
    block: Int32Array,
    private readonly news: Int32Array,
    private readonly word: Int32Array,
    private readonly interest: number,
  ) {
    this.sleeper = new stage.product.SignalSleeper(block);
  }

  turn(): boolean {
    if (this.wait()) this.seen++;
    return this.seen < 2 || this.cancels < 1;
  }

  /** One round of the wait. */
  private wait(): boolean {
    const { product, world } = this.stage;
    const caller = {
      wait: <T>(interest: number, _: unknown, met: (target: T) => boolean, target: T) =>
        waitRound(this.stage, this.sleeper, interest, () => met(target)),
    };
    const met = (): boolean => world.atomics.load(this.news, 0) > this.seen;
    try {
      return product.waitUnlessCancelled(caller, this.interest, null as never, met, null, [this.word]);
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_CANCELLED") throw error;
      this.cancels++;
      return false;
    }
  }
}

/** Cancels once. */
class Cancelling implements Program {
  constructor(
    private readonly stage: Stage,
    private readonly block: Int32Array,
    private readonly word: Int32Array,
  ) {}

  turn(): boolean {
    const { product } = this.stage;
    product.requestCancel(this.word, new product.SignalWaker(this.block));
    return false;
  }
}

const cancelledScenario = (name: string, story: string, interest: (anything: number) => number): Scenario => ({
  name,
  story,
  set(stage) {
    const { world, product } = stage;
    const plan: Plan = { wakers: [{ handleId: 7, call: "wake", news: 2 }], waits: [] };
    world.opaque.set(plan, "plan");
    const block = world.words("caller", product.CALLER_BLOCK_BYTES / 4, {
      label: labels("caller", { SIGNAL: product.SIGNAL, INTEREST: product.INTEREST }),
    });
    world.counter(block, product.SIGNAL);
    const news = world.words("news", 4);
    const word = world.words("cancellation", 1);
    return {
      threads: [
        new ModelThread("caller", world, () => {
          return new CancelledCaller(stage, block, news, word, interest(product.ANYTHING));
        }),
        new ModelThread("worker", world, () => new Waker(stage, plan, 0, block, news)),
        new ModelThread("canceller", world, () => new Cancelling(stage, block, word)),
      ],
    };
  },
});

export const SIGNAL_SCENARIOS: Scenario[] = [
  cancelledScenario(
    "signal, cancelled",
    "Three threads: a worker has two pieces of news of one slot, a third thread cancels the caller's wait once; the caller takes all three.",
    () => 7,
  ),
  cancelledScenario(
    "signal, cancelled in a poller",
    "The same, with a caller that waits for anything, as `Poller.wait` and `poll` do.",
    (anything) => anything,
  ),
  signalScenario(
    "signal, one worker",
    "A caller waits for each of three pieces of news of one slot; the worker wakes it by the slot's handleId. Any wait may run out of time at any moment.",
    () => ({
      wakers: [{ handleId: 7, call: "wakeWaiting", news: 3 }],
      waits: [1, 2, 3].map((news) => ({ interest: 7, waker: 0, news })),
    }),
  ),
  signalScenario(
    "signal, reported once",
    "A poller reports each of three pieces of news once, whether it finds it before it sleeps or after.",
    () => ({ wakers: [{ handleId: 7, call: "wake", news: 3 }], waits: [] }),
    ReportingCaller,
  ),
  signalScenario(
    "signal, two workers",
    "Three threads: two workers with two pieces of news each for one caller, which waits for anything of the one, for a slot of the other, and for anything again.",
    (anything) => ({
      wakers: [
        { handleId: 7, call: "wake", news: 2 },
        { handleId: 8, call: "wake", news: 2 },
      ],
      waits: [
        { interest: anything, waker: 0, news: 1 },
        { interest: 8, waker: 1, news: 1 },
        { interest: anything, waker: 1, news: 2 },
        { interest: 7, waker: 0, news: 2 },
      ],
    }),
  ),
  signalScenario(
    "signal, news without a poller",
    "Three threads: one worker wakes only a caller that waits for its slot (`wakeWaiting`), another any sleeping caller (`wakeAnyway`).",
    () => ({
      wakers: [
        { handleId: 7, call: "wakeWaiting", news: 2 },
        { handleId: 8, call: "wakeAnyway", news: 2 },
      ],
      waits: [
        { interest: 7, waker: 0, news: 1 },
        { interest: 9, waker: 1, news: 1 },
        { interest: 7, waker: 0, news: 2 },
        { interest: 9, waker: 1, news: 2 },
      ],
    }),
  ),
];
