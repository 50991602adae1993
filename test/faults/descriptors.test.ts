/**
 * File descriptors run out: clear errors in bounded time, open connections continue, and everything works when some are free again.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { Process, root } from "../support/processes.js";
import { fileCommand } from "../support/runtime.js";
import { reportOf } from "./reports.js";

const LIMIT = 64;

function startWithFew(...args: string[]): Process {
  const program = join(root, "test/faults/programs/few-descriptors.js");
  const limited = ["-c", 'ulimit -n "$0" && exec "$@"', `${LIMIT}`, ...fileCommand(program, ...args)];
  return new Process("sh", limited, { env: { NODE_OPTIONS: undefined } });
}

interface Outcome {
  result: string;
  milliseconds: number;
}

test("a client gets EMFILE while open connections work, and recovers", () => {
  const peer = startPeer("echo");
  const program = startWithFew("client", `${peer.port}`);
  const exhausted = reportOf<Outcome & { opened: number }>(program, "exhausted");
  expect(exhausted.result).toBe("NetError EMFILE");
  expect(exhausted.milliseconds).toBeLessThan(2000);
  expect(exhausted.opened).toBeGreaterThan(20);
  const { listen, udp, name } = reportOf<Record<string, Outcome>>(program, "others");
  expect(listen?.result).toBe("NetError EMFILE");
  expect(udp?.result).toBe("NetError EMFILE");
  expect(name?.result).toMatch(/^NetError E/); // the system's resolver has names of its own for it
  expect(reportOf(program, "working")).toMatchObject({ all: true });
  expect(reportOf(program, "recovered")).toMatchObject({ again: 10, working: true });
});

test("a server turns further clients away, keeps those it has, and accepts others later", () => {
  const program = startWithFew("server");
  const { port } = reportOf<{ port: number }>(program, "listening");
  const clients = startPeer("echo", { connect: port, connections: LIMIT });
  const { count, working } = reportOf<{ count: number; working: boolean }>(program, "accepted");
  expect(count).toBeGreaterThan(20);
  expect(count).toBeLessThan(LIMIT);
  expect(working).toBe(true);
  // No thread is left that waits for an answer that never comes.
  clients.waitForEvent("close", 10_000, LIMIT);
  startPeer("echo", { connect: port });
  expect(reportOf(program, "recovered")).toMatchObject({ working: true });
});

test("the networking thread can't start: an error at once; the next call starts it", () => {
  const peer = startPeer("echo");
  const recovered = reportOf<Outcome>(startWithFew("start", `${peer.port}`), "recovered");
  expect(recovered).toMatchObject({ working: true });
  expect(recovered.result).toBe("NetError EMFILE");
  expect(recovered.milliseconds).toBeLessThan(2000);
});
