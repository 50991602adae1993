/**
 * Puts the compiled modules of build/ together into a few CommonJS files in dist/code, the package's one implementation: loading dozens
 * of small modules takes as long as starting Node. These files hold what entry points share: core.cjs the sockets and everything below them,
 * common.cjs the rest, which a program with sockets only does not load, wasi-common.cjs what only `ringnet/wasi` needs, and
 * wasi-preview2.cjs the part of it that needs preview2-shim. Comments are left out: Node compiles fewer bytes.
 *
 * Node's own modules come from the table in dist/code/builtins.cjs, which the entry points fill (wrappers.js): a bundler that makes an ES
 * module out of CommonJS code leaves calls of `require` in it, which such a module has not.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { rolldown } from "rolldown";
import { COMMANDS, ENTRIES, PEERS, THREADS } from "./entries.js";
import { licences } from "./licences.js";
import { llhttp } from "./llhttp.js";
import { networkingThread } from "./networking-thread.js";

const REQUIRE = /\brequire\("([^".][^"]*)"\)/g;

/** The name in the table of a module that comes from there, or null. */
const inTable = (name) => (PEERS.includes(name) ? name : isBuiltin(name) ? `node:${name.replace(/^node:/, "")}` : null);

/** Writes the files; gives the names of Node's modules that each entry needs. */
export async function writeCode(folder) {
  const thread = await networkingThread();
  const bundle = await rolldown({
    input: Object.fromEntries(
      Object.entries({ ...ENTRIES, ...THREADS, ...COMMANDS }).map(([entry, { module }]) => [
        entry,
        `build/${module}.js`,
      ]),
    ),
    platform: "node",
    external: ["piscina", ...PEERS],
    plugins: [
      llhttp,
      {
        // Loaded at the first use: a program that opens nothing does not pay for it.
        name: "networking-thread",
        resolveId: (id) => (id === "./networking-thread.cjs" ? { id, external: true } : null),
        load: (id) =>
          id.endsWith("networking-thread-code.js")
            ? 'export const networkingThreadCode = () => require("./networking-thread.cjs");'
            : null,
      },
    ],
  });
  const { output } = await bundle.generate({
    format: "cjs",
    esModule: false,
    exports: "named",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    comments: false,
    codeSplitting: {
      groups: [
        // A group also takes what its modules import, unless a group before it has it.
        { name: "core", test: /\bbuild\/(main|ring)\//, priority: 4 },
        { name: "common", test: /^(?!.*\bbuild\/wasi\/)/, minShareCount: 2, priority: 3 },
        { name: "wasi-common", test: /\bbuild\/wasi\/(?!filesystem|http|preview2)/, minShareCount: 2, priority: 2 },
        { name: "wasi-preview2", test: /\bbuild\/wasi\/(filesystem|http|preview2)/, priority: 1 },
      ],
    },
  });
  const modules = [...thread.modules, ...output.flatMap(({ modules }) => Object.keys(modules))];
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/networking-thread.cjs`, `module.exports = ${JSON.stringify(thread.code)};\n`);
  writeFileSync(`${folder}/networking-thread.js.map`, thread.map);
  writeFileSync(`${folder}/builtins.cjs`, "module.exports = {};\n");
  writeFileSync(`${folder}/third-party-licences.txt`, licences(modules));
  for (const { fileName, code } of output) {
    const builtins = code.replace(REQUIRE, (call, name) => (inTable(name) ? `builtins["${inTable(name)}"]` : call));
    const head = builtins === code ? "" : 'const builtins = require("./builtins.cjs");\n';
    writeFileSync(`${folder}/${fileName}`, head + builtins);
  }
  return builtinsOf(output);
}

/** For each entry, Node's modules that its file and the files that it loads ask for. */
function builtinsOf(output) {
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const filesOf = (fileName, seen = new Set()) => {
    if (seen.has(fileName) || !chunks.has(fileName)) return seen;
    seen.add(fileName);
    for (const each of [...chunks.get(fileName).imports]) filesOf(each, seen);
    return seen;
  };
  const namesIn = (fileName) =>
    [...chunks.get(fileName).code.matchAll(REQUIRE)].map((match) => inTable(match[1])).filter((name) => name !== null);
  return Object.fromEntries(
    Object.keys({ ...ENTRIES, ...THREADS, ...COMMANDS }).map((entry) => [
      entry,
      [...new Set([...filesOf(`${entry}.cjs`)].flatMap(namesIn))].sort(),
    ]),
  );
}
