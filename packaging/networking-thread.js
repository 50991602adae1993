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

/** `ws` as a text within the text, which is compiled at the first WebSocket: programs without one start some milliseconds earlier. */
function asText(code) {
  return {
    name: "ws-as-text",
    resolveId: (id) => (id === "ws" ? "\0ws" : null),
    load: (id) => (id === "\0ws" ? loaderOf(code) : null),
  };
}

// node:vm compiles it also where code generation from strings is not allowed.
function loaderOf(code) {
  return `
    import { createRequire } from "node:module";
    import { runInThisContext } from "node:vm";
    const module = { exports: {} };
    const load = runInThisContext(${JSON.stringify(`(function (module, exports, require) {${code}\n})`)}, { filename: "ringnet/dist/ws.js" });
    load(module, module.exports, createRequire(process.execPath));
    export const { WebSocket, WebSocketServer } = module.exports;
  `;
}

/** The text, its source map in JSON, and the paths of its modules. */
export async function networkingThread() {
  const ws = await bundled("ws", [noAddOns], {});
  const { code, map, modules } = await bundled("build/worker/networking-thread.js", [asText(ws.code), sources], {
    sourcemap: "hidden",
    sourcemapExcludeSources: true,
  });
  const paths = [...Object.keys(modules), ...Object.keys(ws.modules)].filter((path) => !path.startsWith("\0"));
  return { code: `${code}\n//# sourceURL=${THREAD_FILE}\n`, map: map.toString(), modules: paths };
}

async function bundled(input, plugins, options) {
  const bundle = await rolldown({ input, platform: "node", plugins });
  const { output } = await bundle.generate({
    format: "cjs",
    // Modules that are imported lazily stay lazy, within the text.
    codeSplitting: false,
    minify: { compress: true, codegen: true, mangle: { keepNames: true } },
    comments: false,
    exports: "named",
    ...options,
  });
  return output[0];
}
