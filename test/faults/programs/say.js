/**
 * How the programs of this folder report to the test: a line of JSON for each event, written even if the program is killed right after.
 */

import { writeSync } from "node:fs";

/** @param {string} event @param {object} [details] */
export function say(event, details = {}) {
  writeSync(1, `${JSON.stringify({ event, ...details })}\n`);
}
