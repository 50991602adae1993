/**
 * A wait costs what is ready, not what is watched.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { node, Process, root } from "../support/processes.js";
import { fileCommand } from "../support/runtime.js";

/** Runs a program of Node's with room for many open files. */
function withManyFiles(...args: string[]): Process {
  const [first, ...rest] = args as [string, ...string[]];
  const command = first.includes("peer") ? [node, join(root, first), ...rest] : fileCommand(join(root, first), ...rest);
  return new Process("sh", ["-c", 'ulimit -n 12000; exec "$0" "$@"', ...command]);
}

test("10,000 idle connections and a busy one cost about as much as ten and a busy one", () => {
  const peer = withManyFiles("test/support/peer.js", JSON.stringify({ behaviour: "echo", hash: false }));
  const { port } = JSON.parse(peer.waitForOutput(/^.*"listening".*$/m)[0]);
  const measure = (idle: number): { watched: number; nothing: number; one: number } => {
    const program = withManyFiles("test/poll/idle-cost.js", `${port}`, `${idle}`);
    return JSON.parse(program.waitForOutput(/^\{.*\}$/m, 60_000)[0]);
  };
  const few = measure(10);
  const many = measure(10_000);
  expect(few.watched).toBe(11);
  expect(many.watched).toBe(10_001);
  // Looking at each of a thousand times as many would cost a hundred times as much.
  expect(many.nothing).toBeLessThan(5 * few.nothing + 500);
  expect(many.one).toBeLessThan(5 * few.one + 500);
}, 120_000);
