/**
 * A reporter of vitest for runs with `--retry`: lists the tests that passed only at the second try, and fails the run when one of them
 * had done so in an earlier run. `.ci/run` uses it.
 *
 * The record is .cache/second-tries.json. Delete a test's entry after you have found and mended the cause.
 * Runs in the runner's own process.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Reporter, TestCase } from "vitest/node";

/** Of each test, by its file and title: the runs in which it needed a second try. */
export type SecondTries = Record<string, string[]>;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Adds this run's tests to the record, and says which of them stood there before. */
export function record(before: SecondTries, tests: readonly string[], run: string): [SecondTries, string[]] {
  const after = { ...before };
  for (const test of tests) after[test] = [...(before[test] ?? []), run];
  return [after, tests.filter((test) => test in before)];
}

export default class SecondTriesReporter implements Reporter {
  readonly #path: string;
  readonly #tests: string[] = [];

  constructor({ path = `${root}/.cache/second-tries.json` } = {}) {
    this.#path = path;
  }

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#tests.push(`${relative(root, test.module.moduleId)}: ${test.fullName}`);
  }

  onTestRunEnd(): void {
    if (this.#tests.length === 0) return;
    const [after, again] = record(
      this.#read(),
      this.#tests,
      `${new Date().toISOString()} Node ${process.versions.node}`,
    );
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#path, `${JSON.stringify(after, null, 2)}\n`);
    console.log(`\npassed only at the second try:\n${this.#tests.map((test) => `  ${test}\n`).join("")}`);
    if (again.length === 0) return;
    console.log(`not for the first time, so this run fails (record: ${relative(root, this.#path)}):`);
    for (const test of again) console.log(`  ${test}\n    ${(after[test] as string[]).join("\n    ")}`);
    process.exitCode = 1;
  }

  #read(): SecondTries {
    try {
      return JSON.parse(readFileSync(this.#path, "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw error;
    }
  }
}
