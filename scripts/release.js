// Makes a release: changelog, `npm version` (commit and tag), build, package checks, pack. It publishes nothing.
//
//   node scripts/release.js patch|minor|major|<version>

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const [bump] = process.argv.slice(2);
if (!/^(patch|minor|major|\d+\.\d+\.\d+(-[\w.]+)?)$/.test(bump ?? "")) {
  fail("expected patch, minor, major or a version, as in `node scripts/release.js minor`");
}
if (read("git", "status", "--porcelain") !== "") fail("the working folder has changes: commit them first");

const changelog = readFileSync("CHANGELOG.md", "utf8");
if (!/^## \[Unreleased\]\n+###/m.test(changelog)) fail("CHANGELOG.md has no entries under [Unreleased]");

let version;
let packed;
try {
  run("npm", "version", bump, "--no-git-tag-version");
  ({ version } = JSON.parse(readFileSync("package.json", "utf8")));
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(
    "CHANGELOG.md",
    changelog.replace("## [Unreleased]\n", `## [Unreleased]\n\n## [${version}] - ${today}\n`),
  );
  run("npm", "run", "lint");
  run("npm", "run", "prepack"); // apart from packing: what it prints would stand before the JSON
  [packed] = JSON.parse(read("npm", "pack", "--json", "--ignore-scripts"));
  run("npx", "publint", "--strict", packed.filename);
  run("npx", "attw", "--profile", "node16", packed.filename);
} catch (error) {
  run("git", "checkout", "HEAD", "--", "package.json", "package-lock.json", "CHANGELOG.md");
  fail(`${error.message}; nothing was committed, and the changed files are as before`);
}
run("git", "commit", "--all", "--message", `Release ${version}`);
run("git", "tag", "--annotate", `v${version}`, "--message", `Release ${version}`);
console.log(`${packed.filename}: ${packed.files.length} files, ${packed.size} bytes`);
console.log(`To publish: git push --follow-tags && npm publish ${packed.filename}`);

function run(command, ...args) {
  execFileSync(command, args, { stdio: "inherit" });
}

function read(command, ...args) {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
