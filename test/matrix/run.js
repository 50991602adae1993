/**
 * The compatibility matrix: `npm run matrix [-- words…]` builds and runs one program with every bundler, packer, runner, runtime, package
 * manager and version of TypeScript, and writes the tables of docs/bundling.md and docs/compatibility.md anew. With words, only the cells
 * whose names contain one of them run, and nothing is written.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as bundlers from "./bundlers.js";
import * as layouts from "./layouts.js";
import * as packers from "./packers.js";
import { Project } from "./project.js";
import * as runners from "./runners.js";
import * as runtimes from "./runtimes.js";
import { tools } from "./tools.js";
import * as types from "./types.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const words = process.argv.slice(2);
const found = tools(root);
const all = [runtimes, layouts, bundlers, packers, runners, types].flatMap(({ cells }) => cells(found));
const nameOf = ({ table, row, column }) => `${table}: ${row}, ${column}`;
const chosen = all.filter((cell) => words.length === 0 || words.some((word) => nameOf(cell).includes(word)));

let failed = 0;
for (const cell of chosen) {
  const start = performance.now();
  try {
    cell.test(new Project(found.folder, nameOf(cell)));
    cell.result = "yes";
  } catch (error) {
    failed++;
    cell.result = "**no**";
    console.log(error.message);
  }
  console.log(
    `${cell.result === "yes" ? "ok    " : "FAILED"} ${nameOf(cell)} (${Math.round(performance.now() - start)} ms)`,
  );
}
console.log(`${chosen.length - failed} of ${chosen.length} cells work`);
if (words.length === 0) for (const page of ["bundling", "compatibility"]) writeTables(join(root, `docs/${page}.md`));
process.exitCode = failed === 0 ? 0 : 1;

/** Writes the tables that a page has between `<!-- matrix: name -->` and `<!-- end -->`. */
function writeTables(path) {
  const date = new Date().toISOString().slice(0, 10);
  const text = readFileSync(path, "utf8").replace(
    /(<!-- matrix: (.+) -->\n)[\s\S]*?(?=<!-- end -->)/g,
    (_, head, name) =>
      `${head}\n${tableOf(name)}\n\nRun on ${date}, Node ${process.version}, ${process.platform} ${process.arch}.\n\n`,
  );
  writeFileSync(path, text);
}

function tableOf(name) {
  const cells = all.filter(({ table }) => table === name);
  if (cells.length === 0) throw new Error(`no cells for the table "${name}"`);
  const columns = [...new Set(cells.map(({ column }) => column))];
  const rows = [...new Set(cells.map(({ row }) => row))];
  const resultOf = (row, column) => cells.find((cell) => cell.row === row && cell.column === column)?.result ?? "–";
  return [
    `| | ${columns.join(" | ")} |`,
    `|---|${columns.map(() => "---").join("|")}|`,
    ...rows.map((row) => `| ${labelOf(row)} | ${columns.map((column) => resultOf(row, column)).join(" | ")} |`),
  ].join("\n");
}

/** A row's name, with the version of the tool where it is one of npm's. */
function labelOf(row) {
  try {
    return `${row} ${found.version(/@?[\w/-]+/.exec(row.replace(/^ncc \((.*)\)$/, "$1"))[0])}`;
  } catch {
    return row;
  }
}
