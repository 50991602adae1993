/** What every cold-start program does once its contender is imported: a connection, a byte there, a byte back. */
import { writeSync } from "node:fs";
import { command, ECHO } from "../peers/protocol.js";

export const [host = "", port = ""] = process.argv.slice(2);
export const byte = Buffer.alloc(1, 1);
export const hello = Buffer.concat([command(ECHO), byte]);

/** @param {number} start when the import began */
export function report(start) {
  writeSync(1, `${JSON.stringify({ first: (performance.now() - start) / 1000 })}\n`);
}
