/**
 * The calls of a game loop leave nothing for the garbage collector.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { Process, root } from "../support/processes.js";

const ROUNDS = 1_000_000;

interface Work {
  collections: number;
  grown: number;
  written: number;
  read: number;
  ready: number;
}

function run(port: number, what: "loop" | "empty"): Work {
  const program = join(root, "test/framing/garbage-loop.js");
  const process_ = new Process(process.execPath, ["--expose-gc", program, `${port}`, what, `${ROUNDS}`]);
  return JSON.parse(process_.waitForOutput(/^\{.*\}$/m, 60_000)[0]);
}

test("a million rounds of write, readInto and wait cause no more garbage collections than an empty loop", () => {
  const peer = startPeer("echo", { hash: false });
  const empty = run(peer.port, "empty");
  const work = run(peer.port, "loop");
  expect(work.written).toBeGreaterThan(1_000_000); // the loop did its work
  expect(work.read).toBeGreaterThan(1_000_000);
  expect(work.ready).toBeGreaterThan(1000);
  expect(empty.collections).toBe(0);
  // A small object each round would make about 30. A few come from what happens around the rounds, more on a busy machine.
  expect(work.collections).toBeLessThanOrEqual(5);
  if (work.collections === 0) expect(work.grown / ROUNDS).toBeLessThan(8);
}, 130_000);
