/** The comparison of a run on Bun or Deno with the list of what differs there. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compare } from "../runtimes/compare.js";
import { readResults } from "../runtimes/results.js";
import { temporaryFolder } from "../support/folders.js";

const result = (file: string, title: string, state: string) => ({
  file: `/root/${file}`,
  failed: state === "failed",
  message: "",
  tests: [{ title, state, message: "why" }],
});
const nameOf = (path: string) => path.replace("/root/", "");

test("a failure that is not listed is a fault; a listed test that passes is outdated", () => {
  const results = [result("a", "new", "failed"), result("a", "mended", "passed"), result("b", "known", "failed")];
  expect(compare(results, [{ tests: ["a: mended", "b: known"] }], nameOf)).toEqual({
    passed: 1,
    differ: 1,
    failed: [{ test: "a: new", message: "why" }],
    outdated: ["a: mended"],
  });
});

test("a test that is listed as different at times may pass", () => {
  const results = [result("a", "once", "passed")];
  expect(compare(results, [{ sometimes: true, tests: ["a: once"] }], nameOf).outdated).toEqual([]);
});

test("a file that can't be loaded counts as a failure under its path", () => {
  const results = [{ file: "/root/a", failed: true, message: "no such module", tests: [] }];
  expect(compare(results, [], nameOf).failed).toEqual([{ test: "a", message: "no such module" }]);
  expect(compare(results, [{ tests: ["a"] }], nameOf).differ).toBe(1);
});

test("a listed test that its file does not have is outdated", () => {
  const results = [result("a", "renamed", "passed")];
  expect(compare(results, [{ tests: ["a: old", "b: not run"] }], nameOf).outdated).toEqual(["a: old"]);
});

test("a file whose results are missing or incomplete has failed", () => {
  const lines = [
    ["whole", "crashed", "empty", "never begun"],
    { file: "whole", failed: false, message: "", tests: [{ title: "one", state: "passed", message: "" }] },
    { file: "crashed", failed: false, message: "", tests: [{ title: "one", state: "pending", message: "" }] },
    { file: "empty", failed: false, message: "", tests: [] },
  ];
  const path = join(temporaryFolder(), "results");
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const { passed, failed } = compare(readResults(path), [], nameOf);
  expect(passed).toBe(1);
  expect(failed.map(({ test }) => test)).toEqual(["crashed", "empty", "never begun"]);
});
