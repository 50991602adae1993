/**
 * `wasi:cli`, for `--map 'wasi:cli/*=ringnet/wasi/cli#*'`.
 *
 * Runs on the calling thread.
 */

import { isatty } from "node:tty";
import { StandardInput, StandardOutput } from "./stdio.js";
import type { InputStream, OutputStream } from "./streams.js";

let variables: [string, string][] | null = null;
let words: string[] | null = null;
let folder: string | null = null;

/** Replaces the environment variables of guests; by default they see the process's. */
export function _setEnv(values: Record<string, string>): void {
  variables = Object.entries(values);
}

/** Replaces the arguments of guests, the program's name first; by default `process.argv` without Node. */
export function _setArgs(values: readonly string[]): void {
  words = [...values];
}

/** Replaces the working folder of guests; by default the process's. */
export function _setCwd(path: string): void {
  folder = path;
}

/** `wasi:cli/environment`. */
export const environment = {
  getEnvironment: (): [string, string][] =>
    variables ?? Object.entries(process.env).map(([name, value]) => [name, value ?? ""]),
  getArguments: (): string[] => words ?? process.argv.slice(1),
  initialCwd: (): string | undefined => folder ?? process.cwd(),
};

/** `wasi:cli/exit`: ends the process. */
export const exit = {
  exit(status: { tag: "ok" | "err" }): void {
    process.exit(status.tag === "ok" ? 0 : 1);
  },
  exitWithCode(code: number): void {
    process.exit(code);
  },
};

export const stdin = { getStdin: (): InputStream => new StandardInput() };
export const stdout = { getStdout: (): OutputStream => new StandardOutput(1) };
export const stderr = { getStderr: (): OutputStream => new StandardOutput(2) };

/** `wasi:cli/terminal-input.terminal-input`: the standard input is a terminal. */
export class TerminalInput {}

/** `wasi:cli/terminal-output.terminal-output`: a standard output is a terminal. */
export class TerminalOutput {}

export const terminalInput = { TerminalInput };
export const terminalOutput = { TerminalOutput };
export const terminalStdin = { getTerminalStdin: () => (isatty(0) ? new TerminalInput() : undefined) };
export const terminalStdout = { getTerminalStdout: () => (isatty(1) ? new TerminalOutput() : undefined) };
export const terminalStderr = { getTerminalStderr: () => (isatty(2) ? new TerminalOutput() : undefined) };
