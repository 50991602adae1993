/** Brings the `exports` of package.json into line with the list of entry points. */

import { readFileSync, writeFileSync } from "node:fs";
import { ENTRIES } from "./entries.js";

export function writeExports() {
  const text = readFileSync("package.json", "utf8");
  const manifest = JSON.parse(text);
  const exports = {};
  for (const [entry, { path = entry }] of Object.entries(ENTRIES)) {
    exports[path === "index" ? "." : `./${path}`] = {
      import: { types: `./dist/${entry}.d.mts`, default: `./dist/${entry}.mjs` },
      require: { types: `./dist/${entry}.d.cts`, default: `./dist/${entry}.cjs` },
    };
  }
  manifest.exports = { ...exports, "./package.json": "./package.json" };
  const wanted = `${JSON.stringify(manifest, null, 2)}\n`;
  if (wanted === text) return;
  writeFileSync("package.json", wanted);
  console.log("package.json: wrote the exports anew");
}
