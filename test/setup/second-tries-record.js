/**
 * The record of the tests that passed only at a second try, .cache/second-tries.json: by file and title, the runs in which they did.
 * Delete a test's entry after you have fixed the cause.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const PATH = join(root, ".cache/second-tries.json");

/**
 * Adds this run's tests to the record, and returns those that were in it before.
 *
 * @param {Record<string, string[]>} before
 * @param {readonly string[]} tests
 * @param {string} run
 * @returns {[Record<string, string[]>, string[]]}
 */
export function record(before, tests, run) {
  const after = { ...before };
  for (const test of tests) after[test] = [...(before[test] ?? []), run];
  return [after, tests.filter((test) => test in before)];
}

/**
 * Records the tests of a run on `runtime`, prints them, and returns whether the run is good: none of them needed a second try before.
 *
 * @param {readonly string[]} tests
 * @param {string} runtime
 */
export function recordSecondTries(tests, runtime, path = PATH) {
  if (tests.length === 0) return true;
  const [after, again] = record(read(path), tests, `${new Date().toISOString()} ${runtime}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(after, null, 2)}\n`);
  console.log(`\npassed only at the second try:\n${tests.map((test) => `  ${test}\n`).join("")}`);
  if (again.length === 0) return true;
  console.log(`not for the first time, so this run fails (record: ${relative(root, path)}):`);
  for (const test of again) console.log(`  ${test}\n    ${after[test]?.join("\n    ")}`);
  return false;
}

/** @returns {Record<string, string[]>} */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
}
