/** The comparison of a run on Bun or Deno with the list of what differs there. */

import { expect, test } from "vitest";
import { compare } from "../runtimes/compare.js";

const result = (file: string, title: string, status: string) => ({
  name: `/root/${file}`,
  status,
  assertionResults: [{ status, fullName: title, failureMessages: ["why"] }],
});
const nameOf = (path: string) => path.replace("/root/", "");

test("a failure that is not listed, and a listed test that passes, are faults", () => {
  const run = {
    testResults: [result("a", "new", "failed"), result("a", "mended", "passed"), result("b", "known", "failed")],
  };
  const differences = [{ tests: ["a: mended", "b: known"] }];
  expect(compare(run, { differences }, nameOf)).toEqual({
    passed: 1,
    differ: 1,
    unexpected: [{ test: "a: new", message: "why" }],
    mended: ["a: mended"],
  });
});

test("a test that is listed as different at times may pass", () => {
  const run = { testResults: [result("a", "once", "passed")] };
  expect(compare(run, { differences: [{ sometimes: true, tests: ["a: once"] }] }, nameOf).mended).toEqual([]);
});

test("a file that can't be loaded counts as a failure under its path", () => {
  const run = { testResults: [{ name: "/root/a", status: "failed", assertionResults: [], message: "no such module" }] };
  expect(compare(run, { differences: [] }, nameOf).unexpected).toEqual([{ test: "a", message: "no such module" }]);
  expect(compare(run, { differences: [{ tests: ["a"] }] }, nameOf).differ).toBe(1);
});

test("a listed test that its file does not have is a fault", () => {
  const run = { testResults: [result("a", "renamed", "passed")] };
  expect(compare(run, { differences: [{ tests: ["a: old", "b: not run"] }] }, nameOf).mended).toEqual(["a: old"]);
});
