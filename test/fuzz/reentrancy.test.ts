/**
 * Calls from odd places: `Symbol.dispose`, exit handlers, getters of options, lists that change meanwhile; and memory that is used in
 * odd ways.
 */

import { join } from "node:path";
import { connect, NetError } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { Process, root } from "../support/processes.js";
import { openTo } from "../tcp/sockets.js";

/** What a story of reentrant.js prints; it must run to its end. */
function live(story: string): Record<string, unknown> {
  const args = [
    join(root, "test/fuzz/programs/reentrant.js"),
    story,
    `${startPeer("echo").port}`,
    `${startPeer("silent").port}`,
  ];
  const program = new Process(process.execPath, args, { env: { NODE_OPTIONS: undefined } });
  const [line] = program.waitForOutput(/^\{.*\}$/m, 20_000);
  program.waitForExit(15_000);
  return JSON.parse(line);
}

describe("calls work from", () => {
  test("Symbol.dispose, which is called twice", () => {
    expect(live("dispose")).toEqual({ log: [true, "ERR_SOCKET_CLOSED"], runtime: "ERR_RUNTIME_CLOSED" });
  });

  test("an exit handler: every call that works elsewhere", () => {
    expect(live("exit")).toEqual({ code: 4, again: true, fresh: true, own: true, timeout: "ETIMEDOUT" });
  });

  test("an exit handler, as the first use of the package", () => {
    expect(live("first use at exit")).toEqual({ works: true, drained: 0 });
  });

  test("the handler of an uncaught error", () => {
    expect(live("uncaught error")).toEqual({ works: true });
  });

  test("getters of options that close what is in use", () => {
    expect(live("getters")).toEqual({
      using: true,
      closingRuntime: "ERR_RUNTIME_CLOSED",
      closedWhileListening: "ERR_RUNTIME_CLOSED",
      closedWhileBinding: "ERR_RUNTIME_CLOSED",
      afterwards: true,
    });
  });

  test("lists that close what they list, and handles that close each other", () => {
    const { closed, reported, left } = live("lists") as { closed: number; reported: number; left: number };
    expect(closed).toBe(4);
    expect(reported).toBeGreaterThan(0);
    expect(left).toBe(reported);
  });

  test("several threads that pass connections on", () => {
    expect(live("handover")).toEqual({ good: 200 });
  });

  test("the net facade: on closed handles they return error pairs", () => {
    expect(live("net")).toEqual({ failures: 5, of: 5 });
  });
});

describe("memory", () => {
  test("of the receive ring can be passed to write", () => {
    expect(live("own memory")).toEqual({ same: true });
  });

  test("that is detached is refused; resizable memory is taken at its present size", () => {
    const socket = openTo(startPeer("echo"));
    const gone = new Uint8Array(8);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(() => socket.write(gone)).toThrow(TypeError);
    expect(() => socket.writeAll(gone, 100)).toThrow(TypeError);

    const resizable = new ArrayBuffer(8, { maxByteLength: 64 });
    const tracking = new Uint8Array(resizable);
    const fixed = new Uint8Array(resizable, 4, 4);
    tracking.set(Buffer.from("12345678"));
    socket.writeAll(tracking, 1000);
    socket.writeAll(fixed, 1000);
    expect(String(socket.readExactly(12, 5000))).toBe("123456785678");
    resizable.resize(2);
    socket.writeAll(tracking, 1000);
    expect(String(socket.readExactly(2, 5000))).toBe("12");
    expect(socket.write(fixed)).toBe(0); // it is out of bounds, and so it has no bytes
    resizable.resize(64);
    const target = tracking.subarray(0, 12);
    socket.writeAll("into what resizes", 1000);
    socket.waitUntilReadable(5000);
    expect(socket.readInto(target)).toBe(12);
    expect(Buffer.from(target).toString()).toBe("into what re");
    socket.close();
  });

  test("that is shared is read and filled", () => {
    const socket = openTo(startPeer("echo"));
    const shared = new Uint8Array(new SharedArrayBuffer(5)).fill(65);
    socket.writeAll(shared, 1000);
    shared.fill(0);
    while (socket.readable < 5) socket.waitUntilReadable(1000);
    expect(socket.readInto(shared)).toBe(5);
    expect([...shared]).toEqual([65, 65, 65, 65, 65]);
    socket.close();
  });

  test("of options is copied, even from a pool; options that can't be cloned are refused", () => {
    const peer = startPeer("echo");
    const options = { host: peer.host, port: peer.port, timeout: 2000 };
    const pooled = Buffer.from("not a certificate");
    const error = attempt(() => connect({ ...options, tls: { ca: pooled } }));
    expect(error).toBeInstanceOf(NetError);
    expect(String(pooled)).toBe("not a certificate");
    for (const ca of [() => {}, new Proxy({}, {}), Symbol("ca"), new WeakMap(), [() => {}]]) {
      expect(attempt(() => connect({ ...options, tls: { ca: ca as never } }))).toBeInstanceOf(TypeError);
    }
    // Anything that is not an option is refused.
    for (const unknown of [{ callback: () => {} }, { proxy: new Proxy({}, {}) }]) {
      expect(attempt(() => connect({ ...options, ...unknown } as never))).toBeInstanceOf(TypeError);
    }
  });
});

function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
