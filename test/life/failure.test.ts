/**
 * A networking thread that can't be born: a copy of the package, broken on purpose, gives an error in bounded time.
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { root } from "../support/processes.js";
import { runProgram, startProgram } from "../support/programs.js";
import { packageWithThread } from "../support/thread-code.js";

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

/** A copy of the package whose actor does something as soon as its class is made. */
const born = (what: string) => packageWithThread((code) => code.replace("Actor=class{", `Actor=class{static{${what}}`));

test("its code throws: the error has its stack, with the places in the source", () => {
  const folder = born("(function born() { throw new Error('broken on purpose'); })();");
  expectFailure(
    folder,
    /could not start: Error: broken on purpose\n +at born \(ringnet\/src\/\S+\.ts:\d+:\d+\)/,
    10_000,
  );
});

test("its code ends the thread", () => {
  expectFailure(born("process.exit(7)"), /exited with code 7/, 10_000);
});

test("the map of its source is missing: the error has the places as they are", () => {
  const folder = born("(function born() { throw new Error('broken on purpose'); })();");
  rmSync(join(folder, "dist/code/networking-thread.js.map"));
  expectFailure(folder, /at born \(ringnet\/dist\/networking-thread\.js:\d+:\d+\)/, 10_000);
});

test("its code can't be parsed, or runs in circles: an error in the end, and the process ends too", () => {
  const source = `import { connect } from "ringnet";
    try {
      connect({ host: "127.0.0.1", port: 9, timeout: -1 });
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }`;
  const programs = ["const const = 1;", "for (;;);"].map((start) =>
    startProgram(source, { cwd: packageWithThread((code) => `${start}${code}`) }),
  );
  for (const program of programs) {
    program.waitForOutput(/^NetError ERR_WORKER_START the networking thread did not start/, 25_000);
    program.waitForExit();
  }
}, 60_000);

test("Node refuses the thread: the error says why", () => {
  const { output } = runProgram(
    `import threads from "node:worker_threads";
    threads.Worker = class { constructor() { throw new Error("no threads today"); } };
    const { connect } = await import("ringnet");
    try {
      connect({ host: "127.0.0.1", port: 9, timeout: -1 });
    } catch (error) {
      console.log(error.name, error.code, error.message, error.cause.message);
    }`,
  );
  expect(output).toBe(
    "NetError ERR_WORKER_START the networking thread can't start: no threads today no threads today\n",
  );
});

test("the working directory was removed: an error at once, and with another one it works", () => {
  const folder = temporaryFolder();
  const { output, errors } = runProgram(
    `import { rmdirSync } from "node:fs";
    import { listen, connect } from ${JSON.stringify(pathToFileURL(join(root, "dist/index.mjs")).href)};
    rmdirSync(process.cwd());
    try {
      listen({ host: "127.0.0.1" });
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }
    process.chdir("/");
    const server = listen({ host: "127.0.0.1" });
    connect({ host: "127.0.0.1", port: server.port, timeout: 10_000 }).close();
    console.log("works");`,
    { cwd: folder },
  );
  expect({ output, errors }).toEqual({
    output: expect.stringMatching(/^NetError ERR_WORKER_START .* the working directory was removed.*\nworks\n$/),
    errors: "",
  });
});
