/** Runs wasi-libc's tests for sockets, `run.js <folder>`, and reports each one (see run.sh). */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { prepareFolder, RUN, transpile } from "../transpile.js";

const folder = resolve(process.argv[2]);
const TIMEOUT = 20_000;

/** Programs that are run as a pair: the client gets the port that the server prints. By name of the test: client, server. */
const PAIRS = {
  sockets: ["sockets-client", "sockets-server"],
  "sockets-udp-blocking": ["sockets-client-udp-blocking", "sockets-server-udp-blocking"],
  "sockets-multiple": ["sockets-multiple-client", "sockets-multiple-server"],
};
for (const when of ["after-connect", "while-sending", "after-sending", "while-receiving"]) {
  PAIRS[`client-hangup-${when}`] = [`sockets-client-hangup-${when}`, "sockets-server-handle-hangups"];
}
for (const when of ["before-send", "during-send", "before-recv", "during-recv"]) {
  PAIRS[`server-hangup-${when}`] = ["sockets-client-handle-hangups", `sockets-server-hangup-${when}`];
}
PAIRS["client-without-server"] = ["sockets-client-handle-hangups", null];
const CLIENTS = { "sockets-multiple": 10 };

function start(name, args = []) {
  const child = spawn(process.execPath, [RUN, join(folder, `${name}.js`), ...args], { timeout: TIMEOUT });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (text += data));
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "close").then(([status]) => (status === 0 ? "" : `${name}: ${status} ${text}`));
  return { ended, firstLine: Promise.race([once(lines, "line").then(([line]) => line), ended.then(() => "none")]) };
}

/** Its client gets a word instead of a port, and then tries one where nothing listens. */
const NO_SERVER = { ended: "", firstLine: "none" };

/** What went wrong, or nothing. */
async function pair(test) {
  const [client, server] = PAIRS[test];
  const serving = server === null ? NO_SERVER : start(server);
  const port = await serving.firstLine;
  const clients = Array.from({ length: CLIENTS[test] ?? 1 }, () => start(client, [port]));
  return (await Promise.all([serving, ...clients].map(({ ended }) => ended))).join("");
}

prepareFolder(folder);
const programs = readdirSync(folder).filter((file) => file.endsWith(".wasm") && !file.includes(".core"));
const names = programs.map((file) => file.replace(".wasm", ""));
for (const name of names) await transpile(folder, name, readFileSync(join(folder, `${name}.wasm`)));

const paired = new Set(Object.values(PAIRS).flat());
const alone = names.filter((name) => !paired.has(name));
const counts = { passed: 0, failed: 0 };
for (const test of [...alone, ...Object.keys(PAIRS)]) {
  const problem = test in PAIRS ? await pair(test) : await start(test).ended;
  counts[problem === "" ? "passed" : "failed"]++;
  console.log(`${problem === "" ? "ok  " : "FAIL"} ${test} ${problem.split("\n").slice(0, 6).join("\n")}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed > 0 ? 1 : 0;
