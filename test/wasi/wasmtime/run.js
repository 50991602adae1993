/** Runs wasmtime's components, `run.js <folder>`, and reports each one with an unexpected result (see run.sh). */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { prepareFolder, RUN, transpile } from "../transpile.js";

const folder = resolve(process.argv[2]);

/** The programs that must end in a trap. */
const TRAPS = ["p2_pollable_traps", "p2_udp_send_too_much"];

prepareFolder(folder);
let failed = 0;
for (const file of readdirSync(folder).filter((each) => /^p2_\w+\.wasm$/.test(each))) {
  const name = file.replace(".wasm", "");
  await transpile(folder, name, readFileSync(join(folder, file)));
  const { status, stderr } = spawnSync(process.execPath, [RUN, join(folder, `${name}.js`)], {
    encoding: "utf8",
    input: "",
    timeout: 60_000,
  });
  const good = TRAPS.includes(name) ? /RuntimeError: trap:/.test(stderr) : status === 0;
  if (!good) failed++;
  console.log(`${good ? "ok  " : "FAIL"} ${name}${good ? "" : `\n${stderr.split("\n").slice(0, 6).join("\n")}`}`);
}
process.exitCode = failed > 0 ? 1 : 0;
