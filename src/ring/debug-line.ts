/**
 * Lines of NODE_DEBUG=ringnet, which both threads write to stderr themselves, also while the program blocks.
 *
 * Used by both threads. A line is one write, so that lines of two threads do not mix.
 */

import { writeSync } from "node:fs";

const STDERR = 2;
const LONGEST_FIELD = 200;

/** Whether `NODE_DEBUG` names this package. It is a list of names with `*`, separated by commas, as in Node. */
export function namesRingnet(setting: string | undefined): boolean {
  return (setting ?? "").split(",").some((name) => {
    const pattern = name
      .trim()
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*");
    return new RegExp(`^${pattern}$`, "i").test("ringnet");
  });
}

/** Writes one line: the time of day in µs, the process, the thread, what happens, and its details. Never throws. */
export function writeDebugLine(thread: string, what: string, details: object = {}): void {
  const now = performance.timeOrigin + performance.now();
  const time = `${new Date(now).toISOString().slice(11, 23)}${String(Math.floor((now % 1) * 1000)).padStart(3, "0")}`;
  const fields = Object.entries(details)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => ` ${name}=${String(value).replace(/\s+/g, " ").slice(0, LONGEST_FIELD)}`);
  try {
    writeSync(STDERR, `RINGNET ${time} ${process.pid} ${thread}: ${what}${fields.join("")}\n`);
  } catch {
    // stderr is a closed or full pipe
  }
}
