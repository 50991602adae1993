/**
 * How the tests run: each file in a process of its own, on that process's main thread, because the package blocks it.
 *
 * Three files at a time: most tests wait for something most of the time. Timings are asserted so loosely that a busy machine keeps them.
 * The runner's own timeout can't fire while a test blocks, so it only catches what waits in the event loop: every
 * blocking wait in a test has a timeout of its own.
 */

import { defineConfig } from "vitest/config";
import LongestFirst from "./test/setup/longest-first.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    globalSetup: ["test/setup/global.ts"],
    setupFiles: ["test/support/cleanup.ts"],
  },
});
