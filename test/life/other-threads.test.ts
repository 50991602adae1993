/**
 * The end of the process, or of a worker thread, by another thread, while sockets of worker threads have bytes to send.
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
  const taken = Atomics.waitAsync(words, 0, 0, 40_000).value;
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

describe("terminate(worker) sends what the worker thread's sockets took", () => {
  const TERMINATE = `console.log(words[1]); const begin = performance.now();
    console.log(await ringnet.terminate(worker), Math.round(performance.now() - begin)); process.exit(3);`;

  test.each([
    ["where the main thread used the package before", USED],
    ["where it only loaded the package", ""],
  ])("%s", (_name, first) => {
    const peer = startPeer("slow", { piece: 256 << 10, interval: 20 });
    const source = program(first, `await taken; ${TERMINATE}`);
    const { code, output, errors } = runProgram(source, { args: [`${peer.port}`], timeout: 30_000 });
    expect(output, errors).toMatch(new RegExp(`^${BYTES}\n1 \\d+\n$`));
    expect(code).toBe(3);
    expect(peer.waitForEvent("end", 10_000)).toMatchObject({ bytes: BYTES, sha256: patternHash(8, BYTES) });
    expect(peer.events("error")).toEqual([]);
  });

  test("also where a worker thread terminates another, having loaded the package later", () => {
    const peer = startPeer("slow", { piece: 256 << 10, interval: 20 });
    const inner = program("", `await taken; const ringnet = await import(workerData.package_); ${TERMINATE}`)
      .replace('import * as ringnet from "ringnet";', "")
      .replace('import.meta.resolve("ringnet")', "given.package_")
      .replace("Number(process.argv[1])", "given.port")
      .replace("const words", 'import { workerData as given } from "node:worker_threads"; const words');
    const source = `import { Worker } from "node:worker_threads";
      const workerData = { package_: import.meta.resolve("ringnet"), port: Number(process.argv[1]) };
      const code = "data:text/javascript," + encodeURIComponent(${JSON.stringify(inner)});
      new Worker(new URL(code), { workerData, execArgv: [] }).on("exit", (code) => process.exit(code));`;
    const { code, output, errors } = runProgram(source, { args: [`${peer.port}`], timeout: 30_000 });
    expect(output, errors).toMatch(new RegExp(`^${BYTES}\n1 \\d+\n$`));
    expect(code).toBe(3);
    expect(peer.waitForEvent("end", 10_000)).toMatchObject({ bytes: BYTES, sha256: patternHash(8, BYTES) });
  });

  test("for the linger time only, and what is dropped then is a reset, not an end", () => {
    const peer = startPeer("silent");
    const source = program(USED, `await taken; ${TERMINATE}`)
      .replace(
        "async ({ connect }) => {",
        "async ({ createRuntime }) => { const runtime = createRuntime({ lingerMs: 1000 });",
      )
      .replace("= connect(", "= runtime.connect(");
    const { output, errors } = runProgram(source, { args: [`${peer.port}`], timeout: 40_000 });
    const took = Number(/^1 (\d+)$/m.exec(output)?.[1]);
    expect(took, errors).toBeGreaterThan(900);
    peer.send({ do: "resume" });
    expect(peer.waitForEvent("error").code).toBe("ECONNRESET");
    expect(peer.events("end")).toEqual([]);
  });

  test("a thread that is blocked and has nothing to send is ended at once, without an error event", () => {
    const peer = startPeer("manual");
    const end = `worker.on("error", (error) => console.log(error));
      for (;;) {
        if (Atomics.load(words, 0) === 1) break;
        await new Promise((done) => setTimeout(done, 10));
      }
      ${TERMINATE}`;
    const source = program(USED, end)
      .replace(`socket.write(pattern(8, 0, ${BYTES}))`, "7")
      .replace("Atomics.wait(workerData.words, 0, 1, 60_000);", "socket.readLine(60_000);");
    const { output, errors } = runProgram(source, { args: [`${peer.port}`], timeout: 40_000 });
    expect(errors).toBe("");
    const [, took] = /^7\n1 (\d+)\n$/.exec(output) ?? [];
    expect(Number(took), output).toBeLessThan(2500); // one that gave no answer would be waited for 3 s
  });

  test("a worker thread without sockets, and one that has ended; nothing else is taken", () => {
    const source = `import { terminate } from "ringnet";
      import { Worker } from "node:worker_threads";
      const worker = new Worker("setInterval(() => {}, 1000)", { eval: true, execArgv: [] });
      await new Promise((resolve) => worker.once("online", resolve));
      console.log(await terminate(worker), await terminate(worker));
      for (const wrong of [undefined, null, 5, {}]) console.log((await terminate(wrong).catch((error) => error)).name);`;
    const { output, errors } = runProgram(source, { timeout: 20_000 });
    expect(errors).toBe("");
    expect(output).toBe(`1 undefined\n${"TypeError\n".repeat(4)}`);
  });
});

describe("without it, as docs/reliability.md says, what the system has is sent, and then a clean end", () => {
  test.each([
    ["after worker.terminate()", "await taken; console.log(words[1]); await worker.terminate(); process.exit(3);"],
    ["after SIGTERM without a handler", 'await taken; console.log(words[1]); process.kill(process.pid, "SIGTERM");'],
  ])("%s", (_name, end) => {
    const peer = startPeer("silent");
    const { output } = runProgram(program(USED, end), { args: [`${peer.port}`], timeout: 30_000 });
    expect(output).toBe(`${BYTES}\n`);
    peer.send({ do: "resume" });
    const { bytes, sha256 } = peer.waitForEvent("end", 10_000);
    // On a busy machine nothing may have reached the system by then.
    expect(bytes).toBeLessThan(BYTES);
    expect(sha256).toBe(patternHash(8, bytes as number));
  });
});
