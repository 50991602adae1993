/**
 * Hostile guests of ringnet/wasi. Each run has another seed, which is part of what is printed when one fails; `node test/fuzz/programs/wasi.js
 * 1000000` searches longer.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { Process, root } from "../support/processes.js";

test("a guest gets codes of the WIT, stream errors and traps, and nothing hangs", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const program = join(root, "test/fuzz/programs/wasi.js");
  const running = new Process(process.execPath, [program, "5000", `${seed}`], { env: { NODE_OPTIONS: undefined } });
  const [line] = running.waitForOutput(/^\{"event":"done".*$/m, 60_000);
  const { problem, returned, thrown } = JSON.parse(line);
  expect(problem, `seed ${seed}`).toBeNull();
  // The test is useful only if many calls pass the first checks.
  expect(returned).toBeGreaterThan(1000);
  expect(thrown).toBeGreaterThan(500);
}, 80_000);
