/**
 * The user's modules that pools run.
 *
 * `fileToRun` is used on the calling thread, `loadDefault` on the pool's.
 */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The `file:` URL of a file given by URL or path. Throws a `TypeError` if it is neither, and the system's error if it
 * does not exist.
 */
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

/** The module's default export. Throws a `TypeError` if that is not a function. */
export async function loadDefault(url: string): Promise<Default> {
  let found = loaded.get(url);
  if (found === undefined) {
    const module = (await import(url)) as { default?: unknown };
    const { default: exported } = module;
    // CommonJS compiled from an ES module has its default export one level deeper.
    const inner = typeof exported === "function" ? exported : (exported as { default?: unknown } | undefined)?.default;
    if (typeof inner !== "function") throw new TypeError(`${url} must export a function as its default`);
    found = inner as Default;
    loaded.set(url, found);
  }
  return found;
}
