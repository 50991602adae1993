/**
 * The suite on Bun or Deno: `node test/runtimes/run.js bun|deno [files…] [--out=file] [--update]`.
 *
 * Vitest itself runs there, so the tests and the programs that they start do; their peers run on Node. What differs is listed in
 * bun.json and deno.json, by reasons. The files of tests that fail and are not listed run once more, in new processes; the run fails if such a
 * test fails again. A runtime that crashes or hangs has failed the file that it ran. Listed tests that pass are printed: they can leave the
 * list, unless their difference shows in some runs only (`sometimes`). The newest release is fetched from npm into .cache/.
 * `--out` writes the count as vitest's JSON reporter would.
 * `--update` writes what failed and is not listed under the reason "not looked into", and takes out what can leave the list.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compare } from "./compare.js";
import { readResults } from "./results.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** A run without a new result for this long hangs, and is ended. The longest file takes a minute. */
const HANGS_MS = 5 * 60_000;
/** Files at a time. More than on Node: what differs often waits for a timeout. */
const WORKERS = 5;
/** When tests of more files than this fail, the cause is not chance, and there is no second try. */
const SECOND_TRY_FILES = 15;

const arm = process.arch === "arm64";
const RUNTIMES = {
  bun: {
    package: `@oven/bun-linux-${arm ? "aarch64" : "x64"}`,
    program: "bin/bun",
    args: ["--bun"],
  },
  deno: {
    package: `@deno/linux-${arm ? "arm64" : "x64"}-glibc`,
    program: "deno",
    args: ["run", "-A", "--node-modules-dir=manual"],
  },
};

const [name, ...rest] = process.argv.slice(2);
const files = rest.filter((word) => !word.startsWith("--"));
const option = (key) => rest.find((word) => word.startsWith(`--${key}`))?.slice(key.length + 3);
const runtime = RUNTIMES[name];
if (runtime === undefined) throw new Error(`bun or deno, not ${name}`);

const { program, version } = fetch(runtime);
const list = join(root, `test/runtimes/${name}.json`);
const expected = JSON.parse(readFileSync(list, "utf8"));
console.log(`${name} ${version}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const first = await suite(files);
const again = first.failed.length === 0 ? first : await secondTry(first);
const faults = again.failed.filter((each) => first.failed.some((before) => concerns(each.test, before.test)));

for (const { test, message } of faults) console.log(`failed, and is not listed: ${test}\n${message.slice(0, 1500)}\n`);
const later = first.failed.filter(({ test }) => !faults.some((fault) => concerns(fault.test, test)));
if (later.length > 0) console.log(`passed only at the second try:\n${later.map(({ test }) => `  ${test}\n`).join("")}`);
if (first.outdated.length > 0) {
  const tests = first.outdated.map((test) => `  ${test}\n`).join("");
  console.log(`listed in ${relative(root, list)}, but they pass, or their file does not have them:\n${tests}`);
}
const passed = first.passed + later.length;
console.log(`${name} ${version}: ${passed} passed, ${first.differ} differ as listed, ${faults.length} not as listed`);

const out = option("out");
if (out !== undefined) {
  writeFileSync(out, JSON.stringify({ numPassedTests: passed, numFailedTests: faults.length, testResults: [] }));
}
if (option("update") !== undefined) update();
process.exitCode = faults.length === 0 ? 0 : 1;

/** Runs test files there, beside the list. */
async function suite(which, workers = WORKERS) {
  const results = join(root, `.cache/runtimes-${name}${workers === 1 ? "-again" : ""}.jsonl`);
  const output = results.replace(".jsonl", ".log");
  rmSync(results, { force: true });
  const reporters = ["--reporter=dot", "--reporter=./test/runtimes/results.js"];
  const excluded = Object.keys(expected.notRun).flatMap((path) => ["--exclude", path]);
  const log = openSync(output, "w");
  const args = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--passWithNoTests",
    ...reporters,
    ...excluded,
    `--maxWorkers=${workers}`,
    ...which,
  ];
  const running = spawn(program, [...runtime.args, ...args], {
    cwd: root,
    env: { ...process.env, RINGNET_TEST_NODE: process.execPath, RINGNET_RESULTS: results, NO_COLOR: "1" },
    stdio: ["ignore", log, log],
    detached: true, // a group of its own, so that what it started ends with it
  });
  closeSync(log);
  const end = () => kill(running.pid);
  process.once("exit", end);
  const watch = setInterval(() => {
    if (Date.now() - lastChange(results, output) > HANGS_MS) end();
  }, 5000);
  const [status, signal] = await once(running, "exit");
  clearInterval(watch);
  end();
  process.off("exit", end);
  const found = existsSync(results) ? readResults(results) : [];
  if (found.length === 0 && status !== 0) {
    throw new Error(
      `${name} ended without results (${signal ?? status}):\n${readFileSync(output, "utf8").slice(-5000)}`,
    );
  }
  return compare(found, expected.differences, nameOf);
}

/** Whether two failures are of the same test, or one is of the other's whole file. */
function concerns(one, other) {
  return one === other || one.startsWith(`${other}: `) || other.startsWith(`${one}: `);
}

/** When one of the files was written last. */
function lastChange(...paths) {
  return Math.max(...paths.filter(existsSync).map((path) => statSync(path).mtimeMs));
}

function kill(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {} // all have ended
}

function nameOf(file) {
  return relative(root, file);
}

/** What fails when the files of these tests run again, one at a time. */
async function secondTry({ failed }) {
  const again = [...new Set(failed.map(({ test }) => test.split(": ", 1)[0]))];
  if (again.length > SECOND_TRY_FILES) return { failed };
  console.log(`${failed.length} tests failed and are not listed; a second try: ${again.join(" ")}`);
  return suite(again, 1);
}

function fetch({ package: from, program: file }) {
  const home = join(root, ".cache", name);
  const folder = join(home, "node_modules", from);
  const args = ["install", "--prefix", home, "--no-save", "--no-audit", "--no-fund", `${from}@latest`];
  mkdirSync(home, { recursive: true });
  const npm = spawnSync("npm", args, { encoding: "utf8" });
  // Without a network, the installed version is used.
  if (npm.status !== 0 && !existsSync(join(folder, file)))
    throw new Error(`npm install ${from} failed:\n${npm.stdout}${npm.stderr}`);
  const { version: found } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { program: join(folder, file), version: found };
}

function update() {
  const gone = new Set(first.outdated);
  for (const difference of expected.differences) difference.tests = difference.tests.filter((test) => !gone.has(test));
  const unknown = expected.differences.find(({ what }) => what === "not looked into");
  const found = faults.map(({ test }) => test);
  if (unknown !== undefined) unknown.tests.push(...found);
  else if (found.length > 0) expected.differences.push({ what: "not looked into", tests: found });
  expected.differences = expected.differences.filter(({ tests }) => tests.length > 0);
  writeFileSync(list, `${JSON.stringify(expected, null, 2)}\n`);
}
