/** Programs in WebAssembly for tests: test/wasm/guests/sockets.c, built by emscripten. */

import { join } from "node:path";
import { Process, root } from "../support/processes.js";

const RUN = join(root, "test/wasm/guests/run.cjs");

/** Starts the program with its arguments. */
export function startGuest(...args: (string | number)[]): Process {
  return new Process(process.execPath, [RUN, ...args.map(String)], { env: { NODE_OPTIONS: undefined } });
}

/** Runs the program to its end; returns its output. */
export function runGuest(...args: (string | number)[]): string {
  const guest = startGuest(...args);
  guest.waitForExit(25_000);
  return guest.output + guest.errors;
}

/** Runs the same program, built without this package, by `withSockets`; returns its output. */
export function runPlainGuest(...args: (string | number)[]): string {
  const file = join(root, "test/wasm/guests/run-plain.mjs");
  const guest = new Process(process.execPath, [file, ...args.map(String)], { env: { NODE_OPTIONS: undefined } });
  guest.waitForExit(25_000);
  return guest.output + guest.errors;
}

/** The port that the program, a server, has printed. */
export function portOf(guest: Process): number {
  return Number(guest.waitForOutput(/port (\d+)/)[1]);
}
