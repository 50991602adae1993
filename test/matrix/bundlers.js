/** Bundlers, each to an ES module and to CommonJS where it has both: the bundle runs in a folder of its own. */

import * as program from "./program.js";

const BOTH = { esm: "mjs", cjs: "cjs" };

/** How each is used, as its own documentation says; returns the built file, and the folder or file that it needs. */
const BUNDLERS = {
  esbuild(project, format, ending) {
    project.run("esbuild", ["in.mjs", "--bundle", "--platform=node", `--format=${format}`, `--outfile=out.${ending}`]);
    return [`out.${ending}`];
  },
  "esbuild --minify"(project, format, ending) {
    const options = ["--bundle", "--minify", "--platform=node", `--format=${format}`];
    project.run("esbuild", ["in.mjs", ...options, `--outfile=out.${ending}`]);
    return [`out.${ending}`];
  },
  rollup(project, format, ending) {
    const plugins = ["-p", "node-resolve", "-p", "commonjs"];
    project.run("rollup", ["in.mjs", ...plugins, "-f", format, "--inlineDynamicImports", "-o", `out.${ending}`]);
    return [`out.${ending}`];
  },
  rolldown(project, format, ending) {
    project.run("rolldown", ["in.mjs", "--platform", "node", "-f", format, "-o", `out.${ending}`]);
    return [`out.${ending}`];
  },
  webpack(project, format, ending) {
    const module = format === "esm";
    project.write({
      "build.cjs": `require("webpack")({
        mode: "production", target: "node", context: __dirname, entry: "./in.mjs",
        experiments: { outputModule: ${module} },
        output: { path: __dirname, filename: "out.${ending}"${module ? ', module: true, chunkFormat: "module", library: { type: "module" }' : ""} },
      }, (error, stats) => {
        if (error || stats.hasErrors()) { console.error(error || stats.toString()); process.exit(1); }
      });`,
    });
    project.run(process.execPath, ["build.cjs"]);
    return [`out.${ending}`];
  },
  "vite (ssr)"(project, format, ending) {
    project.write({
      "package.json": { type: "module" },
      "vite.config.js": `export default {
        build: { ssr: "in.mjs", outDir: "out", rollupOptions: { output: { format: "${format}", entryFileNames: "out.${ending}" } } },
        ssr: { noExternal: true },
      };`,
    });
    project.run("vite", ["build"]);
    return [`out/out.${ending}`, "out"];
  },
  tsup(project, format, ending) {
    project.write({
      "package.json": { name: "user", version: "1.0.0" },
      "tsup.config.mjs": `export default { entry: { out: "in.mjs" }, format: "${format}", outDir: "out", noExternal: [/.*/], splitting: false };`,
    });
    project.run("tsup", []);
    return [`out/out.${ending === "cjs" ? "js" : ending}`, "out"];
  },
  "ncc (@vercel/ncc)"(project, format) {
    const module = format === "esm";
    project.write({
      "package.json": { type: module ? "module" : "commonjs" },
      [module ? "in.mjs" : "in.js"]: module ? program.esm : program.cjs,
    });
    project.run("ncc", ["build", module ? "in.mjs" : "in.js", "-o", "out"]);
    return [module ? "out/index.mjs" : "out/index.js", "out"];
  },
};

export function cells({ bun }) {
  const all = [];
  const add = (row, build, ending = BOTH) => {
    for (const [format, end] of Object.entries(ending)) {
      all.push({
        table: "Bundlers",
        row,
        column: format === "esm" ? "ES module" : "CommonJS",
        test(project) {
          project.write({ "in.mjs": program.esm });
          const [file, folder = file] = build(project, format, end);
          project.runAlone(folder, file);
        },
      });
    }
  };
  for (const [row, build] of Object.entries(BUNDLERS)) add(row, build);
  add("bun build --target=node", (project, format, ending) => {
    project.run(bun, ["build", "in.mjs", "--target=node", `--format=${format}`, `--outfile=out.${ending}`]);
    return [`out.${ending}`];
  });
  return all;
}
