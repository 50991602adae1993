/**
 * docs/net.md against the package and the tests: it has every function and method of `net`, and the tests that it names exist.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { net } from "ringnet";
import { expect, test } from "vitest";
import { root } from "../support/processes.js";

const document = readFileSync(join(root, "docs/net.md"), "utf8");
/** The rows of the tables that name tests. */
const rows = document
  .split(/\n\n/)
  .filter((block) => /^\| .* \| held by \|$/m.test(block))
  .flatMap((block) => block.split("\n").filter((line) => /^\| .* \|$/.test(line)));
const CLASSES = ["address", "tcp", "server", "udp", "datagram"] as const;

test.each(Object.keys(net).filter((name) => !CLASSES.includes(name as never)))("it has net.%s", (name) => {
  expect(rows.filter((row) => row.includes(`| \`${name}(`))).toHaveLength(1);
});

test.each(CLASSES)("it has the methods of net.%s", (name) => {
  const section = document
    .split(/^## /m)
    .find((text) => text.startsWith("`net.") && text.split("\n")[0]?.includes(name));
  const methods = Object.getOwnPropertyNames(net[name].prototype).filter((method) => method !== "constructor");
  expect(methods.length).toBeGreaterThan(2);
  for (const method of methods) expect(section).toMatch(new RegExp(`^\\| \`(${name}\\.)?${method}\\(`, "m"));
});

test("each table row names a test, and each named test exists", () => {
  let named = 0;
  for (const row of rows) {
    const last = row.replaceAll("\\|", "\u0000").split(" | ").at(-1) ?? "";
    const files = last.split(/`([a-z]+\/[a-z-]+\.test\.ts)`/).slice(1);
    if (row.endsWith("| held by |")) continue;
    expect(files.length, row).toBeGreaterThan(0);
    for (let i = 0; i < files.length; i += 2) {
      const source = readFileSync(join(root, "test", files[i] as string), "utf8");
      const titles = [...(files[i + 1] ?? "").matchAll(/"([^"]+)"/g)].map((match) =>
        match[1]?.replaceAll("\u0000", "|"),
      );
      expect(titles.length, row).toBeGreaterThan(0);
      for (const title of titles) {
        expect(source.includes(`"${title}"`) || source.includes(`'${title}'`), `${files[i]} ${title}`).toBe(true);
        named++;
      }
    }
  }
  expect(named).toBeGreaterThan(50);
});
