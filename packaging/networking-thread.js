/**
 * Puts the networking thread's compiled modules together into one text, which becomes part of the package's code: such a thread needs no
 * file, so no bundler and no packer of single programs can lose one.
 */

import { existsSync, readFileSync } from "node:fs";
import { rolldown } from "rolldown";

/** The name that stack traces of the thread show; its source map says what stands where. */
export const THREAD_FILE = "ringnet/dist/networking-thread.js";

/** Makes the map lead to the TypeScript sources, by tsc's own maps. */
const sources = {
  name: "sources",
  load(id) {
    if (!existsSync(`${id}.map`)) return null;
    return { code: readFileSync(id, "utf8"), map: readFileSync(`${id}.map`, "utf8") };
  },
};

/** Add-ons that `ws` uses where they are installed. The thread loads nothing from the program's folders. */
const noAddOns = {
  name: "no-add-ons",
  resolveId: (id) => (/^(bufferutil|utf-8-validate)$/.test(id) ? `\0${id}` : null),
  load: (id) => (/^\0(bufferutil|utf-8-validate)$/.test(id) ? 'throw new Error("not in this package");' : null),
};

/** The text, its source map in JSON, and the paths of its modules. */
export async function networkingThread() {
  const bundle = await rolldown({
    input: "build/worker/networking-thread.js",
    platform: "node",
    plugins: [noAddOns, sources],
  });
  const { output } = await bundle.generate({
    format: "cjs",
    // Modules that are imported lazily stay lazy, within the text.
    codeSplitting: false,
    minify: { compress: true, codegen: true, mangle: { keepNames: true } },
    comments: false,
    sourcemap: "hidden",
    sourcemapExcludeSources: true,
  });
  const { code, map, modules } = output[0];
  return { code: `${code}\n//# sourceURL=${THREAD_FILE}\n`, map: map.toString(), modules: Object.keys(modules) };
}
