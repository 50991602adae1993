/**
 * The end of a process that used the package: nothing keeps it alive, and nothing that `write` took is lost.
 */

import { describe, expect, test } from "vitest";
import { patternHash } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { runProgram } from "../support/programs.js";

describe("no thread keeps the process alive when nothing is open", () => {
  const program = (text: string) => `
    import { connect, listen, net, resolve } from "ringnet";
    const port = Number(process.argv[1]);
    const open = () => connect({ host: "127.0.0.1", port, timeout: 10_000 });
    ${text}
    console.log("done");
  `;

  test.each([
    ["after import alone", ""],
    ["after a connection", "open().close();"],
    ["after many connections", "for (let i = 0; i < 50; i++) open().close();"],
    ["after a server", 'listen({ host: "127.0.0.1" }).close();'],
    [
      "after a server with a client",
      'const s = listen({ host: "127.0.0.1" }); connect({ host: "127.0.0.1", port: s.port, timeout: 5000 }).close(); s.close();',
    ],
    ["after a look-up", 'resolve("localhost").waitUntilResolved(5000);'],
    ["after a look-up without a wait", 'resolve("localhost");'],
    ["after a connection that failed", "try { connect({ host: '127.0.0.1', port: 1, timeout: 5000 }); } catch {}"],
    ["after a connection that waited", "const s = connect({ host: '127.0.0.1', port }); s.close();"],
    ["after net's calls", "const [s] = net.create_server(0); s.close();"],
    ["with an event loop in use meanwhile", "open().close(); await new Promise((r) => setTimeout(r, 100));"],
  ])("%s", (_name, text) => {
    const peer = startPeer("echo");
    const { code, output, errors, milliseconds } = runProgram(program(text), {
      args: [`${peer.port}`],
      timeout: 20_000,
    });
    expect({ code, output, errors }).toEqual({ code: 0, output: "done\n", errors: "" });
    expect(milliseconds).toBeLessThan(4500);
  });

  test("an open connection delays the program's end by the linger time at most", () => {
    const peer = startPeer("silent");
    const { code, output, milliseconds } = runProgram(program("open();"), { args: [`${peer.port}`], timeout: 20_000 });
    expect({ code, output }).toEqual({ code: 0, output: "done\n" });
    expect(milliseconds).toBeLessThan(8000);
  });

  test("process.exit keeps its code", () => {
    const peer = startPeer("echo");
    expect(runProgram(program("open().close(); process.exit(3);"), { args: [`${peer.port}`] }).code).toBe(3);
    expect(runProgram(program("open().close(); process.exitCode = 4;"), { args: [`${peer.port}`] }).code).toBe(4);
  });

  test("process.exit from an exit handler keeps its code", () => {
    const peer = startPeer("echo");
    const text = 'process.on("exit", () => process.exit(5)); open().close();';
    expect(runProgram(program(text), { args: [`${peer.port}`] }).code).toBe(5);
  });
});

