/**
 * The standard streams of this process. Input can be waited for together with sockets. Output is written at once: if a
 * pipe is full, the write blocks.
 *
 * Runs on the calling thread.
 */

import { writeSync } from "node:fs";
import { type Input, openInput, type PollEntry, poll } from "../main/index.js";
import { InputStream, OutputStream } from "./streams.js";

/** The bytes that one `check-write` allows. */
const WRITE_MAX = 65536;

/** The interval, in ms, for trying again to write to a full pipe that does not block. */
const RETRY_MS = 1;

let opened: Input | null = null;

/** Opened at the first use: a program that reads nothing leaves the input to others. */
function standardInput(): Input {
  opened ??= openInput("stdin");
  return opened;
}

export class StandardInput extends InputStream {
  pollEntry(): PollEntry {
    return standardInput();
  }

  protected take(max: number): Uint8Array | null {
    return standardInput().read(max);
  }

  protected hasEvent(): boolean {
    try {
      return standardInput().waitUntilReadable(0);
    } catch {
      return true; // `read` reports that it can't be opened
    }
  }

  protected release(): void {
    // Other handles read the same input.
  }
}

export class StandardOutput extends OutputStream {
  readonly #fd: number;

  constructor(fd: 1 | 2) {
    super();
    this.#fd = fd;
  }

  pollEntry(): null {
    return null;
  }

  protected room(): number {
    return WRITE_MAX;
  }

  protected put(contents: Uint8Array): boolean {
    let rest = contents;
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        poll([], RETRY_MS);
      }
    }
    return true;
  }

  protected hasEvent(): boolean {
    return true;
  }

  protected release(): void {
    // The process keeps its descriptors.
  }
}
