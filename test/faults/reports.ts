/**
 * The reports of the programs of this folder: a line of JSON for each event.
 */

import type { Process } from "../support/processes.js";

/** Waits for an event of a program; returns its details. */
export function reportOf<T = Record<string, unknown>>(program: Process, event: string, timeout = 20_000): T {
  const [line] = program.waitForOutput(new RegExp(`^\\{"event":"${event}".*\\}$`, "m"), timeout);
  const { event: _, ...details } = JSON.parse(line);
  return details as T;
}
