/**
 * docs/websocket.md: its examples run and print what they say, and it names everything that ringnet/websocket exports.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as websocket from "ringnet/websocket";
import { beforeAll, describe, expect, test } from "vitest";
import { runExample } from "../support/examples.js";
import { root } from "../support/processes.js";
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
  let given: object;
  beforeAll(() => {
    given = { url: startWsPeer({ echo: true, protocols: [] }).url };
  });

  test.each(EXAMPLES)("number %i", (_number, source) => {
    const outcome = runExample(source, given);
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
