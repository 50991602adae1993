/**
 * Copies of the built package with changed code in the networking thread, for failures that the package itself can't be made to have.
 */

import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { temporaryFolder } from "./folders.js";
import { root } from "./processes.js";

/** Makes the copy; its folder. Programs that run there import it by its name. */
export function packageWithThread(change: (code: string) => string): string {
  const folder = temporaryFolder();
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const file = join(folder, "dist/code/networking-thread.cjs");
  const code = createRequire(import.meta.url)(file) as string;
  const changed = change(code);
  if (changed === code) throw new Error("the change of the thread's code changed nothing; bring the test in step");
  writeFileSync(file, `module.exports = ${JSON.stringify(changed)};\n`);
  return folder;
}
