/**
 * Copies the declarations that the entry points reach from build/types to dist/types, as declarations of CommonJS modules,
 * which the code is. ES modules may import from them as well, so both module systems see the same types.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ENTRIES } from "./entries.js";

const FROM = "build/types";
const RELATIVE = /(["'])(\.\.?\/[^"']+)\.js\1/g;

/** What the library of TypeScript 5.0 and 5.1 lacks. */
const DISPOSABLE = `export {};
declare global {
    interface SymbolConstructor {
        readonly dispose: unique symbol;
    }
}
`;

export function writeTypes(folder) {
  const waiting = Object.values(ENTRIES).map(({ module }) => join(FROM, `${module}.js`));
  const seen = new Set(waiting);
  for (const module of waiting) {
    const text = readFileSync(module.replace(/\.js$/, ".d.ts"), "utf8");
    for (const [, , path] of text.matchAll(RELATIVE)) {
      const other = join(dirname(module), `${path}.js`);
      if (!seen.has(other)) waiting.push(other);
      seen.add(other);
    }
    const target = join(folder, relative(FROM, module).replace(/\.js$/, ".d.cts"));
    mkdirSync(dirname(target), { recursive: true });
    const disposable = relative(dirname(target), join(folder, "disposable.cjs"));
    const head = text.includes("Symbol.dispose")
      ? `import "${disposable.startsWith(".") ? "" : "./"}${disposable}";\n`
      : "";
    writeFileSync(target, head + text.replace(RELATIVE, "$1$2.cjs$1").replace(/^\/\/# sourceMappingURL=.*$/m, ""));
  }
  writeFileSync(join(folder, "disposable.d.cts"), DISPOSABLE);
}
