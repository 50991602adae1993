/**
 * Other processes, started and watched without an event loop: their output goes to files, which a blocked test can
 * read at any time, and `send` writes to a pipe, which needs no event loop either (input.ts).
 *
 * What is started within a test is killed when that test ends, what is started in a `beforeAll` when its file ends
 * (cleanup.ts does both). Nothing here waits without a limit.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./folders.js";
import { type Input, newInput } from "./input.js";
import { waitFor } from "./waiting.js";

/** The package's root folder; a program that runs there finds the package by its name. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Node for peers, which don't depend on the runtime under test. Programs that use the package run with `process.execPath`. */
export const node = process.env.RINGNET_TEST_NODE ?? process.execPath;

export interface ProcessOptions {
  cwd?: string;
  /** Variables beside this process's own; `undefined` removes one. */
  env?: Record<string, string | undefined>;
}

/** A process that runs, or has run. */
export class Process {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #input: Input;
  readonly #outputPath: string;
  readonly #errorsPath: string;
  readonly #command: string;
  #skipped = 0;
  #signalled = false;
  /**
   * Called at the end of the test that started it, instead of killing it; returns whether it is kept. Peers that can play another session set
   * this (resting.ts).
   */
  keep: (() => boolean) | null = null;

  constructor(command: string, args: string[], options: ProcessOptions = {}) {
    const folder = temporaryFolder();
    this.#command = [command, ...args].join(" ").slice(0, 200);
    this.#outputPath = join(folder, "output");
    this.#errorsPath = join(folder, "errors");
    const output = openSync(this.#outputPath, "a");
    const errors = openSync(this.#errorsPath, "a");
    this.#input = newInput(folder);
    this.#child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: [this.#input.stdin, output, errors],
    });
    closeSync(output);
    closeSync(errors);
    this.#child.on("error", () => {}); // thrown below, where it can be caught
    this.#input.started(this.#child);
    if (this.#child.pid === undefined) throw new Error(`could not start ${this.#command}`);
    this.pid = this.#child.pid;
    this.#child.unref();
    running.push(this);
  }

  /** What it printed so far. */
  get output(): string {
    return readFileSync(this.#outputPath).subarray(this.#skipped).toString();
  }

  /** Begins anew, for another test: what it printed so far is not its output any more. */
  startAgain(): void {
    this.#skipped = statSync(this.#outputPath).size;
    running.push(this);
  }

  /** Whether a test has sent it a signal, so that what it does now is not certain. */
  get signalled(): boolean {
    return this.#signalled;
  }

  /** What it printed so far on standard error. */
  get errors(): string {
    return readFileSync(this.#errorsPath, "utf8");
  }

  /** Whether it still runs; needs no event loop. */
  get alive(): boolean {
    return !"ZX".includes(stateOf(this.pid));
  }

  /** Writes to its standard input. */
  send(text: string): void {
    this.#input.write(text);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#input.end();
  }

  /** Waits until what it printed matches; gives the match. Throws when it died or `timeout` ms are over. */
  waitForOutput(pattern: RegExp, timeout = 10_000): RegExpExecArray {
    return this.waitUntil(`${pattern} from`, () => pattern.exec(this.output) ?? undefined, timeout);
  }

  /** Waits until `look` gives something; throws, with what it printed, when the process died or the time is over. */
  waitUntil<T>(what: string, look: () => T | undefined | false, timeout = 10_000): T {
    const failed = (why: string) =>
      new Error(`${what} ${this.#command}: ${why}\n${this.output.slice(-2000)}\n${this.errors.slice(-2000)}`);
    try {
      return waitFor(
        what,
        () => {
          const alive = this.alive; // read first, so that `look` has all the output of a process that has ended
          const found = look();
          if ((found === undefined || found === false) && !alive) throw failed("the process has ended");
          return found;
        },
        timeout,
      );
    } catch (error) {
      throw error instanceof Error && error.message.includes("did not come within") ? failed(error.message) : error;
    }
  }

  /** Waits until it has ended; throws after `timeout` ms. */
  waitForExit(timeout = 10_000): void {
    waitFor(`the end of ${this.#command}`, () => !this.alive, timeout);
  }

  /** Ends it at once, or stops it for a while (SIGSTOP, SIGCONT). Does nothing when it has ended. */
  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#signalled = true;
    if (this.alive) process.kill(this.pid, signal);
  }
}

const running: Process[] = [];

/** How many were started and not yet cleaned up; `killSince` takes it. */
export function runningCount(): number {
  return running.length;
}

/** Kills those started since `runningCount` said `count`, except those that are kept for other tests. */
export function killSince(count: number): void {
  for (const started of running.splice(count)) {
    if (started.keep?.()) continue;
    started.kill();
    started.endInput();
  }
}

/**
 * One letter, as Linux and macOS write it: Z where it has ended and its parent, whose event loop is blocked, has not
 * noticed; X where it is gone.
 */
function stateOf(pid: number): string {
  if (process.platform === "win32") return runs(pid) ? "S" : "X";
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "state=", "-p", `${pid}`], { encoding: "utf8" }).charAt(0);
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    // Its other threads may end later, and its ports are free only then.
    return state === "Z" && readdirSync(`/proc/${pid}/task`).length > 1 ? "R" : state;
  } catch {
    return "X";
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// A runner that is stopped in the middle leaves nothing behind either.
process.on("exit", () => killSince(0));
