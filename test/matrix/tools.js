/** Fetches the newest tools from npm into .cache/matrix, and packs the package for them. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const BUNDLERS = [
  "esbuild",
  "rollup",
  "@rollup/plugin-commonjs",
  "@rollup/plugin-node-resolve",
  "rolldown",
  "webpack",
  "vite",
  "tsup",
  "@vercel/ncc",
  "postject",
];
const RUNNERS = ["jest", "mocha", "tsx", "ts-node", "vitest"];
const MANAGERS = ["pnpm", "@yarnpkg/cli-dist"];
const NODES = ["20", "22", "24", "26"];
const OLDEST = "20.0.0";
/** Versions of TypeScript, each with types of Node of the same age. */
const TYPESCRIPTS = { "5.0": "20.4", 5.3: "20.10", 5.6: "22.7", 5.9: "24", 6: "24", 7: "latest" };

function npm(folder, args) {
  const done = spawnSync("npm", args, { cwd: folder, encoding: "utf8", timeout: 600_000 });
  if (done.status !== 0) throw new Error(`npm ${args.join(" ")} failed in ${folder}:\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

function install(folder, packages, again = false) {
  if (!again && existsSync(join(folder, "node_modules"))) return folder;
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), '{ "private": true }');
  npm(folder, ["install", "--no-audit", "--no-fund", "--save", ...packages]);
  return folder;
}

/** Prepares everything; what is there already is kept. */
export function tools(root) {
  const home = join(root, ".cache/matrix");
  const platform = `linux-${process.arch}`;
  const from = (folder, file) => join(folder, "node_modules", file);
  mkdirSync(home, { recursive: true });
  const packed = JSON.parse(npm(root, ["pack", "--json", "--ignore-scripts", "--pack-destination", home]));
  const tarball = join(home, "ringnet.tgz");
  renameSync(join(home, packed[0].filename), tarball);
  const shared = install(join(home, "tools"), [
    ...BUNDLERS,
    ...RUNNERS,
    ...MANAGERS,
    "typescript@5.9",
    "@types/node@20",
  ]);
  install(shared, [tarball], true);
  const node = (version) =>
    from(install(join(home, `node${version}`), [`node-${platform}@${version}`]), `node-${platform}/bin/node`);
  const typescripts = {};
  for (const [version, types] of Object.entries(TYPESCRIPTS)) {
    const folder = install(join(home, `typescript${version}`), [`typescript@${version}`, `@types/node@${types}`]);
    typescripts[version] = { tsc: from(folder, "typescript/bin/tsc"), types: from(folder, "@types") };
  }
  return {
    folder: shared,
    tarball,
    typescripts,
    oldest: { [OLDEST]: node(OLDEST) },
    nodes: Object.fromEntries(NODES.map((version) => [version, node(version)])),
    bun: from(install(join(home, "bun"), [`@oven/bun-${platform}`]), `@oven/bun-${platform}/bin/bun`),
    deno: from(install(join(home, "deno"), [`@deno/${platform}-glibc`]), `@deno/${platform}-glibc/deno`),
    /** The version of a tool, or of Bun or Deno. Throws if there is none of that name. */
    version(name) {
      const own = { Bun: `bun/node_modules/@oven/bun-${platform}`, Deno: `deno/node_modules/@deno/${platform}-glibc` };
      const folder = name in own ? join(home, own[name]) : from(shared, name);
      return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
    },
  };
}
