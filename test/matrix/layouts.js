/** How package managers lay out what they install. */

import { cpSync } from "node:fs";
import { join } from "node:path";
import { cjs, esm, pool } from "./program.js";
import { expectWorks } from "./project.js";

const LAYOUTS = {
  npm(project) {
    project.run("npm", ["install", "--no-audit", "--no-fund"]);
  },
  pnpm(project) {
    project.run("pnpm", ["install", "--ignore-workspace"]);
  },
  "Yarn Plug'n'Play"(project) {
    project.write({
      ".yarnrc.yml": "nodeLinker: pnp\nenableTelemetry: false\nenableGlobalCache: false\n",
      "yarn.lock": "",
    });
    project.run("yarn", ["install"], { env: { YARN_ENABLE_IMMUTABLE_INSTALLS: "false" } });
  },
};

const HOOKS = ["--require", "./.pnp.cjs", "--loader", "./.pnp.loader.mjs"];

export function cells({ tarball }) {
  return Object.entries(LAYOUTS).flatMap(([row, install]) =>
    Object.entries({
      import: ["in.mjs", esm],
      require: ["in.cjs", cjs],
      "`ringnet/pool`": ["pool.mjs", pool["pool.mjs"]],
    }).map(([column, [file, text]]) => ({
      table: "Package managers",
      row,
      column,
      test(project) {
        cpSync(tarball, join(project.folder, "ringnet.tgz"));
        project.write({
          ...pool,
          [file]: text,
          "package.json": { name: "user", version: "1.0.0", dependencies: { ringnet: "file:./ringnet.tgz" } },
        });
        install(project);
        const hooks = row.startsWith("Yarn") ? HOOKS : [];
        expectWorks(project.run(process.execPath, [...(column === "require" ? hooks.slice(0, 2) : hooks), file]));
      },
    })),
  );
}
