/** Scenarios of the doorbell: callers with work, a networking thread that sleeps in its event loop. Test code. */

import { Actor, labels, type Scenario, type Stage } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";

class Caller implements Program {
  private readonly ringer;
  private queued = 0;

  constructor(
    private readonly stage: Stage,
    private readonly number: number,
    private readonly total: number,
    block: Int32Array,
    private readonly work: Int32Array,
  ) {
    this.ringer = new stage.product.DoorbellRinger(block);
  }

  turn(): boolean {
    const { world, broken } = this.stage;
    this.queued++;
    const late = broken === "work is queued after the ring";
    if (!late) world.atomics.store(this.work, this.number, this.queued);
    this.ringer.ring();
    if (late) world.atomics.store(this.work, this.number, this.queued);
    return this.queued < this.total;
  }
}

class Worker extends Actor {
  private readonly done: number[];

  constructor(
    stage: Stage,
    callers: number,
    block: Int32Array,
    private readonly work: Int32Array,
  ) {
    super(stage, block);
    this.done = Array.from({ length: callers }, () => 0);
  }

  protected hasWork(): boolean {
    return this.done.some((done, caller) => this.stage.world.atomics.load(this.work, caller) !== done);
  }

  protected drain(): void {
    for (const caller of this.done.keys()) {
      const done = this.stage.world.atomics.load(this.work, caller);
      this.done[caller] = done;
      this.stage.world.note(`done ${caller}`, done);
    }
  }
}

function doorbellScenario(name: string, story: string, totals: number[]): Scenario {
  return {
    name,
    story,
    set(stage) {
      const { world, product } = stage;
      const block = world.words("worker", product.WORKER_BLOCK_BYTES / 4, {
        label: labels("worker", { DOORBELL: product.DOORBELL, SLEEPING: product.SLEEPING }),
      });
      world.counter(block, product.DOORBELL);
      const work = world.words("work", totals.length);
      return {
        threads: [
          new ModelThread("worker", world, () => new Worker(stage, totals.length, block, work)),
          ...totals.map(
            (total, caller) =>
              new ModelThread(`caller ${caller}`, world, () => new Caller(stage, caller, total, block, work)),
          ),
        ],
        rest: (view) => {
          const left = totals.findIndex((total, caller) => view.note(`done ${caller}`) < total);
          return left < 0 ? null : `the worker sleeps with work of caller ${left} pending`;
        },
      };
    },
  };
}

export const DOORBELL_SCENARIOS: Scenario[] = [
  doorbellScenario(
    "doorbell, one caller",
    "A caller queues work four times and rings; the worker sleeps in its event loop, is rung, drains, checks again, sleeps. Anything else may run the worker's loop at any moment.",
    [4],
  ),
  doorbellScenario("doorbell, two callers", "Three threads: two callers ring one worker twice each.", [2, 2]),
];
