/**
 * Writes the entry points: for each a CommonJS file and an ES module, both thin wrappers over the same code in dist/code. They differ in
 * how they get Node's own modules; two copies of the code would mean two classes `NetError` and two networking threads.
 *
 * The ES module imports one CommonJS file, which requires the rest: test runners that evaluate imported files themselves then still share
 * the code with `require`.
 */

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { COMMANDS, ENTRIES, PEERS, THREADS } from "./entries.js";

const require = createRequire(import.meta.url);

/** `builtins`: the names of Node's modules that each entry needs. */
export function writeWrappers(folder, builtins) {
  mkdirSync(`${folder}/load`, { recursive: true });
  for (const [entry, { default: main, callable }] of Object.entries({ ...ENTRIES, ...THREADS, ...COMMANDS })) {
    const write = (file, ...lines) => writeFileSync(`${folder}/${file}`, `${lines.join("\n")}\n`);
    const names = builtins[entry].map((name) => ({ name, identifier: name.replace(/\W/g, "_") }));
    write(
      `load/${entry}.cjs`,
      "module.exports = (modules) => {",
      '  Object.assign(require("../code/builtins.cjs"), modules);',
      `  return require("../code/${entry}.cjs");`,
      "};",
    );
    write(
      `${entry}.cjs`,
      ...(entry in COMMANDS ? ["#!/usr/bin/env node"] : []),
      `const code = require("./load/${entry}.cjs")({`,
      ...names.map(({ name }) => `  "${name}": require("${name}"),`),
      "});",
      entry in COMMANDS
        ? "code.main(process.argv.slice(2));"
        : `module.exports = ${callable ? `Object.assign(code.${main}, code)` : "code"};`,
    );
    if (entry in COMMANDS) chmodSync(`${folder}/${entry}.cjs`, 0o755);
    if (entry in THREADS || entry in COMMANDS) continue;
    const load = require(resolve(folder, `load/${entry}.cjs`));
    const exported = Object.keys(load(Object.fromEntries(names.map(({ name }) => [name, require(name)]))));
    write(
      `${entry}.mjs`,
      ...names.map(
        ({ name, identifier }) => `import ${PEERS.includes(name) ? `* as ${identifier}` : identifier} from "${name}";`,
      ),
      `import load from "./load/${entry}.cjs";`,
      "const code = load({",
      ...names.map(({ name, identifier }) => `  "${name}": ${identifier},`),
      "});",
      ...exported.map((name) => `export const ${name} = code.${name};`),
      ...(main ? [`export default code.${main};`] : []),
    );
    const types = `./types/${entry}.cjs`;
    const all = `export * from "${types}";`;
    const one = main ? [`import { ${main} } from "${types}";`] : [];
    write(`${entry}.d.mts`, all, ...one, ...(main ? [`export default ${main};`] : []));
    write(`${entry}.d.cts`, ...(callable ? [...one, `export = ${main};`] : [all]));
  }
}
