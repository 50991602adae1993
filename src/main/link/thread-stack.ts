/**
 * Stack traces of networking threads, whose code is one minified text: gives the places in the source files that its source map knows.
 *
 * Runs on the calling thread, once a networking thread has failed.
 */

import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapping } from "node:module";
import { join } from "node:path";

/** The file that the traces name (packaging/networking-thread.js gives it), line and column. */
const PLACE = /ringnet\/dist\/networking-thread\.js:(\d+):(\d+)/g;

/** `text` with the places as they are in the source; as it is where the map is not to be had, as in a bundle. */
export function readableStack(text: string): string {
  if (text.search(PLACE) < 0) return text;
  try {
    const map = new SourceMap(JSON.parse(readFileSync(join(__dirname, "networking-thread.js.map"), "utf8")));
    return text.replace(PLACE, (place, line, column) => {
      const entry: Partial<SourceMapping> = map.findEntry(Number(line) - 1, Number(column) - 1);
      const { originalSource: file, originalLine = 0, originalColumn = 0 } = entry;
      // The bundler's own functions have no source.
      return file ? `${file.replace(/^.*?(?=src\/)/, "ringnet/")}:${originalLine + 1}:${originalColumn + 1}` : place;
    });
  } catch {
    return text;
  }
}