describe("bytes taken by write are flushed at exit", () => {
  const BYTES = 8_000_000;
  /** Writes 8 MB into the send ring in one call, prints how much it took, and runs `end`. */
  const program = (end: string) => `
    import { connect } from "ringnet";
    import { pattern } from "./test/support/bytes.js";
    const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000, sendBuffer: 2 ** 23 });
    const taken = socket.write(pattern(8, 0, ${BYTES}));
    console.log(JSON.stringify({ taken, pending: socket.pendingWrites > 1_000_000 }));
    ${end}
  `;

  test.each([
    ["falling off the end", "", 0],
    ["falling off the end after close", "socket.close();", 0],
    ["falling off the end after end", "socket.end();", 0],
    ["process.exit", "process.exit(3);", 3],
    ["process.exit after close", "socket.close(); process.exit(3);", 3],
    ["process.exit later", "setTimeout(() => process.exit(3), 50);", 3],
    ["an uncaught error", 'throw new Error("on purpose");', 1],
  ])("by %s, to a peer that reads slowly", (_name, end, expected) => {
    // 6 MB/s: much slower than the program ends, and well within the linger time.
    const peer = startPeer("slow", { piece: 128 << 10, interval: 20 });
    const { code, output, errors } = runProgram(program(end), { args: [`${peer.port}`], timeout: 20_000 });
    expect(JSON.parse(output), errors).toEqual({ taken: BYTES, pending: true });
    expect(code).toBe(expected);
    expect(peer.waitForEvent("end", 10_000)).toMatchObject({ bytes: BYTES, sha256: patternHash(8, BYTES) });
    expect(peer.events("error")).toEqual([]);
  });

  test.each([
    ["falling off the end", ""],
    ["falling off the end after close", "socket.close();"],
    ["process.exit", "process.exit(0);"],
  ])(
    "but by %s, to a peer that never reads, for the linger time only",
    (_name, end) => {
      const peer = startPeer("silent");
      const { code, milliseconds } = runProgram(program(end), { args: [`${peer.port}`], timeout: 30_000 });
      expect(code).toBe(0);
      expect(milliseconds).toBeGreaterThan(1000); // it tried to send
      expect(milliseconds).toBeLessThan(20_000); // 5 s of linger time, and the start on a busy machine; it would take minutes otherwise
      peer.send({ do: "resume" });
      expect(peer.waitForEvent("error").code).toBe("ECONNRESET"); // bytes were dropped: it must not look like an end
      expect(peer.events("end")).toEqual([]);
    },
    60_000,
  );

  test("and to a peer that never accepts, for the linger time only", () => {
    const stuck = startUnanswering();
    const source = `
      import { connect } from "ringnet";
      const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]) });
      console.log(socket.write("never sent"));
    `;
    const { code, output, milliseconds } = runProgram(source, { args: [`${stuck.port}`], timeout: 20_000 });
    expect({ code, output }).toEqual({ code: 0, output: "10\n" });
    expect(milliseconds).toBeLessThan(9000);
  });

  test("sends what an exit handler writes just before the end", () => {
    const peer = startPeer("sink");
    const source = `
      import { connect } from "ringnet";
      process.on("exit", () => socket.write("last words"));
      const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000 });
    `;
    const { code } = runProgram(source, { args: [`${peer.port}`] });
    expect(code).toBe(0);
    expect(peer.waitForEvent("end").bytes).toBe(10);
  });

  /** Sends "first" before the end, and "last" from an exit handler that was registered after the first use. */
  const lateHandler = (end: string) => `
    import { connect } from "ringnet";
    const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000 });
    socket.write("first");
    process.on("exit", () => {
      socket.write("last");
      const other = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000 });
      other.write("another");
      if (${JSON.stringify(end)} === "within") process.exit(7);
    });
    ${end === "within" ? "" : end}
  `;

  test.each([
    ["falls off its end", "", 0],
    ["calls process.exit", "process.exit(3);", 3],
    ["calls process.exit within the handler", "within", 7],
    ["ends by an error", 'throw new Error("on purpose");', 1],
  ])("what an exit handler registered after the first use wrote, where the process %s", (_name, end, expected) => {
    const peer = startPeer("sink");
    const { code, errors } = runProgram(lateHandler(end), { args: [`${peer.port}`] });
    expect(code, errors).toBe(expected);
    peer.waitForEvent("end", 10_000, 2);
    const received = peer.events("end").map(({ bytes }) => bytes);
    expect(received.sort()).toEqual([7, 9]);
    expect(peer.events("error")).toEqual([]);
  });

  test.each([
    ["falls off its end", "", 0],
    ["calls process.exit", "process.exit(3);", 3],
    ["calls process.exit within the handler", "within", 7],
  ])("what the first use of all, in an exit handler, wrote, where the process %s", (_name, end, expected) => {
    const peer = startPeer("sink");
    const source = `
      import { connect } from "ringnet";
      process.on("exit", () => {
        const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000, sendBuffer: 1 << 20 });
        if (socket.write(new Uint8Array(1_000_000)) !== 1_000_000) process.exit(99);
        if (${JSON.stringify(end)} === "within") process.exit(7);
      });
      process.on("exit", () => {});
      ${end === "within" ? "" : end}
    `;
    const { code, errors } = runProgram(source, { args: [`${peer.port}`] });
    expect(code, errors).toBe(expected);
    expect(peer.waitForEvent("end").bytes).toBe(1_000_000);
    expect(peer.events("error")).toEqual([]);
  });

  test("in a worker thread, what an exit handler registered after the first use wrote", () => {
    const peer = startPeer("sink");
    const source = `
      import { Worker } from "node:worker_threads";
      const end = process.argv[2];
      const source = \`
        const { workerData } = require("node:worker_threads");
        import(workerData.package_).then(({ connect }) => {
          const socket = connect({ host: "127.0.0.1", port: workerData.port, timeout: 10_000 });
          process.on("exit", () => socket.write("last words"));
          if (workerData.end === "exit") process.exit(0);
        });\`;
      const workerData = { package_: import.meta.resolve("ringnet"), port: Number(process.argv[1]), end };
      new Worker(source, { eval: true, execArgv: [], workerData });
    `;
    for (const end of ["fall", "exit"]) expect(runProgram(source, { args: [`${peer.port}`, end] }).code).toBe(0);
    peer.waitForEvent("end", 10_000, 2);
    for (const { bytes } of peer.events("end")) expect(bytes).toBe(10);
  });
});
