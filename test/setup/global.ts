/**
 * Runs once before all tests and once after them, in the runner's own process.
 *
 * The temporary folder of the whole run is a new one. What a test, or a program that it starts, leaves there fails the run.
 */

import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPrograms } from "./install.js";

export default function setup(): () => void {
  if (!existsSync(new URL("../../dist/index.mjs", import.meta.url))) {
    throw new Error("The tests use the built package: run `npm run build` first");
  }
  if (process.platform === "linux") installPrograms(); // elsewhere no test that runs needs them (support/portable.ts)
  // A short name: paths of Unix domain sockets have some hundred bytes at most.
  const folder = mkdtempSync(join(tmpdir(), "rn-"));
  chmodSync(folder, 0o711); // servers that run as users of their own have folders in it
  for (const name of ["TMPDIR", "TMP", "TEMP"]) process.env[name] = folder;
  return () => {
    const left = readdirSync(folder).filter((name) => !OF_NODE.test(name));
    rmSync(folder, { recursive: true, force: true });
    if (left.length === 0) return;
    console.error(`failed: the tests left in their temporary folder: ${left.join(", ")}`);
    process.exitCode = 1; // vitest only prints what a teardown throws
  };
}

/** Node's own cache of compiled modules, which npm switches on. */
const OF_NODE = /^node-compile-cache$/;
