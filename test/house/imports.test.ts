/**
 * How the modules of `src` may depend on each other. Imports of types count.
 */

import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";

const SOURCE = new URL("../../src/", import.meta.url);

/** The modules of `src` by path, each with the modules that it imports; packages and Node's modules are left out. */
const MODULES = new Map<string, string[]>(
  readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .map((path) => [path, importsOf(path)]),
);

function importsOf(path: string): string[] {
  const text = readFileSync(new URL(path, SOURCE), "utf8");
  const specifiers = text.matchAll(/(?:\bfrom|^import|\bimport\()\s*"(\.[^"]*)\.js"/gm);
  return [...specifiers].map(([, to]) => `${posix.join(posix.dirname(path), to as string)}.ts`);
}

function importsFrom(folder: string): [from: string, to: string][] {
  return [...MODULES]
    .filter(([path]) => path.startsWith(folder))
    .flatMap(([path, imports]) => imports.map((to): [string, string] => [path, to]));
}

/** The modules of one circle of imports, or null. */
function circle(): string[] | null {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const next of MODULES.get(path) ?? []) {
      const found = visit(next, [...trail, path]);
      if (found !== null) return found;
    }
    done.add(path);
    return null;
  };
  for (const path of MODULES.keys()) {
    const found = visit(path, []);
    if (found !== null) return found;
  }
  return null;
}

describe("imports", () => {
  test("every relative import leads to a module of src", () => {
    expect(MODULES.size).toBeGreaterThan(50);
    const lost = importsFrom("").filter(([, to]) => !MODULES.has(to));
    expect(lost).toEqual([]);
  });

  test("contain no circle", () => {
    expect(circle()).toBeNull();
  });

  test.each([
    ["ring/", ["ring/"]],
    ["worker/", ["worker/", "ring/"]],
    ["main/", ["main/", "ring/"]],
    // The link's errors are the program's: this file imports nothing else of api.
    ["main/link/", ["main/link/", "ring/", "main/api/net-error.ts"]],
    ["main/api/", ["main/api/", "main/link/", "ring/"]],
    // It has a handle of its own in the networking thread.
    ["websocket/", ["websocket/", "main/", "ring/"]],
  ])("of %s lead to %j only", (folder, allowed) => {
    const imports = importsFrom(folder);
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter(([, to]) => !allowed.some((prefix) => to.startsWith(prefix)))).toEqual([]);
  });

  test("of the protocols on top lead to the public API only, or stay in their folder", () => {
    const inner = /^(main|ring|worker|websocket)\//;
    const wrong = importsFrom("").filter(([from, to]) => {
      const room = from.slice(0, from.indexOf("/") + 1);
      return (
        !inner.test(from) &&
        !to.startsWith(room) &&
        to !== "main/index.ts" &&
        !/^(?!main|ring|worker)\w+\/index\.ts$/.test(to)
      );
    });
    expect(wrong).toEqual([]);
  });
});

test("docs/architecture.md names every file of src/ring, src/main/link and src/worker, and every folder of src", () => {
  const document = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
  const files = [...MODULES.keys()].filter((path) => /^(ring|main\/link|worker)\//.test(path));
  expect(files.map((path) => `\`${posix.basename(path, ".ts")}\``).filter((name) => !document.includes(name))).toEqual(
    [],
  );
  const folders = new Set([...MODULES.keys()].map((path) => path.slice(0, path.indexOf("/"))));
  expect([...folders].filter((folder) => !document.includes(`src/${folder}/`))).toEqual([]);
});

test("private parts of Node are touched in one file of each thread", () => {
  const touching = [...MODULES.keys()].filter((path) =>
    /\b(_handle|_parent|_exiting|reallyExit|moduleLoadList|addCACert|useUserBuffer|process\.binding|_socket|_receiver|_sender)\??[.:;,)]/.test(
      withoutComments(readFileSync(new URL(path, SOURCE), "utf8")),
    ),
  );
  expect(touching.sort()).toEqual(["main/link/node-internals.ts", "worker/node-internals.ts"]);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}
