/**
 * Writes to descriptors that may be non-blocking.
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
