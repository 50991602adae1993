/**
 * The test files that run on macOS and Windows too: those that use nothing specific to Linux, themselves or in what they import from test/.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const TESTS = fileURLToPath(new URL("../", import.meta.url));

/** Linux's own interfaces, programs that a Debian package brings, and shells. */
const OF_LINUX =
  /\/proc\/|\/etc\/|\/dev\/|\bunshare\b|\bmkfifo\b|"sh"|"perl"|"nc"|"ip"|"openssl"|\bnginx\b|redis-server|postgres|squid|tinyproxy|microsocks|apache2|"curl"|setuid|startNetcat|startRedis|startUnanswering\(|127\.0\.0\.2/;

/** These files handle other systems themselves. */
const AWARE = [
  "support/peers.ts",
  "support/processes.ts",
  "support/input.ts",
  "support/programs.ts",
  "support/portable.ts",
].map((file) => join(TESTS, file));

const IMPORTED = /from "(\.\.?\/[^"]+)\.js"/g;

function namesLinux(path: string, seen: Set<string>): boolean {
  if (seen.has(path) || AWARE.includes(path)) return false;
  seen.add(path);
  const text = readFileSync(path, "utf8");
  if (OF_LINUX.test(text)) return true;
  return [...text.matchAll(IMPORTED)].some(([, specifier]) => {
    const base = join(dirname(path), specifier as string);
    if (relative(TESTS, base).startsWith("..")) return false;
    return [`${base}.ts`, `${base}.js`].some((file) => exists(file) && namesLinux(file, seen));
  });
}

function exists(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

/** Their paths, from the package's folder. */
export function portableFiles(): string[] {
  return readdirSync(TESTS, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .filter((file) => !namesLinux(join(TESTS, file), new Set()))
    .filter((file) => !SLOW.test(file))
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .sort();
}

/** Minutes long, and the same everywhere; or about the runner on Linux. */
const SLOW = /^(explore|stress|soak|leaks|setup|wasm|ported|matrix)\b/;
