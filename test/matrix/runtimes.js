/** Runtimes and their versions, with the package installed from its tarball: `import` and `require`. */

import { cjs, esm, pool } from "./program.js";
import { expectWorks } from "./project.js";

export function cells({ nodes, oldest, bun, deno }) {
  const commands = [
    ...Object.entries({ ...oldest, ...nodes }).map(([version, node]) => [`Node ${version}`, [node]]),
    ["Bun", [bun]],
    ["Deno", [deno, "run", "-A", "--node-modules-dir=manual"]],
  ];
  return commands.flatMap(([row, [program, ...args]]) => [
    runtime(row, "import", { "in.mjs": esm }, program, [...args, "in.mjs"]),
    runtime(row, "require", { "in.cjs": cjs }, program, [...args, "in.cjs"]),
    runtime(row, "`ringnet/pool`", pool, program, [...args, "pool.mjs"]),
  ]);
}

function runtime(row, column, files, command, args) {
  return {
    table: "Runtimes",
    row,
    column,
    test(project) {
      project.write(files);
      expectWorks(project.run(command, args));
    },
  };
}
