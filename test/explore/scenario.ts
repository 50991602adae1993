/**
 * What a scenario is, and the two loops that the product's threads run around the ring's classes: a client that waits, and
 * a networking thread that sleeps in its event loop.
 *
 * Test code; the loops are those of `src/main` and `src/worker`, reduced to their atomic operations.
 */

import type { Exploration } from "./explorer.js";
import type { Edit, Product } from "./product.js";
import { loadProduct } from "./product.js";
import { World } from "./world.js";

/** What the programs of a scenario share. */
export interface Stage {
  world: World;
  product: Product;
  /** A rule of the drivers that this run breaks on purpose, or "". */
  broken: string;
}

export interface Scenario {
  name: string;
  /** What the threads do, for docs/protocols.md. */
  story: string;
  /** Changes of the source that are no faults: a smaller queue, say. */
  edits?: Edit[];
  set(stage: Stage): Omit<Exploration, "world">;
}

/** `edits` and `broken` are a seeded fault's. */
export function stage(scenario: Scenario, edits: readonly Edit[] = [], broken = ""): Exploration {
  const world = new World();
  const product = loadProduct(world, [...(scenario.edits ?? []), ...edits]);
  const shared = { world, product, broken };
  world.opaque.set(shared, "stage");
  return { world, ...scenario.set(shared) };
}

/** Names of a block's words for the traces. */
export function labels(block: string, names: Record<string, number>): (index: number) => string {
  const known = new Map(Object.entries(names).map(([name, index]) => [index, name]));
  return (index) => known.get(index) ?? `${block}[${index}]`;
}

/** A bounded slice of a wait: it may run out at any time. */
export const SLICE = 50;

export type Sleeper = InstanceType<Product["SignalSleeper"]>;

/** One round of a client's wait; true when `condition` holds. */
export function waitRound(sleeper: Sleeper, interest: number, broken: string, condition: () => boolean): boolean {
  if (condition()) return true;
  const ticket = sleeper.announce(interest);
  if (broken !== "the client does not look again after announcing" && condition()) {
    sleeper.rise();
    return true;
  }
  sleeper.sleep(ticket, SLICE);
  sleeper.rise();
  return false;
}

/** A networking thread: sleeps, is rung, drains, sleeps. */
export abstract class Actor {
  protected readonly sleeper: InstanceType<Product["DoorbellSleeper"]>;

  constructor(
    protected readonly stage: Stage,
    workerBlock: Int32Array,
  ) {
    this.sleeper = new stage.product.DoorbellSleeper(workerBlock, () => this.wakeUp());
  }

  protected abstract hasWork(): boolean;
  protected abstract drain(): void;

  protected wakeUp(): void {
    this.sleeper.rise();
    this.drain();
    this.fallAsleep();
  }

  protected fallAsleep(): void {
    for (;;) {
      this.sleeper.announce();
      if (this.stage.broken === "the worker does not look again after announcing" || !this.hasWork()) break;
      this.sleeper.rise();
      this.drain();
    }
  }
}
