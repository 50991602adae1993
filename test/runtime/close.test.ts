/**
 * `Runtime.close` sends what was written and frees every resource.
 */

import { readdirSync, readlinkSync } from "node:fs";
import { createRuntime, type Runtime } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";

/** Threads of this process. */
const threads = () => readdirSync("/proc/self/task").length;

/** Sockets that this process has open. */
function sockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false; // the listing's own descriptor
    }
  }).length;
}

test("frees threads, sockets and ports", () => {
  const peer = startPeer("echo");
  const before = { threads: threads(), sockets: sockets() };
  const use = (runtime: Runtime) => {
    const server = runtime.listen({ host: "127.0.0.1" });
    const client = runtime.connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    const accepted = server.acceptWait(5000);
    const udp = runtime.bindUdp({ host: "127.0.0.1" });
    const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
    socket.writeAll("x\n");
    socket.readLine(5000);
    return { server, client, accepted, udp, socket };
  };
  for (let round = 0; round < 5; round++) {
    const runtime = createRuntime({ threads: 2 });
    const { server, udp } = use(runtime);
    expect(threads()).toBeGreaterThan(before.threads);
    expect(sockets()).toBeGreaterThan(before.sockets);
    runtime.close();
    waitFor("the threads to end", () => threads() <= before.threads);
    waitFor("the sockets to be closed", () => sockets() <= before.sockets);
    // The ports are free again.
    using next = createRuntime();
    next.listen({ host: "127.0.0.1", port: server.port });
    next.bindUdp({ host: "127.0.0.1", port: udp.port });
  }
});

test("sends what was written first", () => {
  const peer = startPeer("slow", { piece: 200_000, interval: 5 });
  const runtime = createRuntime({ sendBuffer: 1 << 23 });
  const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
  const bytes = 8_000_000;
  expect(socket.write(pattern(60, 0, bytes))).toBe(bytes);
  runtime.close();
  expect(peer.waitForEvent("end")).toMatchObject({ bytes, sha256: patternHash(60, bytes) });
});

test("sends what was written to sockets that were closed before", () => {
  const peer = startPeer("slow", { piece: 200_000, interval: 5 });
  const runtime = createRuntime({ sendBuffer: 1 << 22 });
  const bytes = 4_000_000;
  for (let i = 0; i < 3; i++) {
    const socket = runtime.connect({ host: peer.host, port: peer.port });
    socket.write(pattern(61, 0, bytes));
    socket.close();
  }
  runtime.close();
  peer.waitForEvent("end", 10_000, 3);
  for (const end of peer.events("end")) expect(end).toMatchObject({ bytes, sha256: patternHash(61, bytes) });
});

test("waits at most lingerMs for a peer that reads nothing", () => {
  for (const lingerMs of [0, 400]) {
    const peer = startPeer("silent");
    const runtime = createRuntime({ lingerMs });
    const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
    const bytes = Buffer.alloc(1 << 20);
    while (socket.waitUntilWritable(200)) socket.write(bytes);
    const { milliseconds } = timed(() => runtime.close());
    expect(milliseconds).toBeGreaterThanOrEqual(lingerMs - 1);
    expect(milliseconds).toBeLessThan(lingerMs + 1000);
  }
});

test("a runtime with nothing to send closes at once", () => {
  const peer = startPeer("manual");
  const runtime = createRuntime();
  for (let i = 0; i < 10; i++) runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
  runtime.connect({ host: "127.0.0.1", port: startUnanswering().port });
  expect(timed(() => runtime.close()).milliseconds).toBeLessThan(1500);
  peer.waitForEvent("end", 5000, 10);
  const unused = createRuntime();
  expect(timed(() => unused.close()).milliseconds).toBeLessThan(1000);
});

describe("a closed runtime", () => {
  test("has failed the handles that were open, with the reason", () => {
    const peer = startPeer("greeter", { text: "read me" });
    const runtime = createRuntime();
    const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
    const waiting = runtime.connect({ host: "127.0.0.1", port: startUnanswering().port });
    const server = runtime.listen({ host: "127.0.0.1" });
    const udp = runtime.bindUdp({ host: "127.0.0.1" });
    const address = runtime.resolve("a name that is looked up while");
    waitFor("the greeting", () => socket.readable === 7);
    runtime.close();
    for (const each of [socket, waiting]) {
      expect(each.status).toBe("failure");
      expect(each.error?.code).toBe("ERR_RUNTIME_CLOSED");
      expect(errorOf(() => each.write("x")).code).toBe("ERR_RUNTIME_CLOSED");
    }
    expect(errorOf(() => server.accept()).code).toBe("ERR_RUNTIME_CLOSED");
    expect(errorOf(() => server.acceptWait(-1)).code).toBe("ERR_RUNTIME_CLOSED");
    expect(errorOf(() => udp.receive()).code).toBe("ERR_RUNTIME_CLOSED");
    expect(errorOf(() => udp.receiveWait(-1)).code).toBe("ERR_RUNTIME_CLOSED");
    expect(address.waitUntilResolved(-1)).toBe("failure");
    for (const handle of [socket, waiting, server, udp, address]) handle.close();
  });

  test("opens nothing, and closing again does nothing", () => {
    for (const used of [true, false]) {
      const runtime = createRuntime();
      if (used) runtime.listen({ host: "127.0.0.1" });
      runtime.close();
      runtime.close();
      runtime[Symbol.dispose]();
      const calls: (() => unknown)[] = [
        () => runtime.connect({ port: 1 }),
        () => runtime.listen(),
        () => runtime.bindUdp(),
        () => runtime.resolve("localhost"),
      ];
      for (const call of calls) expect(errorOf(call).code).toBe("ERR_RUNTIME_CLOSED");
      expect(runtime.resolve("127.0.0.1").ip).toBe("127.0.0.1");
    }
  });

  test("is what `using` leaves at the end of the block, also after an error", () => {
    let kept: Runtime | null = null;
    let error: unknown;
    try {
      using runtime = createRuntime();
      kept = runtime;
      runtime.listen({ host: "127.0.0.1" });
      throw new Error("of the program's own");
    } catch (caught) {
      error = caught;
    }
    expect((error as Error).message).toBe("of the program's own");
    expect(errorOf(() => kept?.listen()).code).toBe("ERR_RUNTIME_CLOSED");
  });
});

test("an open runtime does not keep the process alive, and sends what is pending at its end", () => {
  const peer = startPeer("sink");
  const outcome = runProgram(
    `import { createRuntime } from "ringnet";
    for (let i = 0; i < 2; i++) {
      const runtime = createRuntime({ threads: 2 });
      runtime.listen({ host: "127.0.0.1" });
      runtime.connect({ host: "127.0.0.1", port: Number(process.argv[1]) }).write("x".repeat(1_000_000));
    }`,
    { args: [`${peer.port}`] },
  );
  expect(outcome).toMatchObject({ code: 0, errors: "" });
  peer.waitForEvent("end", 5000, 2);
  for (const { bytes } of peer.events("end")) expect(bytes).toBe(1_000_000);
});

test("many runtimes can be made one after another", () => {
  const peer = startPeer("echo");
  const before = threads();
  for (let round = 0; round < 20; round++) {
    using runtime = createRuntime();
    const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
    socket.writeAll("x\n");
    expect(socket.readLine(5000)).toBe("x");
  }
  waitFor("the threads to end", () => threads() <= before + 1);
});
