/** Examples of the pages in docs/, run as programs of their own. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folders.js";
import { type Outcome, runCommand } from "./programs.js";
import { fileCommand } from "./runtime.js";

/**
 * Runs an example from a file, because some start themselves again as a thread. `given` are the names that it takes for granted, and their
 * values.
 */
export function runExample(source: string, given: object): Outcome {
  const folder = temporaryFolder();
  const path = join(folder, "example.mjs");
  const located = source.replace(/"(ringnet(?:\/[\w-]+)?)"/g, (_all, name) =>
    JSON.stringify(import.meta.resolve(name)),
  );
  writeFileSync(join(folder, "given.mjs"), `Object.assign(globalThis, ${JSON.stringify(given)});`);
  writeFileSync(path, `import "./given.mjs"; ${located}`);
  const [command = "", ...args] = fileCommand(path);
  return runCommand(command, args);
}
