/** Handles that are dropped without being closed: they are closed once the thread yields; handles that are still held stay open. */

import { expect, test } from "vitest";
import { runProgram } from "../support/programs.js";

test("dropped handles are closed when the thread yields, and held ones stay open, in whatever order others were closed", () => {
  const { output, errors } = runProgram(
    `import { createRuntime } from "ringnet";
    import { writeSync } from "node:fs";
    const runtime = createRuntime();
    const open = () => runtime.stats().handles;
    const listen = () => runtime.listen({ host: "127.0.0.1" });
    const held = listen();
    // Closed in the order of opening, in the opposite one, and from the middle; some also after a turn.
    const servers = Array.from({ length: 12 }, listen);
    for (const i of [0, 1, 11, 10, 5]) servers[i].close();
    await null;
    for (const i of [2, 9, 6]) servers[i].close();
    const later = listen();
    const counts = [open()];
    servers.length = 0;
    const end = performance.now() + 20_000;
    while (open() > 2 && performance.now() < end) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    counts.push(open());
    for (const server of [held, later]) {
      runtime.connect({ host: "127.0.0.1", port: server.port, timeout: 10_000 }).close();
    }
    writeSync(1, JSON.stringify(counts));
    runtime.close();`,
    { nodeArgs: ["--expose-gc"] },
  );
  expect({ output, errors }).toEqual({ output: "[6,2]", errors: "" });
});
