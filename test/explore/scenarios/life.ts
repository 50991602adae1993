/**
 * Scenarios of a networking thread's life and death, with its own boot task and `Actor`, and the callers' `WorkerLink`: it is stopped,
 * it fails and reports that, or it is killed and reports nothing. Every wait ends, and no thread that answers is declared dead. Test code.
 */

import type { View } from "../explorer.js";
import { type Scenario, SLICE, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import type { Operation } from "../world.js";
import { type Fabric, HANDLE_ID, ModelCaller, type Strand, shared, weave, weaveStrand } from "./fabric.js";
import { BROADCAST, NetworkingThread } from "./networking-thread.js";

/** Name of the connection at the caller that has attached it. */
const ATTACHED = 30;
/** Consecutive watches without an answer that are allowed where the thread may be killed, also while it starts. */
const SILENT = 1;
/** The same for a thread that reports its end: no limit that a scenario reaches. */
const PATIENT = 100;

const NAMES = ["caller", "other"];

interface Plan {
  /** What becomes of the networking thread. */
  fate: "lives" | "stopped" | "throws" | "killed";
  /** Pings by the caller that started the thread; after them it leaves, or stops the thread if `fate` is "stopped". */
  asks: number;
  /** Whether the callers start only after it has begun. */
  late?: boolean;
  /** How often the callers watch while they wait, before their time is up; the second has an attached connection. */
  watches: number[];
}

class Worker extends NetworkingThread {
  private dead = false;

  constructor(
    stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    other: Strand,
  ) {
    super(stage, fabric);
    if (plan.fate !== "killed" && plan.watches.length > 1) this.attach(other);
    if (plan.late === true) for (const name of NAMES) stage.world.post(`begun for ${name}`, 1);
  }

  /** A connection of the caller that started it, attached by the other caller. */
  private attach({ caller, link }: Strand): void {
    const { world, product } = this.stage;
    const reference = { handleId: HANDLE_ID, memory: shared(this.fabric.slot), offset: 0 };
    const slot = new product.Slot(this.home, reference);
    this.home.handles.set(HANDLE_ID, { slot, service: () => {} });
    const message = { caller: "other", callerBlock: caller, linkBlock: link, home: HANDLE_ID, handleId: ATTACHED };
    world.listeners.get(BROADCAST)?.(message);
  }

  protected override events(): string[] {
    return this.plan.fate === "throws" && !this.dead ? ["throws"] : [];
  }

  protected override happens(): boolean {
    const { listeners } = this.stage.world;
    this.dead = true;
    listeners.get("uncaughtExceptionMonitor")?.(new Error("it was bound to happen"));
    listeners.get("exit")?.(1);
    return false;
  }
}

abstract class Watcher implements Program {
  protected readonly link;
  protected readonly sleeper;
  private begun = false;

  constructor(
    protected readonly stage: Stage,
    protected readonly name: string,
    protected readonly plan: Plan,
    fabric: Fabric,
    strand: Strand,
    port: object | null,
  ) {
    const { world, product } = stage;
    const caller = new ModelCaller(world, name, strand, strand.link, ATTACHED);
    this.sleeper = new product.SignalSleeper(strand.caller);
    this.link = new product.WorkerLink(
      caller as never,
      BROADCAST,
      shared(fabric.worker),
      shared(strand.link),
      port as never,
    );
  }

  turn(): boolean {
    if (this.plan.late !== true || this.begun) return this.goOn();
    this.stage.world.loop([], false, `begun for ${this.name}`);
    this.begun = true;
    return true;
  }

  protected abstract goOn(): boolean;
}

/** Waits for news that never comes. There is no clock, so a heartbeat is due in each round. */
class Waiting extends Watcher {
  private watched = 0;

  constructor(
    stage: Stage,
    name: string,
    plan: Plan,
    private readonly number: number,
    fabric: Fabric,
    strand: Strand,
  ) {
    super(stage, name, plan, fabric, strand, number === 0 ? {} : null);
  }

  protected goOn(): boolean {
    const { stage, link } = this;
    const interest = this.number === 0 ? stage.product.ANYTHING : ATTACHED;
    waitRound(stage, this.sleeper, interest, () => link.death !== null, SLICE, {
      checkEnds: () => link.liveness.check(),
      checkLiveness: () => link.liveness.heartbeat(),
    });
    if (link.death !== null) {
      this.judge(link.death);
      return false;
    }
    stage.world.note(`${this.name} goes on`, 1);
    return ++this.watched < (this.plan.watches[this.number] as number);
  }

  private judge({ code, message }: { code: string; message: string }): void {
    const { world } = this.stage;
    const { fate } = this.plan;
    if (fate === "stopped" && code !== "ERR_RUNTIME_CLOSED") world.fail(`a stopped thread is said to have ${code}`);
    // With a reason the message continues after a colon.
    if (fate === "throws" && !message.startsWith("the networking thread died:")) world.fail(`got only "${message}"`);
    if (fate === "killed") world.note(`${this.name} declares it dead`, 1);
  }
}

/** Sends heartbeats to the networking thread, then leaves, or stops it and waits until it has stopped. */
class Asking extends Watcher {
  private asked = 0;
  private stopping = false;

  constructor(stage: Stage, name: string, plan: Plan, fabric: Fabric) {
    super(stage, name, plan, fabric, fabric, {});
  }

  protected goOn(): boolean {
    const { stage, link } = this;
    if (this.asked < this.plan.asks) {
      this.asked++;
      link.liveness.heartbeat();
      return this.asked < this.plan.asks || this.plan.fate === "stopped";
    }
    if (!this.stopping) {
      this.stopping = true;
      link.liveness.stop();
      return true;
    }
    const { ANYTHING } = stage.product;
    return !waitRound(stage, this.sleeper, ANYTHING, () => link.liveness.stopped, Number.POSITIVE_INFINITY);
  }
}

/** Compares what the callers count with what the networking thread has answered. */
function deathGuard({ world, product }: Stage, { worker }: Fabric) {
  return (view: View, thread: string, { kind, place }: Operation, array: object, index: number): string | null => {
    if (array === worker && index === product.PONG) {
      if (thread === "worker" && kind === "store") for (const name of NAMES) view.remember(`${name}: answered`, 1);
      if (thread !== "worker" && kind === "load") return compare(view, thread);
    }
    const label = world.places[place]?.label;
    if (label === `note ${thread} declares it dead`) {
      return view.note(`${thread}: silent`) > SILENT ? null : `${thread} declares a thread dead that has answered`;
    }
    if (label === `note ${thread} goes on`) {
      const killed = view.note("worker was killed") === 1;
      const late = view.note(`${thread}: late`) >= (killed ? SILENT + 2 : 2);
      return late ? `${thread} does not notice that the thread has ended` : null;
    }
    return null;
  };

  function compare(view: View, name: string): string | null {
    const gone = view.note("worker was killed") === 1 || view.word(worker, product.LIFE) >= product.LIFE_DEAD;
    if (gone) view.remember(`${name}: late`, view.note(`${name}: late`) + 1);
    const answered = view.note(`${name}: answered`) === 1;
    const looked = view.note(`${name}: looked`) === 1;
    view.remember(`${name}: looked`, 1);
    view.remember(`${name}: answered`, 0);
    view.remember(`${name}: silent`, answered ? 0 : view.note(`${name}: silent`) + 1);
    if (answered || !looked) return null;
    const pending = view.word(worker, product.PING) !== view.word(worker, product.PONG);
    return pending ? null : `${name} counts a silence without a ping`;
  }
}

function lifeScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: true,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 8" },
      ...["SILENT_HEARTBEATS", "STARTING_HEARTBEATS"].map((limit) => {
        const watches = plan.fate === "killed" ? SILENT : PATIENT;
        return {
          module: "main/link/liveness",
          find: new RegExp(`${limit} = \\d+`),
          replace: `${limit} = ${watches}`,
        };
      }),
    ],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage);
      const other = weaveStrand(stage, "the other");
      // A killed thread reports nothing; without links to its callers there are fewer states.
      const strands = [plan.fate === "killed" && plan.late ? weaveStrand(stage, "the first") : fabric, other];
      world.opaque.set(plan, "plan");
      const { fate, asks, watches } = plan;
      const waiting = watches.flatMap((watched, number) => {
        const name = NAMES[number] as string;
        const strand = strands[number] as Strand;
        if (watched === 0) return [];
        return [new ModelThread(name, world, () => new Waiting(stage, name, plan, number, fabric, strand))];
      });
      const asking = new ModelThread("caller", world, () => new Asking(stage, "caller", plan, fabric));
      return {
        threads: [
          ...(asks > 0 || fate === "stopped" ? [asking] : []),
          ...waiting,
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, other)),
        ],
        timely: true,
        mortal: fate === "killed" ? ["worker"] : [],
        resting: fate === "stopped" ? ["worker"] : [],
        guard: deathGuard(stage, fabric),
        rest: (view) => {
          if (fate === "killed") return null;
          if (view.word(fabric.worker, product.PING) !== view.word(fabric.worker, product.PONG)) {
            return fate === "lives" ? "the worker sleeps, and owes an answer" : null;
          }
          return null;
        },
      };
    },
  };
}

export const LIFE_SCENARIOS: Scenario[] = [
  lifeScenario("asked", "A caller pings the networking thread three times, and each ping is answered.", {
    fate: "lives",
    asks: 3,
    watches: [],
  }),
  lifeScenario(
    "stopped",
    "Three threads: a caller stops the networking thread and sleeps until it is parked; another, which waits on an attached connection, is woken.",
    { fate: "stopped", asks: 0, watches: [0, 2], late: true },
  ),
  lifeScenario(
    "dying",
    "Three threads: the networking thread dies of an error at any moment; two callers wait, and both get the first reason.",
    { fate: "throws", asks: 0, watches: [2, 1], late: true },
  ),
  lifeScenario(
    "killed",
    "Three threads: the networking thread may be killed at any moment, without a report; two callers check on it.",
    { fate: "killed", asks: 0, watches: [3, 1], late: true },
  ),
  lifeScenario("killed while it starts", "As before, with one caller, which does not wait until it has started.", {
    fate: "killed",
    asks: 0,
    watches: [5],
  }),
];
