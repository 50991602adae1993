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

/** The text, and its source map in JSON. */
export async function networkingThread() {
  const bundle = await rolldown({ input: "build/worker/networking-thread.js", platform: "node", plugins: [sources] });
  const { output } = await bundle.generate({
    format: "cjs",
    // Modules that are imported lazily stay lazy, within the text.
    codeSplitting: false,
    minify: { compress: true, codegen: true, mangle: { keepNames: true } },
    comments: false,
    sourcemap: "hidden",
    sourcemapExcludeSources: true,
  });
  const { code, map } = output[0];
  return { code: `${code}\n//# sourceURL=${THREAD_FILE}\n`, map: map.toString() };
}
