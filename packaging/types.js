/**
 * Bundles the declarations of build/types to dist/types, a file for each entry point and some that they share: only what
 * an entry point exports, and what that refers to. They are declarations of CommonJS modules, which the code is. ES
 * modules may import from them as well, so both module systems see the same types.
 *
 * The bundler needs TypeScript 6, which installs a command `tsc` too: scripts call TypeScript 7 by its path.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import { ENTRIES } from "./entries.js";

/** What the library of TypeScript 5.0 and 5.1 lacks. */
const DISPOSABLE = `export {};
declare global {
    interface SymbolConstructor {
        readonly dispose: unique symbol;
    }
}
`;

export async function writeTypes(folder) {
  const bundle = await rollup({
    input: Object.fromEntries(
      Object.entries(ENTRIES).map(([entry, { module }]) => [entry, `build/types/${module}.d.ts`]),
    ),
    external: (id) => !/^[./]/.test(id),
    plugins: [dts()],
  });
  await bundle.write({
    dir: folder,
    format: "es",
    minifyInternalExports: false,
    entryFileNames: "[name].d.cts",
    chunkFileNames: ({ name }) => `shared-${name.replace(/\.d$/, "")}.d.cts`,
  });
  await bundle.close();
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), "utf8");
    if (text.includes("Symbol.dispose")) writeFileSync(join(folder, file), `import "./disposable.cjs";\n${text}`);
  }
  writeFileSync(join(folder, "disposable.d.cts"), DISPOSABLE);
}
