import { describe, expect, test } from "vitest";
import { explore } from "./explorer.js";
import { stage } from "./scenario.js";
import { SCENARIOS } from "./scenarios/index.js";

describe("every interleaving", () => {
  for (const scenario of SCENARIOS)
    test(scenario.name, () => {
      const t = performance.now();
      const ex = stage(scenario);
      const outcome = explore(ex);
      console.log(
        scenario.name,
        outcome.states,
        outcome.steps,
        outcome.runs,
        outcome.ends,
        ex.threads.map((t) => t.size),
        (performance.now() - t).toFixed(0),
      );
      expect(outcome.fault, outcome.trace.join("\n")).toBeNull();
    }, 120_000);
});
