/**
 * A C program in WebAssembly against the same program in machine code: `node bench/wasm.js [rounds]`. Needs `cc`, and emscripten's `emcc`.
 * Rounds of both alternate; prints medians, and the median of the rounds' ratios.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.js";
import { Program } from "./peers/process.js";
import { median } from "./report/statistics.js";
import { peerCommand } from "./trial.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
/** In the package, so that the program finds `ringnet/wasm`. */
const made = join(root, ".cache/bench-wasm");
const source = join(here, "wasm/client.c");

/** Builds both; returns their commands. */
function buildBoth() {
  mkdirSync(made, { recursive: true });
  const [native, script] = [join(made, "client"), join(made, "client.cjs")];
  execFileSync("cc", ["-O2", source, "-o", native]);
  const library = [join(root, "emscripten.c"), "--js-library", join(root, "emscripten.js")];
  const settings = ["-sENVIRONMENT=node", "-sWASM_ASYNC_COMPILATION=0", "-sSINGLE_FILE"];
  // Debian's emscripten looks for its JavaScript modules beside Debian's own Node.
  const env = { NODE_PATH: "/usr/share/nodejs", ...process.env };
  execFileSync("emcc", ["-O2", source, ...library, ...settings, "-o", script], { env });
  return { native: [native], wasm: [process.execPath, script] };
}

/** @param {string[]} command @param {number} port @returns {Record<string, number>} */
function run([file = "", ...args], port) {
  return JSON.parse(execFileSync(file, [...args, String(port)], { encoding: "utf8" }));
}

const rounds = Number(process.argv[2] ?? 5);
const built = build();
const commands = buildBoth();
const peer = new Program([...peerCommand(built, false), "serve"]);
const { bulk } = await peer.message(20);
/** @type {{ native: Record<string, number>, wasm: Record<string, number> }[]} */
const found = [];
for (let round = 0; round < rounds; round++) {
  const native = run(commands.native, bulk);
  found.push({ native, wasm: run(commands.wasm, bulk) });
}
peer.stop();

/** @type {[string, string, (value: number) => string][]} */
const rows = [
  ["echo", "an echo of 64 bytes, one at a time", (value) => `${value.toFixed(1)} µs`],
  ["received", "received in pieces of 64 KiB", (value) => `${(value / 1e9).toFixed(2)} GB/s`],
  ["sent", "sent in pieces of 64 KiB", (value) => `${(value / 1e9).toFixed(2)} GB/s`],
];
for (const [name, label, text] of rows) {
  const ours = found.map(({ wasm }) => wasm[name] ?? 0);
  const theirs = found.map(({ native }) => native[name] ?? 0);
  const ratio = median(found.map(({ native, wasm }) => (wasm[name] ?? 0) / (native[name] ?? 0)));
  console.log(`${label}: WebAssembly ${text(median(ours))}, native ${text(median(theirs))}, ratio ${ratio.toFixed(2)}`);
}
