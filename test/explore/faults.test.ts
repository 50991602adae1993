/** Every seeded fault is found, with the outcome that docs/protocols.md states. */

import { afterAll, describe, expect, test } from "vitest";
import { explore } from "./explorer.js";
import { FAULTS } from "./faults.js";
import { CRASH, condense, part, REPORTING, row, writePart } from "./report.js";
import { type Scenario, stage } from "./scenario.js";
import { SCENARIOS } from "./scenarios/index.js";

describe("seeded faults are found", () => {
  const rows: string[] = [];
  const traces: string[] = [];

  for (const fault of FAULTS) {
    test(fault.name, () => {
      const scenario = SCENARIOS.find(({ name }) => name === fault.scenario) as Scenario;
      const outcome = explore(stage(scenario, fault.edits, fault.broken));
      expect(outcome.fault, "the exploration finds nothing wrong").not.toBeNull();
      expect(outcome.fault).not.toMatch(CRASH);
      if (!REPORTING) expect(outcome.fault).toBe(row("faults", 1, fault.name)?.[3]);
      const number = rows.length + 1;
      rows.push(`| ${number} | ${fault.name} | ${fault.scenario} | ${outcome.fault} | ${outcome.depth} |`);
      const lines = [...condense(outcome), `— ${outcome.fault}`];
      traces.push(
        `<details><summary>${number}. ${fault.name}</summary>`,
        "",
        "```",
        ...lines,
        "```",
        "",
        "</details>",
        "",
      );
    }, 240_000);
  }

  afterAll(() => {
    if (rows.length < FAULTS.length) return;
    const head = ["| | what is wrong | found in the scenario | as | steps |", "|---:|---|---|---|---:|"];
    writePart("faults", [...head, ...rows]);
    writePart("traces", traces);
  });
});

test("the document names every fault", () => {
  const text = part("faults");
  expect(FAULTS.filter(({ name }) => !text.includes(`| ${name} |`)).map(({ name }) => name)).toEqual([]);
});
