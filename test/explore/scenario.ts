/**
 * What a scenario is, and the two loops that the product's threads run around the ring's classes: a caller that waits, and
 * a networking thread that sleeps in its event loop.
 *
 * Test code. A caller's rounds are the product's; the loop of the networking thread is that of `src/worker`, reduced to its atomic
 * operations.
 */

import type { Exploration } from "./explorer.js";
import type { Edit, Product } from "./product.js";
import { loadProduct } from "./product.js";
import type { Program } from "./thread.js";
import { World } from "./world.js";

/** What the programs of a scenario share. */
export interface Stage {
  world: World;
  product: Product;
  /** A rule of the drivers that this run breaks on purpose, or "". */
  broken: string;
  /** Whether waits may run out of time, and the worker's loop be run by something else, at any moment. */
  restless: boolean;
}

export interface Scenario {
  name: string;
  /** What the threads do, for docs/protocols.md. */
  story: string;
  /** Explored elsewhere, and left out where there are states enough: waits that run out of time, ticks. */
  calm?: boolean;
  /** Changes of the source that are not faults: a smaller queue, for example. */
  edits?: Edit[];
  set(stage: Stage): Omit<Exploration, "world">;
}

/** A caller's sleep ends only by a wake-up, or the time-out of the wait: that a heartbeat is due would hide a lost wake-up. */
const ENDLESS_SLEEP: Edit = {
  module: "main/link/sleep-round",
  find: "HEARTBEAT_MS = 250",
  replace: "HEARTBEAT_MS = Infinity",
};

/** `edits` and `broken` are a seeded fault's. */
export function stage(scenario: Scenario, edits: readonly Edit[] = [], broken = ""): Exploration {
  const world = new World();
  const product = loadProduct(world, [ENDLESS_SLEEP, ...(scenario.edits ?? []), ...edits]);
  const shared = { world, product, broken, restless: scenario.calm !== true };
  world.opaque.set(shared, "stage");
  return { world, ...scenario.set(shared) };
}

/** Names of a block's words for the traces. */
export function labels(block: string, names: Record<string, number>): (index: number) => string {
  const known = new Map(Object.entries(names).map(([name, index]) => [index, name]));
  return (index) => known.get(index) ?? `${block}[${index}]`;
}

/** In ms; how long that is does not matter to the model, only whether it ends. */
export const SLICE = 50;

export type Sleeper = InstanceType<Product["SignalSleeper"]>;
type Lives = Parameters<Product["sleepRound"]>[1];

const NO_LIVES: Lives = { checkEnds: () => {}, checkLiveness: () => {} };

/** One round of a caller's wait; true when `condition` holds. Where it has no `longest`, it must be woken. */
export function waitRound(
  { product, restless }: Stage,
  sleeper: Sleeper,
  interest: number,
  condition: () => boolean,
  longest = restless ? SLICE : Number.POSITIVE_INFINITY,
  lives = NO_LIVES,
): boolean {
  return product.sleepRound(sleeper, lives, interest, { left: longest }, condition, null);
}

/**
 * A networking thread, as `Actor` in `src/worker` is one: it is rung, drains, and sleeps in its event loop unless there is
 * work again: `onRing() { cancelWait(); drain(); sleep(); }`,
 * `sleep() { for (;;) { prepareWait(); if (!hasWork()) return; cancelWait(); drain(); } }`; or polls for a while before it sleeps.
 * It runs in turns, so that states need not hold what an earlier turn has loaded.
 */
export abstract class Actor implements Program {
  private next: "cancel" | "drain" | "turn" | "prepare" | "check" | "loop" = "prepare";
  /** It polls: the next turn of the event loop checks for work without being rung. */
  private turnAhead = false;
  private readonly sleeper: InstanceType<Product["DoorbellSleeper"]>;

  constructor(
    protected readonly stage: Stage,
    workerBlock: Int32Array,
  ) {
    this.sleeper = new stage.product.DoorbellSleeper(workerBlock, () => {
      this.next = "cancel";
    });
  }

  turn(): boolean {
    switch (this.next) {
      case "cancel":
        this.sleeper.cancelWait();
        this.next = "drain";
        break;
      case "drain":
        this.drain();
        this.turnAhead ||= this.polls();
        this.next = this.turnAhead ? "loop" : "prepare";
        break;
      case "turn":
        this.drain();
        this.turnAhead = this.polls();
        if (this.turnAhead) this.sleeper.cancelWait();
        this.next = this.turnAhead ? "loop" : "prepare";
        break;
      case "prepare":
        this.sleeper.prepareWait();
        this.next = this.stage.broken === "the worker does not check again after announcing" ? "loop" : "check";
        break;
      case "check":
        this.next = this.hasWork() ? "cancel" : "loop";
        break;
      case "loop":
        this.idle();
        break;
    }
    return true;
  }

  /** What its sockets may bring. */
  protected events(): string[] {
    return [];
  }

  /** A port that messages come from. */
  protected readonly port: string | undefined = undefined;

  protected abstract hasWork(): boolean;
  protected abstract drain(): void;
  protected happens(_event: string): void {}

  /** Whether it polls for a turn of the event loop before it sleeps: that depends on the traffic, and here both are tried. */
  private polls(): boolean {
    const { world, restless } = this.stage;
    return restless && world.choose(2) === 1;
  }

  private idle(): void {
    const { world, restless } = this.stage;
    const events = this.turnAhead ? [...this.events(), "turn"] : this.events();
    const event = world.loop(events, restless, this.port);
    if (event === "turn") this.next = "turn";
    else if (event === "ring") world.callback();
    else if (event === "immediate") world.immediate();
    // Anything else that runs the loop may make it check for work too.
    else if (event === "tick") this.next = "cancel";
    else {
      // A message may come with work; a socket's news do not.
      if (event === "message") this.next = "drain";
      this.happens(event);
    }
  }
}
