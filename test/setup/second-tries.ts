/**
 * A reporter of vitest for runs with `--retry`: lists the tests that passed only at the second try, and fails the run when one of them
 * had done so in an earlier run (second-tries-record.js). `.ci/run` uses it.
 *
 * Runs in the runner's own process.
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Reporter, TestCase } from "vitest/node";
import { recordSecondTries } from "./second-tries-record.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

export default class SecondTriesReporter implements Reporter {
  readonly #path: string | undefined;
  readonly #tests: string[] = [];

  constructor({ path }: { path?: string } = {}) {
    this.#path = path;
  }

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#tests.push(`${relative(root, test.module.moduleId)}: ${test.fullName}`);
  }

  onTestRunEnd(): void {
    if (!recordSecondTries(this.#tests, `Node ${process.versions.node}`, this.#path)) process.exitCode = 1;
  }
}
