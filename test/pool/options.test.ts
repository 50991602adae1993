/**
 * `servePool` and `runBlocking`: options, and what a task gives back.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { listen } from "ringnet";
import { runBlocking, servePool } from "ringnet/pool";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";

const handler = new URL("./programs/handler.mjs", import.meta.url);
const wrong = (value: unknown) => value as never;

describe("servePool rejects", () => {
  test.each([
    ["no handler", wrong({}), TypeError, /^handler must be a file's URL or path/],
    ["a handler that is missing", { handler: "/no/such/file.js" }, Error, /ENOENT/],
    ["a handler from the network", { handler: new URL("http://localhost/x.js") }, TypeError, /file: URL/],
    ["no threads", { handler, threads: 0 }, RangeError, /^threads must be an integer from 1/],
    ["half a place in the queue", { handler, maxQueue: 0.5 }, RangeError, /^maxQueue must be an integer from 0/],
    ["onError that can't be called", wrong({ handler, onError: 1 }), TypeError, /^onError must be a function/],
    ["an option that listen refuses", wrong({ handler, prot: 1 }), TypeError, /prot/],
    ["a port out of range", { handler, port: 65_536 }, RangeError, /port/],
  ])("%s", async (_what, options, kind, message) => {
    const attempt = servePool(options);
    await expect(attempt).rejects.toThrow(kind);
    await expect(attempt).rejects.toThrow(message);
  });

  test("a port that is taken", async () => {
    const server = listen({ host: "127.0.0.1" });
    const attempt = servePool({ handler, host: "127.0.0.1", port: server.port });
    await expect(attempt).rejects.toMatchObject({ name: "NetError", code: "EADDRINUSE" });
    server.close();
  });
});

describe("runBlocking", () => {
  const file = (text: string) => {
    const path = join(temporaryFolder(), "task.mjs");
    writeFileSync(path, text);
    return path;
  };

  test("resolves to what the function returns, while this thread goes on", async () => {
    const path = file(
      "export default ({ ms, n }) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); return n + 1; };",
    );
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    expect(await runBlocking(path, { ms: 300, n: 41 })).toBe(42);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  test("blocks in its thread for a server's answer; the program can end afterwards", () => {
    const { port } = startPeer("echo");
    const path = join(import.meta.dirname ?? "", "programs/ask.cjs");
    const { output, errors, code } = runProgram(
      `import { runBlocking } from "ringnet/pool";
      console.log(await runBlocking(${JSON.stringify(path)}, ${port}));`,
    );
    expect({ output, errors, code }).toEqual({ output: "hello\n", errors: "", code: 0 });
  });

  test("rejects with what the function throws, a NetError with its code", async () => {
    await expect(runBlocking(new URL("./programs/ask.cjs", import.meta.url), 1)).rejects.toMatchObject({
      name: "NetError",
      code: "ECONNREFUSED",
      port: 1,
    });
    await expect(runBlocking(file("export default () => { throw new RangeError('no'); };"))).rejects.toThrow(
      RangeError,
    );
  });

  test("rejects where the file is missing, or exports no function", async () => {
    await expect(runBlocking("/no/such/file.js")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(runBlocking(file("export const x = 1;"))).rejects.toThrow(/must export a function as its default/);
  });

  test("rejects when its signal aborts, also in the middle of a wait", async () => {
    const path = file(
      "export default () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000); };",
    );
    const start = performance.now();
    await expect(runBlocking(path, null, { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

test("only ringnet/pool loads Piscina", () => {
  const { output } = runProgram(
    `import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    const loaded = () => Object.keys(require.cache).some((path) => path.includes("piscina"));
    require("ringnet").listen({ host: "127.0.0.1" }).close();
    require("ringnet/net"); require("ringnet/http");
    console.log(loaded());
    require("ringnet/pool");
    console.log(loaded());`,
  );
  expect(output).toBe("false\ntrue\n");
});
