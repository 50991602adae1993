/** The licences of the packages whose code is within dist/code. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What comes within undici, without a file of its own. */
const LLHTTP = "src/http/llhttp.licence.txt";

/** `modules`: the paths of the modules that were bundled. Throws where a package has no licence. */
export function licences(modules) {
  const packages = modules.map((id) => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)).filter(Boolean);
  const texts = [...new Map(packages.map(([folder, name]) => [name, folder]))].map(([name, folder]) => {
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${name} has no licence`);
    return `${name}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  if (texts.some((text) => text.startsWith("undici\n"))) texts.push(readFileSync(LLHTTP, "utf8"));
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
