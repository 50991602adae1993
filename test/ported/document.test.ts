/**
 * docs/ported-suites.md against the tests: each test it names exists, each test of test/ported is named, and its sums are
 * right. Tables may also quote tests of other folders, whose files the page names in backquotes.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/processes.js";

const VERDICTS = ["holds", "departs", "does not apply"];

const lines = readFileSync(join(root, "docs/ported-suites.md"), "utf8").split("\n");

function titlesOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const calls = source.matchAll(/(?:\btest\(|(?<!\bdescribe\.each\([^()]*)\)\()\s*(["'`])((?:(?!\1)[^\n])*)\1,/g);
  return [...calls].map(([, , title]) => title as string);
}

const files = readdirSync(join(root, "test/ported"))
  .filter((name) => /\.test\.ts$/.test(name) && name !== "document.test.ts")
  .map((name) => `test/ported/${name}`);
const elsewhere = [...lines.join("\n").matchAll(/`(test\/(?!ported\/)[^`]*\.test\.ts)`/g)].map(
  ([, file]) => file as string,
);

test("the document and the tests name each other", () => {
  const titles = files.flatMap(titlesOf).sort();
  const quoted = lines.filter((line) => line.startsWith("|")).flatMap((line) => [...line.matchAll(/"([^"]+)"/g)]);
  const named = quoted.map(([, title]) => title as string).filter((title) => !title.startsWith("\\"));
  expect(titles.length).toBeGreaterThan(100);
  const known = [...titles, ...elsewhere.flatMap(titlesOf)];
  expect([...new Set(named)].filter((title) => !known.includes(title))).toEqual([]);
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
  const overview = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith("## ")),
  );
  const rows = overview.filter((line) => /^\| \[.*\| \d+ \| \d+ \| \d+ \|$/.test(line));
  expect(rows.map((row) => row.slice(3, row.indexOf("]")))).toEqual(
    expect.arrayContaining(["Wasmtime", "LuaSocket", "Emscripten"]),
  );
  for (const row of rows) {
    const name = row.slice(3, row.indexOf("]"));
    expect(row.split("|").slice(3, 6).map(Number), `the sums of ${name}`).toEqual(sums.get(name));
  }
});
