/** Every test asserts something, and shows it: by `expect`, or by a helper whose name begins with it. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const TESTS = new URL("../", import.meta.url);
const OPENING = /^( *)(?:it|test)(?:\.\w+)*\(/;

/** The tests of a file: where each begins, and its text up to its last line: the formatter keeps indentation. */
function testsOf(file: string): { place: string; text: string }[] {
  const lines = readFileSync(new URL(file, TESTS), "utf8").split("\n");
  return lines.flatMap((line, i) => {
    const indentation = OPENING.exec(line)?.[1];
    if (indentation === undefined) return [];
    const last = new RegExp(`^${indentation}\\S.*;$`);
    const end = lines.findIndex((text, j) => j >= i && last.test(text));
    return [{ place: `${file}:${i + 1}`, text: lines.slice(i, end + 1).join("\n") }];
  });
}

test("every test calls expect, or a helper named expect…", () => {
  const tests = readdirSync(TESTS, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .flatMap(testsOf);
  expect(tests.length).toBeGreaterThan(500);
  expect(tests.filter(({ text }) => !/\bexpect/.test(text)).map(({ place }) => place)).toEqual([]);
});
