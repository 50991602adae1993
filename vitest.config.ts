/**
 * How the tests run: each file in a process of its own, on that process's main thread, because the package blocks it.
 *
 * One file at a time: peers, networking thread and test already use two cores, and timings are asserted.
 * The runner's own timeout can't fire while a test blocks, so it only catches what waits in the event loop: every
 * blocking wait in a test has a timeout of its own.
 */

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    globalSetup: ["test/setup/global.ts"],
    setupFiles: ["test/support/cleanup.ts"],
  },
});
