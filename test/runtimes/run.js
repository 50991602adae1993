/**
 * The suite on Bun or Deno: `node test/runtimes/run.js bun|deno [files…] [--out=file] [--update]`.
 *
 * Vitest itself runs there, so the tests and the programs that they start do; their peers run on Node. What differs is listed in
 * bun.json and deno.json, by reasons: a test that fails and is not listed fails the run, and so does a listed one that passes.
 * `--out` writes the count as vitest's JSON reporter would. The newest release is fetched from npm into .cache/ unless one is there.
 * `--update` writes what fails and is not listed under the reason "not looked into", and takes out what passes.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compare } from "./compare.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const TIMEOUT_MS = 45 * 60_000;

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

const results = join(root, `.cache/runtimes-${name}.json`);
rmSync(results, { force: true });
const vitest = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "--reporter=dot",
  "--reporter=json",
  `--outputFile.json=${results}`,
];
const excluded = Object.keys(expected.notRun).flatMap((path) => ["--exclude", path]);
const done = spawnSync(program, [...runtime.args, ...vitest, ...excluded, ...files], {
  cwd: root,
  env: { ...process.env, RINGNET_TEST_NODE: process.execPath, NO_COLOR: "1" },
  stdio: ["ignore", "pipe", "inherit"],
  encoding: "utf8",
  maxBuffer: 1 << 28,
  timeout: Number(process.env.LIMIT_MS ?? TIMEOUT_MS),
  killSignal: "SIGKILL",
});
if (!existsSync(results))
  throw new Error(`${name} ended without results (${done.error?.message ?? done.status}):\n${done.stdout}`);

const run = JSON.parse(readFileSync(results, "utf8"));
const report = compare(run, expected, (file) => relative(root, file));
for (const { test, message } of report.unexpected)
  console.log(`failed, and is not listed: ${test}\n${message.slice(0, 1500)}\n`);
for (const test of report.mended) console.log(`is listed as different in ${relative(root, list)}, but passes: ${test}`);
console.log(
  `${name} ${version}: ${report.passed} passed, ${report.differ} differ as listed, ${report.unexpected.length} failed`,
);

const out = option("out");
const faults = report.unexpected.length + report.mended.length;
if (out !== undefined) {
  writeFileSync(out, JSON.stringify({ numPassedTests: report.passed, numFailedTests: faults, testResults: [] }));
}
if (option("update") !== undefined) update();
process.exitCode = faults === 0 ? 0 : 1;

function fetch({ package: from, program: file }) {
  const home = join(root, ".cache", name);
  const folder = join(home, "node_modules", from);
  if (!existsSync(join(folder, file))) {
    mkdirSync(home, { recursive: true });
    const npm = spawnSync("npm", ["install", "--prefix", home, "--no-save", "--no-audit", "--no-fund", from], {
      encoding: "utf8",
    });
    if (npm.status !== 0) throw new Error(`npm install ${from} failed:\n${npm.stdout}${npm.stderr}`);
  }
  const { version: found } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { program: join(folder, file), version: found };
}

function update() {
  const gone = new Set(report.mended);
  for (const difference of expected.differences) difference.tests = difference.tests.filter((test) => !gone.has(test));
  const unknown = expected.differences.find(({ what }) => what === "not looked into");
  const found = report.unexpected.map(({ test }) => test);
  if (unknown !== undefined) unknown.tests.push(...found);
  else if (found.length > 0) expected.differences.push({ what: "not looked into", tests: found });
  expected.differences = expected.differences.filter(({ tests }) => tests.length > 0);
  writeFileSync(list, `${JSON.stringify(expected, null, 2)}\n`);
}
