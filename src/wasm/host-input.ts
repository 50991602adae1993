/**
 * The standard input of this process, for a program that waits for it together with sockets. (Emscripten reports it as
 * always ready, and then blocks in the read.)
 *
 * Runs on the calling thread.
 */

import { isatty } from "node:tty";
import { type Input, openInput } from "../main/index.js";
import { POLLERR, POLLHUP, POLLIN, POLLRDNORM, type Pollable } from "../posix/index.js";

export class HostInput implements Pollable {
  /** Opened at the first use: a program that reads nothing leaves the input to others. */
  #input: Input | null = null;
  /** The end was read, and stays. */
  #ended = false;

  readiness(): number {
    if (this.#ended) return POLLIN | POLLRDNORM | POLLHUP;
    try {
      return this.#opened.waitUntilReadable(0) ? POLLIN | POLLRDNORM : 0;
    } catch {
      return POLLIN | POLLRDNORM | POLLERR; // `read` throws the error
    }
  }

  pollEntry(): Input {
    return this.#opened;
  }

  /** Blocks until there are bytes or the end; returns the number of bytes, 0 at the end. Throws the system's error. */
  read(targets: readonly Uint8Array[]): number {
    const wanted = targets.reduce((sum, { length }) => sum + length, 0);
    if (wanted === 0 || this.#ended) return 0;
    this.#opened.waitUntilReadable();
    const bytes = this.#opened.read(wanted);
    if (bytes === null) {
      this.#end();
      return 0;
    }
    let copied = 0;
    for (const target of targets) {
      const part = bytes.subarray(copied, copied + target.length);
      target.set(part);
      copied += part.length;
    }
    return bytes.length;
  }

  get #opened(): Input {
    this.#input ??= openInput("stdin");
    return this.#input;
  }

  /** A terminal can be read again after its end. */
  #end(): void {
    this.#ended = !isatty(0);
    this.#input?.close();
    this.#input = null;
  }
}
