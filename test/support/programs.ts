/**
 * Small programs that use the package as a user's would, in a process of their own, and the stock programs that are
 * peers (installed by test/setup/install.ts where they are missing).
 */

import { spawnSync } from "node:child_process";
import { temporaryFolder } from "./folders.js";
import { closedPort } from "./ports.js";
import { Process, type ProcessOptions, root } from "./processes.js";

export interface Outcome {
  /** The exit code; null when it was killed, by its time limit for example. */
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
  errors: string;
  milliseconds: number;
}

/**
 * Runs the source text of a module to its end, in the package's folder; `args` are its `process.argv[1…]`, `nodeArgs`
 * node's own. It is killed after `timeout` ms: the code is null then.
 */
export function runProgram(
  source: string,
  {
    args = [],
    nodeArgs = [],
    timeout = 15_000,
    ...options
  }: ProcessOptions & { args?: string[]; nodeArgs?: string[]; timeout?: number } = {},
): Outcome {
  const start = performance.now();
  const done = spawnSync(process.execPath, [...nodeArgs, "--input-type=module", "--eval", source, "--", ...args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, NODE_OPTIONS: undefined, ...options.env },
    encoding: "utf8",
    timeout,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (done.error !== undefined && (done.error as NodeJS.ErrnoException).code !== "ETIMEDOUT") throw done.error;
  const milliseconds = performance.now() - start;
  return { code: done.status, signal: done.signal, output: done.stdout, errors: done.stderr, milliseconds };
}

/** Starts such a program and returns while it runs. */
export function startProgram(
  source: string,
  { args = [], nodeArgs = [], ...options }: ProcessOptions & { args?: string[]; nodeArgs?: string[] } = {},
): Process {
  return new Process(process.execPath, [...nodeArgs, "--input-type=module", "--eval", source, "--", ...args], {
    ...options,
    env: { NODE_OPTIONS: undefined, ...options.env },
  });
}

/** A redis-server that keeps nothing; ready when this returns. */
export function startRedis(): { process: Process; port: number } {
  const port = closedPort();
  const folder = temporaryFolder();
  const server = new Process("redis-server", [
    "--port",
    `${port}`,
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--dir",
    folder,
  ]);
  server.waitForOutput(/Ready to accept connections/);
  return { process: server, port };
}

/** `nc` listening for one client; ready when this returns. It prints what arrives and sends what `send` gives it. */
export function startNetcat(...extra: string[]): { process: Process; port: number } {
  const port = closedPort();
  const listener = new Process("nc", ["-v", "-l", "-n", ...extra, "127.0.0.1", `${port}`]);
  listener.waitUntil("Listening from", () => /Listening on/.test(listener.errors));
  return { process: listener, port };
}
