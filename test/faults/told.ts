/**
 * What the programs of this folder say: a line of JSON for each thing that happens.
 */

import type { Process } from "../support/processes.js";

/** Waits for the event that a program tells, and gives what it tells of it. */
export function told<T = Record<string, unknown>>(program: Process, event: string, timeout = 20_000): T {
  const [line] = program.waitForOutput(new RegExp(`^\\{"event":"${event}".*\\}$`, "m"), timeout);
  const { event: _, ...details } = JSON.parse(line);
  return details as T;
}
