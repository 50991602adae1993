/**
 * Small programs that use the package as a user's would, in a process of their own, and the stock programs that are
 * peers (installed by test/setup/install.ts where they are missing).
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folders.js";
import { closedPort } from "./ports.js";
import { Process, type ProcessOptions, root } from "./processes.js";
import { moduleCommand } from "./runtime.js";

export interface Outcome {
  /** The exit code; null when it was killed, by its time limit for example. */
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
  errors: string;
  milliseconds: number;
}

export interface ProgramOptions extends ProcessOptions {
  /** The program's `process.argv[1…]`. */
  args?: string[];
  /** Node's own arguments. */
  nodeArgs?: string[];
  /** Host names, beside localhost, and their IPs, for this program alone. */
  names?: Record<string, string[]>;
}

/** The command that runs the source text of a module. */
function commandOf(source: string, { args = [], nodeArgs = [], names }: ProgramOptions): [string, string[]] {
  const [command = "", ...program] = moduleCommand(source, args, nodeArgs);
  if (names === undefined) return [command, program];
  const hosts = join(temporaryFolder(), "hosts");
  const lines = Object.entries(names).flatMap(([name, ips]) => ips.map((ip) => `${ip} ${name}\n`));
  writeFileSync(hosts, `127.0.0.1 localhost\n${lines.join("")}`);
  // A mount namespace of its own, in which /etc/hosts is another file.
  const unshare = process.getuid?.() === 0 ? "-m" : "-Urm";
  const mount = 'mount --bind "$0" /etc/hosts && exec "$@"';
  return ["unshare", [unshare, "sh", "-c", mount, hosts, command, ...program]];
}

/**
 * Runs the source text of a module to its end, in the package's folder. It is killed after `timeout` ms: the code is
 * null then.
 */
export function runProgram(source: string, options: ProgramOptions & { timeout?: number } = {}): Outcome {
  return runCommand(...commandOf(source, options), options);
}

/** Runs a command to its end, as `runProgram` does. */
export function runCommand(
  command: string,
  args: string[],
  options: ProcessOptions & { timeout?: number } = {},
): Outcome {
  const start = performance.now();
  const done = spawnSync(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, NODE_OPTIONS: undefined, ...options.env },
    encoding: "utf8",
    timeout: options.timeout ?? 15_000,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (done.error !== undefined && (done.error as NodeJS.ErrnoException).code !== "ETIMEDOUT") throw done.error;
  const milliseconds = performance.now() - start;
  return { code: done.status, signal: done.signal, output: done.stdout, errors: done.stderr, milliseconds };
}

/** Starts such a program and returns while it runs. */
export function startProgram(source: string, options: ProgramOptions = {}): Process {
  const [command, args] = commandOf(source, options);
  return new Process(command, args, { ...options, env: { NODE_OPTIONS: undefined, ...options.env } });
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
