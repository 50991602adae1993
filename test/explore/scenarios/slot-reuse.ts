/**
 * Scenarios of a slot's lives: opened by a message, used, closed, released, freed and opened again under another name, with the
 * networking thread's own `Slot` and `CallerLink`. No thread touches a slot that it does not own. Test code.
 */

import type { View } from "../explorer.js";
import { LinkActor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import type { Operation } from "../world.js";
import { callerChannel, callerLink, type Fabric, queueGuard, shared, weave, workerLink } from "./fabric.js";

const PORT = "port";

/**
 * One slot's entries that may stand in a queue at once: two of a life that has ended (its flag was lowered once in between),
 * two of the next that ends before it is popped, one of the third.
 */
const MOST_ENTRIES = 5;

interface Plan {
  lives: number;
  /** Questions that the caller asks and waits for in each life. */
  questions: number;
  /** Whether the caller, after it has asked for the end, may ask once more. */
  hasty: boolean;
  calm: boolean;
}

/** Answers questions: a word of the slot that the caller counts up, and one that follows it. */
class Worker extends LinkActor {
  protected override readonly link;
  protected override readonly port = PORT;

  constructor(
    stage: Stage,
    private readonly fabric: Fabric,
  ) {
    super(stage, fabric.worker);
    this.link = workerLink(stage, fabric);
  }

  protected override happens(): void {
    const { world, product } = this.stage;
    const handleId = world.take(PORT);
    world.note("serving", handleId);
    const slot = new product.Slot(this.link, { handleId, memory: shared(this.fabric.slot), offset: 0 });
    const handle = new Answering(this.stage, slot);
    this.link.handles.set(handleId, handle);
    if (this.stage.broken !== "the worker does not service a slot that it has just opened") handle.service();
  }
}

class Answering {
  private answered = 0;

  constructor(
    private readonly stage: Stage,
    readonly slot: InstanceType<Stage["product"]["Slot"]>,
  ) {}

  service(): void {
    const { world, product } = this.stage;
    if (this.slot.request !== 0) {
      this.slot.release();
      return;
    }
    const question = world.atomics.load(this.slot.words, product.TX_WRITE);
    if (question === this.answered) return;
    this.answered = question;
    world.atomics.store(this.slot.words, product.RX_WRITE, question);
    this.slot.notifyCaller();
  }
}

class Caller implements Program {
  private readonly link;
  private readonly sleeper;
  private readonly queue;
  private channel: ReturnType<typeof callerChannel> | null = null;
  private handleId = 20;
  private asked = 0;
  private state: "open" | "ask" | "wait" | "close" | "release" = "open";

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    private readonly fabric: Fabric,
  ) {
    const { product } = stage;
    this.link = callerLink(stage, fabric);
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const entries = product.QUEUES + product.QUEUE_CAPACITY;
    this.queue = new product.SlotQueueConsumer(fabric.link, product.TO_CALLER_WRITE, product.TO_CALLER_READ, entries);
  }

  turn(): boolean {
    switch (this.state) {
      case "open":
        this.drain();
        this.open();
        this.state = this.plan.questions > 0 ? "ask" : "close";
        break;
      case "ask":
        this.ask();
        this.state = "wait";
        break;
      case "wait":
        if (!waitRound(this.stage, this.sleeper, this.handleId, () => this.answered)) break;
        this.state = this.asked < this.plan.questions ? "ask" : "close";
        break;
      case "close":
        this.close();
        this.state = "release";
        break;
      case "release":
        if (!waitRound(this.stage, this.sleeper, this.stage.product.ANYTHING, () => this.released)) break;
        if (this.handleId - 20 === this.plan.lives) return false;
        this.state = "open";
        break;
    }
    return true;
  }

  /** As `WorkerLink` does it: the memory is the caller's own until the message is sent. */
  private open(): void {
    const { world, product } = this.stage;
    const { slot } = this.fabric;
    this.handleId++;
    this.asked = 0;
    for (const word of [
      product.REQUEST,
      product.TO_WORKER_FLAG,
      product.TO_CALLER_FLAG,
      product.TX_WRITE,
      product.RX_WRITE,
    ]) {
      world.reset(slot, word, 0);
    }
    world.reset(slot, product.STATE, product.PHASE_WAITING);
    world.reset(slot, product.HANDLE_ID, this.handleId);
    this.channel = callerChannel(this.stage, this.fabric, this.link, this.handleId);
    world.post(PORT, this.handleId);
  }

  private ask(): void {
    const { world, product } = this.stage;
    world.atomics.store(this.fabric.slot, product.TX_WRITE, ++this.asked);
    this.channel?.notifyWorker();
  }

  private get answered(): boolean {
    const { world, product } = this.stage;
    return world.atomics.load(this.fabric.slot, product.RX_WRITE) === this.asked;
  }

  private close(): void {
    const { world, product } = this.stage;
    this.channel?.request(product.REQUEST_CLOSE);
    if (this.plan.hasty && world.choose(2) === 1) this.channel?.request(product.REQUEST_RESET);
  }

  private get released(): boolean {
    this.drain();
    return this.channel === null;
  }

  /** As `WorkerLink.drain`. */
  private drain(): void {
    const { world, product } = this.stage;
    const { slot } = this.fabric;
    for (let handleId = this.queue.pop(); handleId !== -1; handleId = this.queue.pop()) {
      if (this.channel === null || handleId !== this.handleId) continue;
      if ((world.atomics.load(slot, product.STATE) & product.PHASE_MASK) === product.PHASE_RELEASED) {
        this.channel = null;
        continue;
      }
      product.SlotQueueConsumer.lower(slot, product.TO_CALLER_FLAG);
    }
  }
}

