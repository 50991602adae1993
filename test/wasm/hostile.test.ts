/** Programs in WebAssembly that pass wrong pointers, lengths, descriptors and addresses get errno values, and no call throws. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Process, root } from "../support/processes.js";

const PROGRAM = join(root, "test/wasm/hostile.js");

describe("hostile programs", () => {
  test.each([1, 2, 3])("random calls return numbers and throw nothing (seed %i)", (seed) => {
    const program = new Process(process.execPath, [PROGRAM, String(seed), "1500"], {
      env: { NODE_OPTIONS: undefined },
    });
    program.waitForExit(25_000);
    const { problem, count, succeeded, failed } = JSON.parse(program.output);
    expect(problem).toBeNull();
    // The test is useful only if many calls pass the first checks.
    expect(succeeded).toBeGreaterThan(100);
    expect(failed).toBeGreaterThan(100);
    expect(count).toBe(succeeded + failed);
  });

  test("chosen calls: lengths beyond the memory, buffers that overlap, closed descriptors, arguments of any type", () => {
    const program = new Process(process.execPath, [join(root, "test/wasm/hostile-calls.js")], {
      env: { NODE_OPTIONS: undefined },
    });
    program.waitForExit(25_000);
    expect(JSON.parse(program.output)).toEqual([]);
  });
});
