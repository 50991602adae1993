/**
 * A copy of the built package whose networking thread dies on command, and in which one name, never.example, is never
 * resolved. Nothing of it is in the package: the copy's networking thread also listens to a broadcast
 * channel with orders to die.
 */

import { cpSync } from "node:fs";
import { join } from "node:path";
import { Process, root } from "../support/processes.js";
import { packageWithThread } from "../support/thread-code.js";

/** Runs before the thread's own code. */
const BEFORE = `
  const dns = require("node:dns");
  const { syncBuiltinESMExports } = require("node:module");
  const { BroadcastChannel, resourceLimits } = require("node:worker_threads");

  const { lookup } = dns;
  dns.lookup = (name, ...rest) => name === "never.example" ? undefined : lookup(name, ...rest);
  syncBuiltinESMExports();

  const hoard = [];
  const WAYS = {
    throw: () => { throw new Error("executed"); },
    reject: () => { Promise.reject(new Error("executed")); },
    exit: () => process.exit(7),
    // Numbers on the heap of this thread, in small pieces, so that a small allocation exceeds the limit.
    memory: () => { for (;;) hoard.push(Array.from({ length: 1000 }, (_, i) => i + Math.random())); },
    "exit-if-limited": () => resourceLimits.maxOldGenerationSizeMb === 24 && process.exit(8),
    loop: () => { for (;;); },
    sleep: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), // no partner
  };
  const orders = new BroadcastChannel("orders");
  orders.onmessage = ({ data }) => setTimeout(WAYS[data.way], data.delay);
  orders.unref();
`;

/** Makes the copy, with the programs of this folder in it; its folder. */
export function killablePackage(): string {
  const folder = packageWithThread((code) => `{${BEFORE}}\n${code}`);
  cpSync(join(root, "test/death/programs"), join(folder, "programs"), { recursive: true });
  return folder;
}

/** Starts one of the programs in the copy. */
export function startIn(folder: string, program: string, ...args: (string | number)[]): Process {
  const command = [join(folder, "programs", program), ...args.map(String)];
  return new Process(process.execPath, command, { cwd: folder, env: { NODE_OPTIONS: undefined } });
}
