/**
 * Puts the compiled modules of build/ together into few files: loading dozens of small ones takes as long as starting Node. The
 * networking thread's are CommonJS, so that this thread never has to start the loader of ES modules.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "rolldown";

/** Puts the licences of the packages whose code is in the bundle beside it. */
const licences = {
  name: "licences",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((file) => Object.keys(file.modules ?? {}));
    const packages = modules.map((id) => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)).filter(Boolean);
    const texts = [...new Map(packages.map(([folder, name]) => [name, folder]))].map(([name, folder]) => {
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
      if (file === undefined) throw new Error(`${name} has no licence`);
      return `${name}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
    });
    const own = "src/http/llhttp.licence.txt"; // of what comes within undici, without a file of its own
    if (texts.some((text) => text.startsWith("undici\n")) && existsSync(own)) texts.push(readFileSync(own, "utf8"));
    if (texts.length > 0)
      this.emitFile({
        type: "asset",
        fileName: "third-party-licences.txt",
        source: texts.join(`\n${"-".repeat(80)}\n\n`),
      });
  },
};

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
    input: { index: "build/main/index.js", net: "build/main/net.js", http: "build/http/index.js" },
    platform: "node",
    external: ["piscina"],
    plugins: [licences],
    output: { dir: "dist/main", format: "esm", chunkFileNames: "common.js" },
  },
  thread("boot"),
  thread("actor"),
]);
