/**
 * The standard input of this process, for a program that waits for it together with sockets. (Emscripten reports it as
 * always ready, and then blocks in the read.)
 *
 * A pipe or a terminal is opened a second time with O_NONBLOCK, and checked every few milliseconds.
 *
 * Runs on the calling thread.
 */

import { constants, fstatSync, openSync, readSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { POLLIN, type Pollable, poll } from "../posix/index.js";

const CHUNK = 65536;

export class HostInput implements Pollable {
  /** Bytes that were read ahead for the program. */
  #bytes: Buffer = Buffer.alloc(0);
  /** Whether the end was read and not returned to the program yet. */
  #ended = false;
  /** A non-blocking descriptor; null if there is none, undefined before the first use. */
  #unblocked: number | null | undefined;

  readiness(): number {
    if (this.#bytes.length === 0 && !this.#ended) this.#readAhead();
    return this.#bytes.length > 0 || this.#ended ? POLLIN : 0;
  }

  pollEntry(): null {
    return null;
  }

  /** Blocks until there are bytes or the end; returns the number of bytes, 0 at the end. Throws the system's error. */
  read(targets: readonly Uint8Array[]): number {
    if (this.#bytes.length === 0 && !this.#ended) this.#await();
    let count = 0;
    for (const target of targets) {
      const part = this.#bytes.subarray(0, target.length);
      target.set(part);
      this.#bytes = this.#bytes.subarray(part.length);
      count += part.length;
    }
    if (count === 0) this.#ended = false; // a terminal can be read again after its end
    return count;
  }

  /** Reads ahead: without blocking if the input allows it. */
  #readAhead(): void {
    if (this.#unblocked === undefined) this.#unblocked = unblockedInput();
    if (this.#unblocked === null) this.#await();
    else this.#readFrom(this.#unblocked);
  }

  #await(): void {
    if (this.#readFrom(0)) return;
    poll([{ source: this, events: POLLIN, found: 0 }], -1);
  }

  /** Returns false if there is nothing to read yet. */
  #readFrom(fd: number): boolean {
    const chunk = Buffer.allocUnsafe(CHUNK);
    try {
      const count = readSync(fd, chunk);
      this.#bytes = chunk.subarray(0, count);
      this.#ended = count === 0;
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
  }
}

function unblockedInput(): number | null {
  try {
    const kind = fstatSync(0);
    // Node gives its child processes sockets. `process.stdin` sets such a socket to non-blocking.
    if (kind.isSocket()) return isMainThread && process.stdin !== null ? 0 : null;
    // A regular file would be read from its start again.
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return null;
    return openSync("/proc/self/fd/0", constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}