/** Reports a fault when the networking thread touches a slot that it has released, or that was not announced to it. */
function ownershipGuard({ product }: Stage, { slot }: Fabric) {
  return (view: View, thread: string, _operation: Operation, array: object): string | null => {
    if (thread !== "worker" || array !== slot) return null;
    const released = (view.word(slot, product.STATE) & product.PHASE_MASK) === product.PHASE_RELEASED;
    if (released) return "the worker touches a slot that it has released";
    const own = view.note("serving") === view.word(slot, product.HANDLE_ID);
    return own ? null : "the worker touches a slot that is open under another name";
  };
}

function reuseScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [{ module: "ring/layout", find: /MAX_SLOTS = [^;]+/, replace: "MAX_SLOTS = 1" }],
    set(stage) {
      const { world } = stage;
      const fabric = weave(stage);
      world.opaque.set(plan, "plan");
      const queues = queueGuard(stage, fabric, MOST_ENTRIES);
      const ownership = ownershipGuard(stage, fabric);
      return {
        threads: [
          new ModelThread("caller", world, () => new Caller(stage, plan, fabric)),
          new ModelThread("worker", world, () => new Worker(stage, fabric)),
        ],
        guard: (view, thread, operation, array, index) =>
          queues(view, thread, operation, array, index) ?? ownership(view, thread, operation, array),
      };
    },
  };
}

export const REUSE_SCENARIOS: Scenario[] = [
  reuseScenario(
    "slot opened and used",
    "A slot is opened by a message and asked two questions, the first perhaps before the worker has taken the message; then closed.",
    { lives: 1, questions: 2, hasty: false, calm: true },
  ),
  reuseScenario("slot reused, with time-outs", "Two lives of one slot, closed at once, perhaps twice.", {
    lives: 2,
    questions: 0,
    hasty: true,
    calm: false,
  }),
  reuseScenario("slot used and reused", "Two lives of one slot with a question each.", {
    lives: 2,
    questions: 1,
    hasty: false,
    calm: true,
  }),
  reuseScenario("slot reused, three lives", "Three lives of one slot, closed at once, perhaps twice.", {
    lives: 3,
    questions: 0,
    hasty: true,
    calm: true,
  }),
];
