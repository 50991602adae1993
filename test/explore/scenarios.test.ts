/** Every interleaving of every scenario: no fault. */

import { afterAll, describe, expect, test } from "vitest";
import { explore } from "./explorer.js";
import { count, part, writePart } from "./report.js";
import { stage } from "./scenario.js";
import { SCENARIOS } from "./scenarios/index.js";

describe("all interleavings", () => {
  const rows: string[] = [];

  for (const scenario of SCENARIOS) {
    test(scenario.name, () => {
      const outcome = explore(stage(scenario));
      expect(outcome.fault, outcome.trace.join("\n")).toBeNull();
      expect(outcome.ends).toBeGreaterThan(0);
      const { states, steps, runs } = outcome;
      rows.push(`| ${scenario.name} | ${scenario.story} | ${count(states)} | ${count(steps)} | ${count(runs)} |`);
    }, 240_000);
  }

  afterAll(() => {
    const head = ["| scenario | what happens | states | steps | runs |", "|---|---|---:|---:|---:|"];
    if (rows.length === SCENARIOS.length) writePart("scenarios", [...head, ...rows]);
  });
});

test("the document names every scenario", () => {
  const text = part("scenarios");
  expect(SCENARIOS.filter(({ name }) => !text.includes(`| ${name} |`)).map(({ name }) => name)).toEqual([]);
});
