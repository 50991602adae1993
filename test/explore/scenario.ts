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
  /** Whether, at any moment, a wait may time out and another event may run the worker's loop. */
  restless: boolean;
}

export interface Scenario {
  name: string;
  /** What the threads do, for docs/protocols.md. */
  story: string;
  /** Leaves out timeouts and ticks, to keep the number of states small; other scenarios explore them. */
  calm?: boolean;
  /** Changes of the source that are not faults: a smaller queue, for example. */
  edits?: Edit[];
  set(stage: Stage): Omit<Exploration, "world">;
}

/** A caller's sleep ends only with a wake-up or the timeout of the wait: a heartbeat that is due would hide a lost wake-up. */
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

/** In ms; for the model it matters only that it is finite. */
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
 * A networking thread like `Actor` in `src/worker`: it is rung, drains, and sleeps in its event loop unless there is
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

  /** Whether it polls for a turn of the event loop before it sleeps: that depends on the traffic, so both are explored. */
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
    // Any other event that runs the loop may also make it check for work.
    else if (event === "tick") this.next = "cancel";
    else {
      // A message may bring work; a socket's event does not.
      if (event === "message") this.next = "drain";
      this.happens(event);
    }
  }
}

/** A networking thread that does what its link to the caller brings. */
export abstract class LinkActor extends Actor {
  protected abstract readonly link: { readonly idle: boolean; drain(): void };

  protected hasWork(): boolean {
    return !this.link.idle;
  }

  protected drain(): void {
    this.link.drain();
  }
}
