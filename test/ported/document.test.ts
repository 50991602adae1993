/**
 * docs/ported-suites.md against the tests: each test it names exists, each test is named, and its sums are right.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/processes.js";

const VERDICTS = ["holds", "departs", "does not apply"];

const lines = readFileSync(join(root, "docs/ported-suites.md"), "utf8").split("\n");

function titlesOf(file: string): string[] {
  const source = readFileSync(join(root, "test/ported", file), "utf8");
  const calls = source.matchAll(/\btest(?:\.each\((?:[^()]|\([^()]*\))*\))?\(\s*(["'`])(.*?)\1,/gs);
  return [...calls].map(([, , title]) => title as string);
}

const files = readdirSync(join(root, "test/ported")).filter(
  (name) => /\.test\.ts$/.test(name) && name !== "document.test.ts",
);

test("the document and the tests name each other", () => {
  const titles = files.flatMap(titlesOf).sort();
  const quoted = lines.filter((line) => line.startsWith("|")).flatMap((line) => [...line.matchAll(/"([^"]+)"/g)]);
  const named = quoted.map(([, title]) => title as string).filter((title) => !title.startsWith("\\"));
  expect(titles.length).toBeGreaterThan(100);
  expect([...new Set(named)].filter((title) => !titles.includes(title))).toEqual([]);
  expect(titles.filter((title) => !named.includes(title))).toEqual([]);
});

test("the sums match the tables", () => {
  const sums = new Map<string, number[]>();
  let suite = "";
  for (const line of lines) {
    if (line.startsWith("## ")) suite = line.slice(3).split(":")[0] as string;
    const verdict = VERDICTS.findIndex((word) => line.split(" | ")[2]?.startsWith(word));
    if (suite === "" || verdict < 0) continue;
    const sum = sums.get(suite) ?? [0, 0, 0];
    sum[verdict]++;
    sums.set(suite, sum);
  }
  expect([...sums.keys()]).toEqual(["Wasmtime", "LuaSocket", "Emscripten"]);
  for (const [name, sum] of sums) {
    const row = lines.find((line) => line.startsWith(`| [${name}]`)) ?? "";
    expect(row.split("|").slice(3, 6).map(Number), `the sums of ${name}`).toEqual(sum);
  }
});
