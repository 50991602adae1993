/**
 * The standard input of a process that a test starts, written from a thread that never returns to its event loop.
 *
 * Node writes a child's pipe at once. Bun and Deno do so in their event loops, which a blocked test never reaches;
 * there it is a named pipe.
 */

import { type ChildProcess, execFileSync } from "node:child_process";
import { closeSync, constants, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isNode } from "./runtime.js";

export interface Input {
  /** What `spawn` gets. */
  readonly stdin: "pipe" | number;
  /** To be called with what `spawn` returned. */
  started(child: ChildProcess): void;
  write(text: string): void;
  end(): void;
}

/** Standard input for a new process; `folder` is one of its own. */
export function newInput(folder: string): Input {
  return isNode ? new Pipe() : new NamedPipe(folder);
}

class Pipe implements Input {
  readonly stdin = "pipe";
  #child: ChildProcess | undefined;

  started(child: ChildProcess): void {
    this.#child = child;
    child.stdin?.on("error", () => {}); // the process may have ended
  }

  write(text: string): void {
    this.#child?.stdin?.write(text);
  }

  /** `end` would need an event loop; a pipe that is destroyed is closed at once. */
  end(): void {
    this.#child?.stdin?.destroy();
  }
}

class NamedPipe implements Input {
  readonly stdin: number;
  #writer: number | undefined;

  constructor(folder: string) {
    const path = join(folder, "input");
    execFileSync("mkfifo", [path]);
    const both = openSync(path, constants.O_RDWR); // opening one end alone would wait for the other
    this.stdin = openSync(path, constants.O_RDONLY);
    this.#writer = openSync(path, constants.O_WRONLY);
    closeSync(both);
    rmSync(path);
  }

  started(): void {
    closeSync(this.stdin);
  }

  write(text: string): void {
    if (this.#writer === undefined) return;
    try {
      writeSync(this.#writer, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error; // the process may have ended
    }
  }

  end(): void {
    if (this.#writer !== undefined) closeSync(this.#writer);
    this.#writer = undefined;
  }
}
