/**
 * Makes stack traces of networking threads readable: their code is one minified string, and a source map gives the
 * places in the sources.
 *
 * Runs on the calling thread, after a networking thread has failed.
 */

import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapping } from "node:module";
import { join } from "node:path";

/** The file name in these traces (set by packaging/networking-thread.js), line and column. */
const PLACE = /ringnet\/dist\/networking-thread\.js:(\d+):(\d+)/g;

/** `text` with places in the source files; unchanged if there is no source map, as in a bundle. */
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
