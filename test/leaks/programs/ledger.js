/**
 * What a process holds: descriptors, threads, memory, and what the package has set aside. For programs that run with --expose-gc.
 */

import { readdirSync, readFileSync } from "node:fs";
import { poll } from "ringnet";

const unnotified = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. @param {number} milliseconds */
export function pause(milliseconds) {
  Atomics.wait(unnotified, 0, 0, milliseconds); // no partner: no thread notifies
}

/** The links of some runtimes to their networking threads. */
const linksOf = (runtimes) => runtimes.flatMap((runtime) => [...runtime.links]);

/** What is held now. Slots, rings and arenas belong to `runtimes`. */
export function account(...runtimes) {
  globalThis.gc();
  const links = linksOf(runtimes);
  const status = readFileSync("/proc/self/status", "latin1");
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]),
    megabytes: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024),
    open: links.reduce((sum, link) => sum + link.openCount, 0),
    arenaBytes: links.reduce((sum, link) => sum + link.arenaBytes, 0),
  };
}

/** What is left of the handles that do not come back: the words of their slots (see src/ring/layout.ts). */
function left(runtimes) {
  const LINE = 16;
  const names = ["handleId", "state", "received", "read", "paused", "written", "sent", "request", "queued"];
  const tell = ({ words }) => `{ ${names.map((name, i) => `${name}: ${words[i * LINE]}`).join(", ")} }`;
  return linksOf(runtimes).flatMap((link) => [...link.channels].slice(0, 5).map(tell));
}

/** Waits (blocking) until all handles of `runtimes` are closed and their slots are back. */
export function settle(...runtimes) {
  const deadline = performance.now() + 20_000;
  while (linksOf(runtimes).some((link) => link.openCount > 0)) {
    poll([], 0); // takes slots back
    if (performance.now() > deadline) throw new Error(`slots do not come back: ${left(runtimes).join(", ")}`);
    pause(5);
  }
}

/** The call must fail with that code. */
export function mustThrow(call, code) {
  try {
    call();
  } catch (error) {
    if (error.code === code) return;
    throw error;
  }
  throw new Error(`no ${code} was thrown`);
}

/** Prints what was held before and after. */
export function tell(before, after, done = {}) {
  console.log(JSON.stringify({ before, after, ...done }));
}
