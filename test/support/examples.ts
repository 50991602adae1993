/** Examples of the pages in docs/, run as programs of their own. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "./folders.js";
import { root } from "./processes.js";
import { type Outcome, runCommand } from "./programs.js";
import { fileCommand } from "./runtime.js";

/**
 * Runs an example from a file, because some start themselves again as a thread. `given` are the names that it takes for granted, and their
 * values.
 */
export function runExample(source: string, given: object): Outcome {
  const folder = temporaryFolder();
  const path = join(folder, "example.mjs");
  const located = source.replace(/"(ringnet(?:\/[\w-]+)?)"/g, (_all, name) => JSON.stringify(entryPoint(name)));
  writeFileSync(join(folder, "given.mjs"), `Object.assign(globalThis, ${JSON.stringify(given)});`);
  writeFileSync(path, `import "./given.mjs"; ${located}`);
  const [command = "", ...args] = fileCommand(path);
  return runCommand(command, args);
}

/** The URL of the ES module of an entry point. (`import.meta.resolve` does not work in vitest on Deno.) */
export function entryPoint(name: string): string {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return pathToFileURL(join(root, exports[name.replace("ringnet", ".")].import.default)).href;
}
