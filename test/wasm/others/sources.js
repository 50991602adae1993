/** Third-party sources and packages, in .cache/wasm: from Debian's source packages and from npm. None of them is committed. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCES = "/etc/apt/sources.list.d/debian.sources";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Fetches what is missing in the folder `cache`. Prints what it does. */
export function fetchSources(cache, debian, npm) {
  mkdirSync(join(cache, "apt/parts"), { recursive: true });
  mkdirSync(join(cache, "apt/lists/partial"), { recursive: true });
  const missing = debian.filter(({ folder }) => !existsSync(join(cache, folder)));
  if (missing.length > 0) {
    const apt = aptOptions(cache);
    run("apt-get", [...apt, "update", "-qq"], cache);
    for (const { source, archive } of missing) {
      try {
        run("apt-get", [...apt, "source", "-qq", "--download-only", source], cache);
      } catch (error) {
        // Debian's patches may be gone while the sources themselves are there.
        if (!readdirSync(cache).includes(archive)) throw error;
      }
      run("tar", ["xf", archive], cache);
    }
  }
  const packages = npm.filter((name) => !existsSync(join(cache, "node_modules", name)));
  if (packages.length > 0) {
    writeFileSync(join(cache, "package.json"), '{ "private": true }\n');
    run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages], cache);
  }
  // npm removes what it has not installed.
  const own = join(cache, "node_modules/ringnet");
  if (!existsSync(own)) symlinkSync(root, own);
}

/** Debian's own sources, with the packages' source texts, beside the system's configuration. */
function aptOptions(cache) {
  const text = readFileSync(SOURCES, "utf8").replace(/^Types: deb$/gm, "Types: deb-src");
  writeFileSync(join(cache, "apt/parts/sources.sources"), text);
  return [
    "Dir::Etc::sourcelist=/dev/null",
    `Dir::Etc::sourceparts=${join(cache, "apt/parts")}`,
    `Dir::State::lists=${join(cache, "apt/lists")}`,
  ].flatMap((option) => ["-o", option]);
}

export function run(command, args, cwd, env = {}) {
  console.log(`  ${command} ${args.join(" ").slice(0, 100)}`);
  execFileSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] });
}
