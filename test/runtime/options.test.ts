/**
 * `createRuntime`: what its options may be.
 */

import { readdirSync } from "node:fs";
import { createRuntime, type Runtime, type RuntimeOptions } from "ringnet";
import { afterEach, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { pause, waitFor } from "../support/waiting.js";
import { fill } from "../tcp/sockets.js";

const opened: Runtime[] = [];
afterEach(() => {
  for (const runtime of opened.splice(0)) runtime.close();
});

function runtimeWith(options?: RuntimeOptions): Runtime {
  const runtime = createRuntime(options);
  opened.push(runtime);
  return runtime;
}

test.each<[keyof RuntimeOptions, unknown[], unknown[]]>([
  ["threads", [0, -1, 1.5, 65, Number.NaN, Number.POSITIVE_INFINITY], ["2", null, true]],
  ["receiveBuffer", [0, 1, 2048, 5000, 65_537, -4096, 2 ** 29, Number.NaN], ["65536", null]],
  ["sendBuffer", [0, 1, 2048, 5000, 65_537, -4096, 2 ** 29, Number.NaN], ["65536", null]],
  ["busyPoll", [-1, 0.5, 1_000_001, Number.NaN], ["100", null]],
  ["lingerMs", [-1, 0.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY], ["100", null]],
  ["resourceLimits", [], [5, "x", null]],
])("%s out of range throws a RangeError, of a wrong type a TypeError; both name it", (name, outOfRange, wrong) => {
  for (const value of outOfRange) {
    expect(() => createRuntime({ [name]: value })).toThrow(RangeError);
    expect(() => createRuntime({ [name]: value })).toThrow(name);
  }
  for (const value of wrong) {
    expect(() => createRuntime({ [name]: value })).toThrow(TypeError);
    expect(() => createRuntime({ [name]: value })).toThrow(name);
  }
});

test("options must be an object, or nothing", () => {
  for (const wrong of [null, 5, "x"]) expect(() => createRuntime(wrong as never)).toThrow(TypeError);
  runtimeWith();
  runtimeWith({});
  runtimeWith({ threads: undefined, receiveBuffer: undefined, lingerMs: undefined });
});

test("starts nothing before the first use", () => {
  const before = readdirSync("/proc/self/task").length;
  const runtime = runtimeWith({ threads: 8 });
  expect(readdirSync("/proc/self/task").length).toBe(before);
  expect(runtime.resolve("127.0.0.1").ip).toBe("127.0.0.1"); // nor for what needs no network
  expect(runtime.localAddresses().length).toBeGreaterThan(0);
  expect(readdirSync("/proc/self/task").length).toBe(before);
});

describe("ring sizes", () => {
  test("are the runtime's by default", () => {
    const runtime = runtimeWith({ receiveBuffer: 8192, sendBuffer: 16_384 });
    const peer = startPeer("source", { bytes: 1_000_000 });
    const target = { host: peer.host, port: peer.port, timeout: 5000 };
    const socket = runtime.connect(target);
    expect(socket.writable).toBe(16_384);
    waitFor("a full ring", () => socket.readable === 8192);
    const other = runtime.connect({ ...target, receiveBuffer: 4096, sendBuffer: 65_536 });
    expect(other.writable).toBe(65_536);
    waitFor("a full ring", () => other.readable === 4096);
    pause(50);
    expect([socket.readable, other.readable]).toEqual([8192, 4096]);
  });

  test("apply to accepted connections too", () => {
    const runtime = runtimeWith({ receiveBuffer: 8192, sendBuffer: 16_384 });
    const servers = [
      runtime.listen({ host: "127.0.0.1" }),
      runtime.listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 4096 }),
    ];
    const sizes = servers.map((server) => {
      startPeer("source", { connect: server.port, bytes: 1_000_000 });
      const socket = server.acceptWait(5000);
      expect(socket.waitUntilReadable(5000)).toBe(true);
      waitFor("a ring that gets no fuller", () => {
        const seen = socket.readable;
        pause(50);
        return socket.readable === seen;
      });
      return [socket.readable, socket.writable];
    });
    expect(sizes).toEqual([
      [8192, 16_384],
      [4096, 4096],
    ]);
  });

  test("the smallest and a large one work", () => {
    const runtime = runtimeWith({ receiveBuffer: 4096, sendBuffer: 2 ** 26 });
    const peer = startPeer("silent");
    const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
    expect(fill(socket)).toBeGreaterThan(2 ** 26);
    socket.reset();
  });

  test("given to a connection are checked too", () => {
    const runtime = runtimeWith();
    for (const size of [0, 1000, 5000, -4096, 2 ** 29]) {
      expect(() => runtime.connect({ port: 1, receiveBuffer: size })).toThrow(RangeError);
      expect(() => runtime.connect({ port: 1, sendBuffer: size })).toThrow(RangeError);
      expect(() => runtime.listen({ receiveBuffer: size })).toThrow(RangeError);
      expect(() => runtime.bindUdp({ sendBuffer: size })).toThrow(RangeError);
    }
  });
});

test.each([0, 1000, 1_000_000])("busyPoll of %d µs answers requests, and stops when idle", (busyPoll) => {
  const runtime = runtimeWith({ busyPoll });
  const peer = startPeer("echo");
  const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
  for (let round = 0; round < 500; round++) {
    socket.write("request\n");
    expect(socket.readLine(5000)).toBe("request");
  }
  pause(1200); // longer than the longest polling
  const before = process.cpuUsage();
  pause(500);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(250); // a thread that polled would have used 500 ms
});
