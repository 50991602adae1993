/**
 * Puts the compiled modules of build/ together into few files: loading dozens of small ones takes as long as starting Node. The
 * networking thread's are CommonJS, so that this thread never has to start the loader of ES modules.
 */
import { defineConfig } from "rolldown";

/** One file of the networking thread, complete in itself: what of it can't be loaded must not keep boot from saying so. */
function thread(name) {
  return {
    input: { [name]: `build/worker/${name}.js` },
    platform: "node",
    plugins: [
      { name: "actor", resolveId: (id) => (id === "./actor.js" ? { id: "./actor.cjs", external: true } : null) },
    ],
    output: {
      dir: "dist/worker",
      format: "cjs",
      exports: "named",
      entryFileNames: "[name].cjs",
      dynamicImportInCjs: false,
    },
  };
}

export default defineConfig([
  {
    input: { index: "build/main/index.js", net: "build/main/net.js" },
    platform: "node",
    external: ["piscina"],
    output: { dir: "dist/main", format: "esm", chunkFileNames: "common.js" },
  },
  thread("boot"),
  thread("actor"),
]);
