/** Programs in one file that need no installed runtime: the package inside, in a folder of its own. */

import { chmodSync, cpSync } from "node:fs";
import { join } from "node:path";
import { esm } from "./program.js";

const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

function bundled(project) {
  project.write({ "in.mjs": esm });
  project.run("esbuild", ["in.mjs", "--bundle", "--platform=node", "--format=cjs", "--outfile=out.cjs"]);
}

/** Node's single executable applications, as Node's documentation says: a blob that is put into a copy of the executable. */
function sea(project, node) {
  bundled(project);
  project.write({ "sea.json": { main: "out.cjs", output: "out.blob", disableExperimentalSEAWarning: true } });
  project.run(node, ["--experimental-sea-config", "sea.json"]);
  const program = join(project.folder, "program");
  cpSync(node, program);
  chmodSync(program, 0o755);
  project.run("postject", ["program", "NODE_SEA_BLOB", "out.blob", "--sentinel-fuse", FUSE]);
  project.runAlone("program", "program", (path) => [path]);
}

export function cells({ nodes, bun }) {
  const row = (name, test) => ({ table: "Programs in one file", row: name, column: "works", test });
  return [
    ...Object.entries(nodes).map(([version, node]) =>
      row(`single executable application, Node ${version}`, (project) => sea(project, node)),
    ),
    row("bun build --compile", (project) => {
      project.write({ "in.mjs": esm });
      project.run(bun, ["build", "--compile", "in.mjs", "--outfile=program"]);
      project.runAlone("program", "program", (path) => [path]);
    }),
  ];
}
