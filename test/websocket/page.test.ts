/**
 * docs/websocket.md: its examples run and print what they say, and it names everything that ringnet/websocket exports.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as websocket from "ringnet/websocket";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { root } from "../support/processes.js";
import { runProgram } from "../support/programs.js";
import { startWsPeer } from "./support/peers.js";

const PAGE = readFileSync(join(root, "docs/websocket.md"), "utf8");
const EXAMPLES = [...PAGE.matchAll(/^```js\n(.*?)^```$/gms)].map(([, source], i) => [i + 1, source as string] as const);

/** The comment behind a `console.log`, or the comments on the lines after it. */
function outputOf(source: string): string[] {
  return source
    .split("\n")
    .map((line) => /^\/\/ (.*)$/.exec(line)?.[1] ?? /console\.log\(.*\); \/\/ (.*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined);
}

describe("the examples of docs/websocket.md print what their comments say", () => {
  let prelude: string;
  beforeAll(() => {
    const given = { url: startWsPeer({ echo: true, protocols: [] }).url };
    prelude = `data:text/javascript,${encodeURIComponent(`Object.assign(globalThis, ${JSON.stringify(given)});`)}`;
  });

  test.each(EXAMPLES)("number %i", (_number, source) => {
    const path = join(temporaryFolder(), "example.mjs");
    const located = source.replace(
      /from "(ringnet(?:\/\w+)?)"/g,
      (_all, name) => `from ${JSON.stringify(import.meta.resolve(name))}`,
    );
    writeFileSync(path, located);
    const outcome = runProgram("", { nodeArgs: ["--import", prelude, path] });
    expect(outcome.errors).toBe("");
    expect(outcome.output.trimEnd().split("\n")).toEqual(outputOf(source));
  });
});

test("the page names every export, and every member of its classes", () => {
  const inner = ["constructor", "onClose", "readyFor", "reported", "wasOpen"];
  const members = [websocket.WebSocket, websocket.WebSocketServer]
    .flatMap((each) => Object.getOwnPropertyNames(each.prototype))
    .filter((name) => !inner.includes(name));
  const names = [...Object.keys(websocket), ...members];
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(PAGE))).toEqual([]);
});
