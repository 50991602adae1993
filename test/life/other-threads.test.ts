/**
 * The end of the process by the main thread, while sockets of worker threads have bytes to send.
 */

import { describe, expect, test } from "vitest";
import { patternHash } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";

const BYTES = 12_000_000;

/** The main thread runs `first`; a worker thread writes 12 MB into its send ring and blocks; then the main thread runs `end`. */
const program = (first: string, end: string) => `
  import * as ringnet from "ringnet";
  import { Worker } from "node:worker_threads";
  const source = \`
    const { workerData } = require("node:worker_threads");
    import(workerData.package_).then(async ({ connect }) => {
      const { pattern } = await import(workerData.bytes);
      const socket = connect({ host: "127.0.0.1", port: workerData.port, timeout: 10_000, sendBuffer: 2 ** 24 });
      workerData.words[1] = socket.write(pattern(8, 0, ${BYTES}));
      Atomics.store(workerData.words, 0, 1);
      Atomics.notify(workerData.words, 0);
      Atomics.wait(workerData.words, 0, 1, 60_000);
    });\`;
  const words = new Int32Array(new SharedArrayBuffer(8));
  const bytes = new URL("test/support/bytes.js", "file://" + process.cwd() + "/").href;
  const workerData = { package_: import.meta.resolve("ringnet"), bytes, port: Number(process.argv[1]), words };
  ${first}
  const worker = new Worker(source, { eval: true, execArgv: [], workerData });
  const taken = Atomics.waitAsync(words, 0, 0, 10_000).value;
  ${end}
`;

const USED = 'ringnet.listen({ host: "127.0.0.1" }).close();';
const BLOCKED = "Atomics.wait(words, 0, 0, 10_000); console.log(words[1]); process.exit(3);";
const YIELDING = "await taken; console.log(words[1]); process.exit(3);";

describe("bytes that a worker thread's socket took are sent before the main thread ends the process", () => {
  test.each([
    ["by process.exit", USED, YIELDING],
    ["by process.exit, having used the package only later", "", `await taken; ${USED} ${YIELDING}`],
    ["by process.exit, having only loaded the package", "void ringnet;", YIELDING],
    ["by process.exit in a main thread that never yields", USED, BLOCKED],
    ["by an uncaught error", USED, 'await taken; console.log(words[1]); throw new Error("on purpose");'],
  ])("%s", (_name, first, end) => {
    const peer = startPeer("slow", { piece: 128 << 10, interval: 20 });
    const { code, output, errors } = runProgram(program(first, end), { args: [`${peer.port}`], timeout: 30_000 });
    expect(output, errors).toBe(`${BYTES}\n`);
    expect(code).toBe(end.includes("throw") ? 1 : 3);
    expect(peer.waitForEvent("end", 10_000)).toMatchObject({ bytes: BYTES, sha256: patternHash(8, BYTES) });
    expect(peer.events("error")).toEqual([]);
  });

  test("for the linger time only; if bytes are dropped, the peer gets a reset, not an end", () => {
    const peer = startPeer("silent");
    const { code, milliseconds } = runProgram(program(USED, YIELDING), { args: [`${peer.port}`], timeout: 40_000 });
    expect(code).toBe(3);
    expect(milliseconds).toBeGreaterThan(4000);
    expect(milliseconds).toBeLessThan(25_000);
    peer.send({ do: "resume" });
    expect(peer.waitForEvent("error").code).toBe("ECONNRESET");
    expect(peer.events("end")).toEqual([]);
  });

  test("a worker that was terminated before causes no delay", () => {
    const peer = startPeer("sink");
    const end = `await taken; await worker.terminate(); const begin = performance.now();
      const { reallyExit } = process;
      process.reallyExit = (...args) => { console.log(Math.round(performance.now() - begin)); reallyExit.apply(process, args); };
      process.exit(3);`;
    const { code, output } = runProgram(program(USED, end), { args: [`${peer.port}`], timeout: 40_000 });
    expect(code).toBe(3);
    expect(Number(output)).toBeLessThan(4000);
  });
});
