/**
 * A bundle of a program that uses the package runs in a folder where there is nothing else. All bundlers: `npm run matrix`.
 */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as programs from "../matrix/program.js";
import { temporaryFolder } from "../support/folders.js";
import { node, Process, root } from "../support/processes.js";

test.each([
  ["an ES module", "esm", "out.mjs"],
  ["CommonJS", "cjs", "out.cjs"],
])("bundled by rolldown to %s", (_what, format, file) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "in.mjs"), programs.esm);
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/ringnet"));
  const rolldown = join(root, "node_modules/rolldown/bin/cli.mjs");
  const build = new Process(node, [rolldown, "in.mjs", "--platform", "node", "-f", format, "-o", file], {
    cwd: folder,
  });
  build.waitForExit(30_000);
  rmSync(join(folder, "node_modules"), { recursive: true });
  const run = new Process(process.execPath, [file], { cwd: folder, env: { NODE_OPTIONS: undefined } });
  run.waitForOutput(/^works$/m, 30_000);
  run.waitForExit();
  expect(run.errors).toBe("");
});
