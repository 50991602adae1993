/**
 * A copy of the built package whose networking thread dies on command, and in which one name, never.example, is never resolved. Nothing of it is in
 * the package: the copy's boot file is replaced by one that also listens to an executioner's broadcast channel.
 */

import { cpSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folders.js";
import { Process, root } from "../support/processes.js";

const BOOT = `
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
    // Numbers on the heap of this thread, in pieces, so that its limit is met by something small.
    memory: () => { for (;;) hoard.push(Array.from({ length: 1000 }, (_, i) => i + Math.random())); },
    "exit-if-limited": () => resourceLimits.maxOldGenerationSizeMb === 24 && process.exit(8),
    hang: () => { for (;;); },
  };
  const executioner = new BroadcastChannel("executioner");
  executioner.onmessage = ({ data }) => setTimeout(WAYS[data.way], data.delay);
  executioner.unref();

  exports.__esModule = true;
  exports.default = require("./true-boot.cjs").default;
`;

/** Makes the copy, with the programs of this folder in it; its folder. */
export function mortalPackage(): string {
  const folder = temporaryFolder();
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  cpSync(join(root, "test/death/programs"), join(folder, "programs"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  renameSync(join(folder, "dist/worker/boot.cjs"), join(folder, "dist/worker/true-boot.cjs"));
  writeFileSync(join(folder, "dist/worker/boot.cjs"), BOOT);
  return folder;
}

/** Starts one of the programs in the copy. */
export function startIn(folder: string, program: string, ...args: (string | number)[]): Process {
  const command = [join(folder, "programs", program), ...args.map(String)];
  return new Process(process.execPath, command, { cwd: folder, env: { NODE_OPTIONS: undefined } });
}
