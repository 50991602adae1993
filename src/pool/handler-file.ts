/**
 * The files of users that pools run.
 *
 * `fileToRun` is used on the calling thread, `loadDefault` on the pool's.
 */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The `file:` URL of a file given by URL or path. Throws a `TypeError` where it is neither, and the system's error where it is missing. */
export function fileToRun(name: string, file: URL | string): string {
  if (!(file instanceof URL) && typeof file !== "string") {
    throw new TypeError(`${name} must be a file's URL or path, not ${typeof file}`);
  }
  const url = file instanceof URL ? file : file.startsWith("file:") ? new URL(file) : pathToFileURL(resolve(file));
  if (url.protocol !== "file:") throw new TypeError(`${name} must be a file: URL, not ${url.protocol}`);
  if (!statSync(fileURLToPath(url)).isFile()) throw new TypeError(`${name} must be a file: ${fileURLToPath(url)}`);
  return url.href;
}

type Default = (data: unknown) => unknown;

const loaded = new Map<string, Default>();

/** The function that the module exports as its default. Throws a `TypeError` where it exports none. */
export async function loadDefault(url: string): Promise<Default> {
  let found = loaded.get(url);
  if (found === undefined) {
    const module = (await import(url)) as { default?: unknown };
    const { default: exported } = module;
    // CommonJS that was made of an ES module has its default one level deeper.
    const inner = typeof exported === "function" ? exported : (exported as { default?: unknown } | undefined)?.default;
    if (typeof inner !== "function") throw new TypeError(`${url} must export a function as its default`);
    found = inner as Default;
    loaded.set(url, found);
  }
  return found;
}
