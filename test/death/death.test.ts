/**
 * The networking thread dies while the program sleeps in some wait: the wait ends in bounded time with an error that says so, old handles
 * stay failed, and the next use starts a new thread.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import type { Process } from "../support/processes.js";
import { isDeno } from "../support/runtime.js";
import { killablePackage, startIn } from "./killable-package.js";

const WAITS = [
  "connect",
  "waitUntilConnected",
  "waitUntilReadable",
  "waitUntilWritable",
  "waitUntilDrained",
  "writeAll",
  "readExactly",
  "readLine",
  "readUntil",
  "readAll",
  "waitUntilAcceptable",
  "acceptWait",
  "udp.waitUntilReadable",
  "receiveWait",
  "waitUntilResolved",
  "poll",
  "Poller.wait",
];

interface Result {
  name: string;
  error: { isNetError: boolean; code: string; message: string } | null;
  milliseconds: number;
  failed: boolean;
  works: boolean;
  failedForEver: boolean;
}

let folder = "";
beforeAll(() => {
  folder = killablePackage();
});

/** Starts the waits: one after another in one program (`together`), or at the same time, each in a program of its own. */
function start(way: string, waits: string[], together: boolean): Process[] {
  const ports = { silent: startPeer("silent").port, stuck: startUnanswering().port, echo: startPeer("echo").port };
  const lists = together ? [waits] : waits.map((wait) => [wait]);
  return lists.map((list) => startIn(folder, "waits.js", JSON.stringify({ way, waits: list, ...ports })));
}

function expectEnds(programs: Process[], waits: string[], reason: RegExp, limit: number): void {
  const results = programs.flatMap((program) => {
    program.waitForOutput(/^end$/m, 60_000);
    const lines = program.output.trim().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Result);
  });
  const took = results.map(({ milliseconds }) => Math.round(milliseconds));
  console.log(`${took.length} waits ended after ${Math.min(...took)} to ${Math.max(...took)} ms`);
  expect(results.map(({ name }) => name)).toEqual(waits);
  for (const { name, error, milliseconds, ...rest } of results) {
    expect(error, name).toMatchObject({
      isNetError: true,
      code: "ERR_WORKER_DIED",
      message: expect.stringMatching(reason),
    });
    expect(milliseconds, name).toBeLessThan(limit);
    expect(rest, name).toEqual({ failed: true, works: true, failedForEver: true });
  }
}

describe("dies with a reason: every wait ends at once", () => {
  /** Deno gives a worker's source text a name of its own. */
  const SAYS_ERROR = isDeno
    ? /the networking thread died: Error: executed\n +at /
    : /the networking thread died: Error: executed\n +at .*ringnet\//s;

  test.each([
    ["throw", "by an uncaught error", WAITS, SAYS_ERROR],
    ["reject", "by an unhandled rejection", ["readExactly", "poll"], SAYS_ERROR],
    ["exit", "by process.exit", WAITS, /the networking thread died: it exited with code 7/],
  ])(
    "%s: %s",
    (way, _what, waits, reason) => {
      expectEnds(start(way, waits, true), waits, reason, 2000);
    },
    100_000,
  );
});

describe("dies or hangs without a reason", () => {
  const SOME = ["connect", "writeAll", "readExactly", "acceptWait", "poll"];

  test("terminated, out of memory, asleep, or in an endless loop: every wait ends within seconds", () => {
    // All at the same time, because they mostly sleep.
    const cases: [string, string[]][] = [
      ["terminate", WAITS],
      ["memory", SOME],
      ["sleep", SOME],
      ["loop", ["readExactly"]], // one: each keeps a core busy
    ];
    const started = cases.map(([way, waits]) => start(way, waits, false));
    for (const [i, [, waits]] of cases.entries()) {
      expectEnds(started[i] ?? [], waits, /the networking thread (does not answer any more|died)/, 8000);
    }
  }, 100_000);
});
