/** Runs wasmtime's components, `run.js <folder>`, and reports each one with an unexpected result (see run.sh). */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { transpileBytes } from "@bytecodealliance/jco-transpile";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const RUN = join(ROOT, "test/wasi/guests/run.mjs");
const folder = resolve(process.argv[2]);
const map = Object.fromEntries(
  ["sockets", "io", "clocks", "cli", "filesystem"].map((name) => [`wasi:${name}/*`, `ringnet/wasi/${name}#*`]),
);

/** The programs that must end in a trap. */
const TRAPS = ["p2_pollable_traps", "p2_udp_send_too_much"];

mkdirSync(join(folder, "node_modules"), { recursive: true });
for (const name of ["ringnet", "@bytecodealliance"]) {
  const target = name === "ringnet" ? ROOT : join(ROOT, "node_modules", name);
  symlinkSync(target, join(folder, "node_modules", name));
}
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
let failed = 0;
for (const file of readdirSync(folder).filter((each) => /^p2_\w+\.wasm$/.test(each))) {
  const name = file.replace(".wasm", "");
  const component = readFileSync(join(folder, file));
  const { files } = await transpileBytes(component, { name, map, emitTypescriptDeclarations: false });
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes);
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
