/**
 * The comments at atomic operations: each names its partner on the other thread, and the partner exists.
 *
 * A partner is a function, or a member of a class: `// partner: Slot.release, Actor.#stop (why)`. An operation without one says so:
 * `// no partner: why`. The comment stands on the operation's line or on the next.
 */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const SOURCE = new URL("../../src/", import.meta.url);

interface Line {
  file: string;
  number: number;
  text: string;
  next: string;
}

const TEXTS = new Map(
  readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => [path, readFileSync(new URL(path, SOURCE), "utf8")]),
);
const LINES: Line[] = [...TEXTS].flatMap(([file, text]) => {
  const lines = text.split("\n");
  return lines.map((line, i) => ({ file, number: i + 1, text: line, next: lines[i + 1] ?? "" }));
});

const BODIES = new Map<string, string | null>();

/** The text of the functions, or of classes' members, with this name; null if there is none. */
function bodyOf(name: string): string | null {
  const known = BODIES.get(name);
  if (known !== undefined) return known;
  const [owner, member] = name.split(".") as [string, string | undefined];
  const all: string[] = [];
  for (const text of TEXTS.values()) {
    if (!text.includes(owner)) continue;
    const found = new RegExp(
      `^(?:export )?(?:default )?(?:async )?(?:function|class) ${owner}\\b[\\s\\S]*?^}`,
      "m",
    ).exec(text)?.[0];
    if (found === undefined) continue;
    if (member === undefined) {
      all.push(found);
      continue;
    }
    const members = new RegExp(
      `^ {2}(?:static |readonly |async |get |set )*${member}\\b(?:.*;|[\\s\\S]*?\\n {2}})$`,
      "gm",
    );
    const bodies = found.match(members);
    all.push(...(bodies ?? []));
  }
  const body = all.length > 0 ? all.join("\n") : null;
  BODIES.set(name, body);
  return body;
}

const operation = /\bAtomics\.\w+\(/;
const named = LINES.filter(({ text }) => text.includes("// partner: "));

test("every atomic operation names its partner, or says that it has none", () => {
  const operations = LINES.filter(({ text }) => operation.test(text));
  expect(operations.length).toBeGreaterThan(50);
  const silent = operations.filter(
    ({ text, next }) => !/\/\/ (no )?partner: /.test(text) && !/^\s*\/\/ (no )?partner: /.test(next),
  );
  expect(silent.map(({ file, number, text }) => `${file}:${number} ${text.trim()}`)).toEqual([]);
});

test.each(named.map((line) => [`${line.file}:${line.number}`, line.text] as const))(
  "%s names partners that exist and use Atomics",
  (_, text) => {
    const partners = text
      .slice(text.indexOf("// partner: ") + 12)
      .replace(/ \(.*\)$/, "")
      .split(", ");
    for (const partner of partners) {
      expect(partner).toMatch(/^\w+(\.#?\w+)?$/);
      const body = bodyOf(partner);
      expect(body, `no ${partner}`).not.toBeNull();
      expect(body, `${partner} has no atomic operation`).toMatch(operation);
    }
  },
);
