/** Components of other projects, transpiled by jco with this package's WASI in a folder of their own. */

import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transpileBytes } from "@bytecodealliance/jco-transpile";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a transpiled component: `node RUN component.js arguments…`. */
export const RUN = join(ROOT, "test/wasi/guests/run.mjs");

const map = Object.fromEntries(
  ["sockets", "io", "clocks", "cli", "filesystem"].map((name) => [`wasi:${name}/*`, `ringnet/wasi/${name}#*`]),
);

/** Makes modules in the folder find this package and preview2-shim. */
export function prepareFolder(folder) {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  for (const name of ["ringnet", "@bytecodealliance"]) {
    const target = name === "ringnet" ? ROOT : join(ROOT, "node_modules", name);
    const link = join(folder, "node_modules", name);
    if (!existsSync(link)) symlinkSync(target, link);
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
}

/** Writes `<name>.js` and what belongs to it into the folder. */
export async function transpile(folder, name, component) {
  const { files } = await transpileBytes(component, { name, map, emitTypescriptDeclarations: false });
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes);
}
