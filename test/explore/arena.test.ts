/** The arena keeps its contract in every reachable state, and every seeded fault is found. */

import { afterAll, describe, expect, test } from "vitest";
import { type ArenaPlan, exploreArena, inWords } from "./arena.js";
import type { Edit } from "./product.js";
import { count, part, REPORTING, row, writePart } from "./report.js";

const PLANS: ArenaPlan[] = [
  { pieces: 1, most: 6 },
  { pieces: 2, most: 7 },
  { pieces: 3, most: 7 },
];

const FAULTS: { name: string; find: string; replace: string }[] = [
  {
    name: "a block counts as empty although a piece of it is in use",
    find: "if (block.free.length < this.#pieces) return;",
    replace: "if (block.free.length < this.#pieces - 1) return;",
  },
  {
    name: "every block is kept",
    find: "this.#blocks[number] = null; this.#emptyBlocks--;",
    replace: "",
  },
  {
    name: "no block is kept",
    find: "if (this.#emptyBlocks > 1) {",
    replace: "if (this.#emptyBlocks > 0) {",
  },
  {
    name: "a block that is taken from again still counts as empty",
    find: "if (block?.free.length === this.#pieces - 1) this.#emptyBlocks--;",
    replace: "",
  },
  {
    name: "pieces freed before the place of the last search are not found",
    find: "if (number < this.#hint) this.#hint = number;",
    replace: "",
  },
  {
    name: "a dropped block is replaced before those behind it are looked at",
    find: "if (piece === undefined) continue;",
    replace: "if (block === null) break; if (piece === undefined) continue;",
  },
  {
    name: "a piece comes back under its neighbour's number",
    find: "block.free.push(piece % this.#pieces);",
    replace: "block.free.push((piece + 1) % this.#pieces);",
  },
  {
    name: "two pieces share a place",
    find: "return this.#lead + (piece % this.#pieces) * this.#pieceBytes;",
    replace: "return this.#lead + ((piece % this.#pieces) >> 1) * this.#pieceBytes;",
  },
  {
    name: "the first piece begins where its block does",
    find: "return this.#lead + (piece % this.#pieces) * this.#pieceBytes;",
    replace: "return (piece % this.#pieces) * this.#pieceBytes;",
  },
  {
    name: "a block has no room for what comes before its first piece",
    find: "return this.#lead + this.#pieces * this.#pieceBytes + this.#tail;",
    replace: "return this.#pieces * this.#pieceBytes + this.#tail;",
  },
  {
    name: "a block has no room for what comes behind its last piece",
    find: "return this.#lead + this.#pieces * this.#pieceBytes + this.#tail;",
    replace: "return this.#lead + this.#pieces * this.#pieceBytes;",
  },
];

function editOf({ find, replace }: (typeof FAULTS)[number]): Edit {
  return { module: "ring/arena", find, replace };
}

describe("the arena", () => {
  const plans: string[] = [];
  const faults: string[] = [];

  test.each(PLANS)("$pieces pieces in a block, $most in use", (plan) => {
    const { states, steps, fault, trace } = exploreArena(plan);
    expect(fault, inWords(trace)).toBeNull();
    expect(states).toBeGreaterThan(plan.most);
    plans.push(`| ${plan.pieces} | ${plan.most} | ${count(states)} | ${count(steps)} |`);
  });

  test.each(FAULTS)("$name", (seeded) => {
    const outcome = PLANS.map((plan) => exploreArena(plan, [editOf(seeded)])).find(({ fault }) => fault !== null);
    expect(outcome, "the exploration finds nothing wrong").toBeDefined();
    if (!REPORTING) expect(outcome?.fault).toBe(row("arena", 0, seeded.name)?.[1]);
    faults.push(`| ${seeded.name} | ${outcome?.fault} | ${inWords(outcome?.trace ?? [])} |`);
  });

  test("the document names every fault", () => {
    const text = part("arena");
    expect(FAULTS.filter(({ name }) => !text.includes(`| ${name} |`)).map(({ name }) => name)).toEqual([]);
  });

  afterAll(() => {
    if (plans.length < PLANS.length || faults.length < FAULTS.length) return;
    const head = ["| pieces in a block | most in use | states | steps |", "|---:|---:|---:|---:|"];
    const middle = ["", "| what is wrong | found as | after |", "|---|---|---|"];
    writePart("arena", [...head, ...plans, ...middle, ...faults]);
  });
});
