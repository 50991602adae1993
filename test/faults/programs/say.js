/**
 * How the programs of this folder tell the test what happens: a line of JSON each, out even when the program is killed right after.
 */

import { writeSync } from "node:fs";

/** @param {string} event @param {object} [details] */
export function say(event, details = {}) {
  writeSync(1, `${JSON.stringify({ event, ...details })}\n`);
}
