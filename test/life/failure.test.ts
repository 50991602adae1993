/**
 * A networking thread that can't start: a copy of the package, broken on purpose, gives an error in bounded time.
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createRuntime } from "ringnet";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { root } from "../support/processes.js";
import { runProgram, startProgram } from "../support/programs.js";
import { packageWithThread } from "../support/thread-code.js";

/** Makes one call of each kind that starts the thread; each must fail. Prints the error and how long the call took. */
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

/** What the calls returned with the broken copy. */
function attempts(folder: string) {
  const outcome = runProgram(PROGRAM, { cwd: folder, timeout: 60_000 });
  expect(outcome.code, outcome.errors).toBe(0);
  const lines = outcome.output.trim().split("\n");
  const found = Object.fromEntries(lines.map((line) => [JSON.parse(line).name, JSON.parse(line)]));
  expect(Object.keys(found)).toEqual(["connect", "listen", "resolve", "net"]);
  return found;
}

/** Expects that every call fails with `reason` in its message, within `limit` milliseconds. */
function expectFailure(folder: string, reason: RegExp, limit: number): void {
  const found = attempts(folder);
  expect(found.connect.result).toMatchObject({
    error: "NetError",
    code: expect.any(String),
    message: expect.stringMatching(reason),
  });
  expect(found.listen.result).toMatchObject({ error: "NetError", message: expect.stringMatching(reason) });
  expect(found.resolve.result).toMatchObject({ message: expect.stringMatching(reason) });
  expect(found.net.result).toEqual([null, expect.stringMatching(reason)]);
  for (const { ms } of Object.values<{ ms: number }>(found)) expect(ms).toBeLessThan(limit);
}

/** A copy of the package whose networking thread runs this code when it loads the class Actor. */
const born = (what: string) => packageWithThread((code) => code.replace("Actor=class{", `Actor=class{static{${what}}`));

test("an exception while loading: the error has its stack, mapped to the source", () => {
  const folder = born("(function born() { throw new Error('broken on purpose'); })();");
  expectFailure(
    folder,
    /could not start: Error: broken on purpose\n +at born \(ringnet\/src\/\S+\.ts:\d+:\d+\)/,
    10_000,
  );
});

test("an exit while loading: the error has the exit code", () => {
  expectFailure(born("process.exit(7)"), /exited with code 7/, 10_000);
});

test("without a source map, the error has the unmapped stack", () => {
  const folder = born("(function born() { throw new Error('broken on purpose'); })();");
  rmSync(join(folder, "dist/code/networking-thread.js.map"));
  expectFailure(folder, /at born \(ringnet\/dist\/networking-thread\.js:\d+:\d+\)/, 10_000);
});

test("a syntax error, or a thread that never gets ready, is an error in bounded time, and the process can end", () => {
  const source = `import { connect } from "ringnet";
    try {
      connect({ host: "127.0.0.1", port: 9, timeout: -1 });
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }`;
  const asleep = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";
  const programs = ["const const = 1;", asleep].map((start) =>
    startProgram(source, { cwd: packageWithThread((code) => `${start}${code}`) }),
  );
  for (const program of programs) {
    const [line] = program.waitForOutput(/^NetError .*\n/m, 25_000);
    expect(line).toMatch(/^NetError ERR_WORKER_START the networking thread did not start/);
    program.waitForExit();
  }
}, 60_000);

test("the Worker constructor throws: the error says why", () => {
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

test("the working directory was removed: an error at once, and it works from another one", () => {
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

test("a timeout while the thread starts is ERR_WORKER_START, for every call", () => {
  const folder = packageWithThread((code) => `for (;;);${code}`);
  const { output, errors } = runProgram(
    `import { connect } from "ringnet";
    import { fetch } from "ringnet/http";
    const attempt = (call) => {
      try {
        call();
      } catch (error) {
        console.log(error.code, error.cause?.code, error.bytesWritten, error.message);
      }
    };
    const socket = connect({ host: "127.0.0.1", port: 9, sendBuffer: 4096 });
    attempt(() => connect({ host: "localhost", port: 9, timeout: 200 }));
    attempt(() => socket.readExactly(5, 50));
    attempt(() => socket.readLine(50));
    attempt(() => socket.writeAll(new Uint8Array(5000), 50));
    attempt(() => fetch("http://127.0.0.1:9/", { connectTimeout: 50, timeout: 5000 }).text());
    attempt(() => fetch("http://127.0.0.1:9/", { timeout: 50 }).text());
    process.kill(process.pid, "SIGKILL"); // the end of a busy thread is not tested here`,
    { cwd: folder },
  );
  const lines = output.trim().split("\n");
  expect(lines, errors).toHaveLength(6);
  for (const line of lines)
    expect(line).toMatch(/^ERR_WORKER_START ETIMEDOUT .*the networking thread is still starting/);
  expect(lines[0]).toMatch(/connect to localhost port 9 timed out after 200 ms/);
  expect(lines[3]).toMatch(/ETIMEDOUT 4096 writeAll/);
});

test("a heap too small for Node's threads is refused before one is started", () => {
  for (const maxOldGenerationSizeMb of [1, 4, 11.9, 0, -1]) {
    expect(() => createRuntime({ resourceLimits: { maxOldGenerationSizeMb } })).toThrow(
      `resourceLimits.maxOldGenerationSizeMb must be at least 12: with less, Node's threads don't start; got ${maxOldGenerationSizeMb}`,
    );
  }
  const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 12 } });
  runtime.listen({ host: "127.0.0.1" }).close();
  runtime.close();
});

test("a loader hook that hangs does not keep the thread from starting", () => {
  const hooks = `let blocked;
    export const initialize = (memory) => { blocked = new Int32Array(memory); };
    export const resolve = (specifier, context, next) => {
      if (Atomics.load(blocked, 0) === 1) for (;;) Atomics.wait(blocked, 0, 1);
      return next(specifier, context);
    };`;
  const { output, errors } = runProgram(
    `import { register } from "node:module";
    import { writeSync } from "node:fs";
    const memory = new SharedArrayBuffer(4);
    register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}), { data: memory });
    const { listen, connect } = await import("ringnet");
    Atomics.store(new Int32Array(memory), 0, 1);
    const server = listen({ host: "127.0.0.1" });
    connect({ host: "127.0.0.1", port: server.port, timeout: 10_000 }).close();
    writeSync(1, "works");
    process.kill(process.pid, "SIGKILL"); // the hooks' thread would hold the process`,
  );
  expect({ output, errors }).toEqual({ output: "works", errors: "" });
});
