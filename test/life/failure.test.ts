/**
 * A networking thread that can't be born: a copy of the package, broken on purpose, gives an error in bounded time.
 */

import { cpSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { root } from "../support/processes.js";
import { runProgram } from "../support/programs.js";

/** A copy of the built package, which programs that run there import by its name. */
function copyOfPackage(): string {
  const folder = temporaryFolder();
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Tries every way in, each of which has to fail, and prints the error and how long it took. */
const PROGRAM = `
  import { connect, listen, resolve, net } from "ringnet";
  const attempt = (name, call) => {
    const start = performance.now();
    let result;
    try {
      result = call();
    } catch (error) {
      result = { error: error.name, code: error.code, message: error.message, stack: error.stack };
    }
    console.log(JSON.stringify({ name, ms: performance.now() - start, result }));
  };
  attempt("connect", () => connect({ host: "127.0.0.1", port: 9, timeout: -1 }));
  attempt("listen", () => listen({ host: "127.0.0.1" }));
  attempt("resolve", () => {
    const address = resolve("localhost");
    address.waitUntilResolved(-1);
    return { message: String(address.error?.message) };
  });
  attempt("net", () => net.create_server(0));
`;

/** What the program found in the broken copy. */
function attempts(folder: string) {
  const outcome = runProgram(PROGRAM, { cwd: folder, timeout: 60_000 });
  expect(outcome.code, outcome.errors).toBe(0);
  const lines = outcome.output.trim().split("\n");
  const found = Object.fromEntries(lines.map((line) => [JSON.parse(line).name, JSON.parse(line)]));
  expect(Object.keys(found)).toEqual(["connect", "listen", "resolve", "net"]);
  return found;
}

/** `told`: what the error has to say of its cause; `limit`: in ms. */
function expectFailure(folder: string, told: RegExp, limit: number): void {
  const found = attempts(folder);
  expect(found.connect.result).toMatchObject({
    error: "NetError",
    code: expect.any(String),
    message: expect.stringMatching(told),
  });
  expect(found.listen.result).toMatchObject({ error: "NetError", message: expect.stringMatching(told) });
  expect(found.resolve.result).toMatchObject({ message: expect.stringMatching(told) });
  expect(found.net.result).toEqual([null, expect.stringMatching(told)]);
  for (const { ms } of Object.values<{ ms: number }>(found)) expect(ms).toBeLessThan(limit);
}

const actor = (folder: string) => join(folder, "dist/worker/actor.cjs");

test("worker/actor.cjs is missing", () => {
  const folder = copyOfPackage();
  rmSync(actor(folder));
  expectFailure(folder, /actor\.cjs/, 10_000);
});

test("worker/actor.cjs can't be parsed", () => {
  const folder = copyOfPackage();
  writeFileSync(actor(folder), "const const = 1;\n");
  expectFailure(folder, /SyntaxError/, 10_000);
});

test("worker/actor.cjs throws: the error has its stack", () => {
  const folder = copyOfPackage();
  writeFileSync(actor(folder), "function born() {\n  throw new Error('broken on purpose');\n}\nborn();\n");
  expectFailure(folder, /broken on purpose.*at born .*actor\.cjs:2/s, 10_000);
});

test("worker/actor.cjs ends the thread", () => {
  const folder = copyOfPackage();
  writeFileSync(actor(folder), "process.exit(7);\n");
  expectFailure(folder, /exited with code 7/, 10_000);
});

test("worker/actor.cjs runs in circles: an error in the end, and the process ends too", () => {
  const folder = copyOfPackage();
  writeFileSync(actor(folder), "for (;;);\n");
  const { code, output, errors } = runProgram(
    `import { connect } from "ringnet";
    try {
      connect({ host: "127.0.0.1", port: 9, timeout: -1 });
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }`,
    { cwd: folder, timeout: 25_000 },
  );
  expect(output, errors).toMatch(/^NetError ERR_WORKER_START the networking thread did not start/);
  expect(code).toBe(0);
});

test("worker/boot.cjs is missing", () => {
  const folder = copyOfPackage();
  rmSync(join(folder, "dist/worker/boot.cjs"));
  expectFailure(folder, /boot\.cjs/, 10_000);
});
