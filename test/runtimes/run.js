/**
 * The suite on Bun or Deno: `node test/runtimes/run.js bun|deno [files…] [--out=file] [--update]`.
 *
 * Vitest itself runs there, so the tests and the programs that they start do; their peers run on Node. What differs is listed in
 * bun.json and deno.json, by reasons: a test that fails and is not listed fails the run, and so does a listed one that passes. The files
 * of such tests run a second time; a test that is as listed then is recorded as in runs on Node (../setup/second-tries-record.js).
 * `--out` writes the count as vitest's JSON reporter would. The newest release is fetched from npm into .cache/.
 * `--update` writes what fails and is not listed under the reason "not looked into", and takes out what passes.
 */

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { recordSecondTries } from "../setup/second-tries-record.js";
import { compare } from "./compare.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** The time limit of a run: a runner that a test blocks can't end that test itself. */
const TIMEOUT_MS = Number(process.env.LIMIT_MS ?? 20 * 60_000);
/** When more files than this deviate, the cause is not chance, and there is no second try. */
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

const report = compare(suite(files), expected, nameOf);
const doubtful = deviations(report);
const again = doubtful.length === 0 ? [] : secondTry(doubtful);
const stays = ({ test, passes }) => again.some((each) => each.test === test && each.passes === passes);
const faults = doubtful.filter(stays);

for (const { test, passes, message } of faults) {
  if (passes) console.log(`is listed as different in ${relative(root, list)}, but passes, or is not there: ${test}`);
  else console.log(`failed, and is not listed: ${test}\n${message.slice(0, 1500)}\n`);
}
const passed = report.passed + doubtful.filter((each) => !each.passes && !stays(each)).length;
console.log(`${name} ${version}: ${passed} passed, ${report.differ} differ as listed, ${faults.length} not as listed`);
const later = doubtful.filter((each) => !stays(each)).map(({ test }) => test);
const good = recordSecondTries(later, `${name} ${version}`) && faults.length === 0;

const out = option("out");
if (out !== undefined) {
  writeFileSync(out, JSON.stringify({ numPassedTests: passed, numFailedTests: faults.length, testResults: [] }));
}
if (option("update") !== undefined) update();
process.exitCode = good ? 0 : 1;

/** Runs test files there; what vitest's JSON reporter wrote. */
function suite(which) {
  const results = join(root, `.cache/runtimes-${name}.json`);
  const output = join(root, `.cache/runtimes-${name}.log`);
  rmSync(results, { force: true });
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${results}`];
  const excluded = Object.keys(expected.notRun).flatMap((path) => ["--exclude", path]);
  const log = openSync(output, "w");
  const args = ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...excluded, ...which];
  const done = spawnSync(program, [...runtime.args, ...args], {
    cwd: root,
    env: { ...process.env, RINGNET_TEST_NODE: process.execPath, NO_COLOR: "1" },
    stdio: ["ignore", log, log],
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  closeSync(log);
  if (existsSync(results)) return JSON.parse(readFileSync(results, "utf8"));
  const printed = readFileSync(output, "utf8").slice(-5000);
  throw new Error(`${name} ended without results (${done.error?.message ?? done.status}):\n${printed}`);
}

function nameOf(file) {
  return relative(root, file);
}

/** What is not as listed: tests that fail and are not listed, and listed ones that pass. */
function deviations({ unexpected, mended }) {
  const failing = unexpected.map(({ test, message }) => ({ test, passes: false, message }));
  return [...failing, ...mended.map((test) => ({ test, passes: true }))];
}

/** What is not as listed when their files run again. */
function secondTry(tests) {
  const again = [...new Set(tests.map(({ test }) => test.split(": ", 1)[0]))];
  if (again.length > SECOND_TRY_FILES) return tests;
  console.log(`${tests.length} tests are not as listed; a second try: ${again.join(" ")}`);
  return deviations(compare(suite(again), expected, nameOf));
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
  const gone = new Set(faults.filter(({ passes }) => passes).map(({ test }) => test));
  for (const difference of expected.differences) difference.tests = difference.tests.filter((test) => !gone.has(test));
  const unknown = expected.differences.find(({ what }) => what === "not looked into");
  const found = faults.filter(({ passes }) => !passes).map(({ test }) => test);
  if (unknown !== undefined) unknown.tests.push(...found);
  else if (found.length > 0) expected.differences.push({ what: "not looked into", tests: found });
  expected.differences = expected.differences.filter(({ tests }) => tests.length > 0);
  writeFileSync(list, `${JSON.stringify(expected, null, 2)}\n`);
}
