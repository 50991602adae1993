/**
 * The runtime under test: Node, or Bun or Deno where the tests themselves run there (test/runtimes/run.js).
 */

const { bun, deno } = process.versions as { bun?: string; deno?: string };

export const isNode = bun === undefined && deno === undefined;
export const isDeno = deno !== undefined;

/** The command that runs the source text of a module; it finds its arguments in `process.argv[1…]`. `nodeArgs` are Node's own. */
export function moduleCommand(source: string, args: readonly string[], nodeArgs: readonly string[] = []): string[] {
  if (deno === undefined) {
    return [process.execPath, ...nodeArgs, "--input-type=module", "--eval", source, "--", ...args];
  }
  const v8 = nodeArgs.filter((arg) => V8_FLAGS.test(arg));
  const others = nodeArgs.filter((arg) => !V8_FLAGS.test(arg));
  const flags = [...others, "--ext=mjs", "--node-modules-dir=manual", ...(v8.length === 0 ? [] : [`--v8-flags=${v8}`])];
  return [process.execPath, "eval", ...flags, `process.argv.splice(1, 1);${source}`, "--", ...args];
}

const V8_FLAGS = /^--(expose-gc|max-old-space-size=)/;

/** The command that runs a program in a file, where `spawn` of `process.execPath` itself is not what starts it. */
export function fileCommand(file: string, ...args: readonly (string | number)[]): string[] {
  const flags = deno === undefined ? [] : ["run", "-A", "--node-modules-dir=manual"];
  return [process.execPath, ...flags, file, ...args.map(String)];
}
