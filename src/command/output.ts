/**
 * Writes to descriptors that may be non-blocking, and errors to stderr.
 *
 * Runs on the calling thread.
 */

import { writeSync } from "node:fs";

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all bytes; waits while a pipe is full. Throws the system's error. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1); // no partner: sleeps for 1 ms
    }
  }
}

/** Control characters but tab and newline: a server's words must not move the terminal's cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Writes an error message to stderr. */
export function complain(message: string): void {
  const shown = message.replace(CONTROL, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`);
  process.stderr.write(`ringnet: ${shown}\n`);
}
