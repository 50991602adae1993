/** The heap of a networking thread: a small young generation, and the limit that the program sets. */

import { expect, test } from "vitest";
import { runProgram } from "../support/programs.js";
import { packageWithThread } from "../support/thread-code.js";

test("a networking thread has a young generation of 8 MB, unless the program sets a limit of its own", () => {
  const print = `require("node:fs").writeSync(1, JSON.stringify(require("node:worker_threads").resourceLimits) + "\\n");`;
  const cwd = packageWithThread((code) => print + code);
  const { output, errors } = runProgram(
    `import { createRuntime } from "ringnet";
    for (const resourceLimits of [{}, { maxOldGenerationSizeMb: 24 }]) {
      const runtime = createRuntime({ resourceLimits });
      runtime.listen({ host: "127.0.0.1" }).close();
      runtime.close();
    }`,
    { cwd },
  );
  expect(errors).toBe("");
  const [byDefault, limited] = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(byDefault.maxYoungGenerationSizeMb).toBe(8);
  expect(byDefault.maxOldGenerationSizeMb).toBeGreaterThan(100);
  expect(limited.maxOldGenerationSizeMb).toBe(24);
  expect(limited.maxYoungGenerationSizeMb).toBeGreaterThan(8);
});
