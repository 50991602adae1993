/**
 * `peek`, `consume` and `readInto`: reading without a copy, or into the program's own memory.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { pattern } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { errorOf, openTo } from "../tcp/sockets.js";
import { bytesToEdge, order, RING, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

describe("peek and consume", () => {
  test("shows the bytes in shared memory, and the same ones until they are consumed", () => {
    const socket = peer.open();
    order(socket, ["0123456789"]);
    waitFor("the bytes", () => socket.readable === 10);
    const view = socket.peek() as Uint8Array;
    expect(view.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Buffer.from(view).toString()).toBe("0123456789");
    const again = socket.peek() as Uint8Array;
    expect([again.buffer, again.byteOffset, again.length]).toEqual([view.buffer, view.byteOffset, 10]);
    expect(socket.bytesRead).toBe(0);
    socket.consume(4);
    expect(socket.readable).toBe(6);
    expect(socket.bytesRead).toBe(4);
    expect(Buffer.from(socket.peek() as Uint8Array).toString()).toBe("456789");
    socket.consume(0);
    socket.consume(6);
    expect(socket.readable).toBe(0);
    socket.close();
  });

  test("shows bytes across the ring's edge in two parts", () => {
    const socket = peer.open();
    const before = bytesToEdge(0) - 10;
    const sent = pattern(40, 0, before + 50);
    order(socket, [sent.subarray(0, before)], false);
    socket.readExactly(before, 5000);
    order(socket, [sent.subarray(before)]);
    waitFor("the bytes", () => socket.readable === 50);
    const first = socket.peek() as Uint8Array;
    expect(first.length).toBe(10);
    expect(Buffer.from(first).equals(sent.subarray(-50, -40))).toBe(true);
    socket.consume(10);
    const second = socket.peek() as Uint8Array;
    expect(second.length).toBe(40);
    expect(Buffer.from(second).equals(sent.subarray(-40))).toBe(true);
    socket.consume(40);
    expect(socket.waitUntilReadable(5000)).toBe(true);
    expect(socket.peek()).toBeNull();
    socket.close();
  });

  test("a thousand rings' worth can be consumed in place", () => {
    const socket = peer.open();
    const source = startPeer("source", { bytes: 1000 * RING, seed: 41 });
    socket.close();
    const stream = openTo(source, { receiveBuffer: RING });
    let at = 0;
    for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
      const view = stream.peek();
      if (view === null) break;
      if (view.length === 0) stream.waitUntilReadable(100);
      const count = Math.min(view.length, 1 + (at % 977));
      if (!pattern(41, at, count).equals(view.subarray(0, count))) throw new Error(`wrong bytes at ${at}`);
      stream.consume(view.length === 0 ? 0 : count);
      at += view.length === 0 ? 0 : count;
    }
    expect(at).toBe(1000 * RING);
    expect(stream.bytesRead).toBe(at);
    stream.close();
  });

  test("returns empty when there is nothing, null at the end, and throws the error after the bytes", () => {
    const manual = startPeer("manual");
    const socket = openTo(manual);
    manual.waitForEvent("connection");
    expect(socket.peek()).toHaveLength(0);
    manual.send({ do: "write", text: "abc" });
    waitFor("the bytes", () => socket.readable === 3);
    manual.send({ do: "reset" });
    waitFor("the failure", () => socket.status === "failure");
    expect(socket.peek()).toHaveLength(3);
    socket.consume(3);
    expect(errorOf(() => socket.peek()).code).toBe("ECONNRESET");
    socket.close();
    expect(errorOf(() => socket.peek()).code).toBe("ERR_SOCKET_CLOSED");
    expect(errorOf(() => socket.consume(0)).code).toBe("ERR_SOCKET_CLOSED");
  });

  test("refuses to consume more than there is", () => {
    const socket = peer.open();
    order(socket, ["abc"]);
    waitFor("the bytes", () => socket.readable === 3);
    for (const wrong of [4, -1, 1.5, Number.NaN]) expect(() => socket.consume(wrong)).toThrow(RangeError);
    expect(() => socket.consume("1" as never)).toThrow(TypeError);
    expect(socket.readable).toBe(3);
    socket.close();
  });

  test("shows in one part what a timed-out call had gathered", () => {
    const socket = peer.open();
    const sent = pattern(42, 0, 3 * RING);
    order(socket, [sent], false);
    expect(errorOf(() => socket.readExactly(4 * RING, 300)).code).toBe("ETIMEDOUT");
    waitFor("all", () => socket.readable === sent.length);
    const parts: Uint8Array[] = [];
    while (socket.readable > 0) {
      const view = socket.peek() as Uint8Array;
      parts.push(Uint8Array.from(view));
      socket.consume(view.length);
    }
    expect(Buffer.concat(parts).equals(sent)).toBe(true);
    expect(parts.length).toBeLessThanOrEqual(3);
    expect(socket.bytesRead).toBe(sent.length);
    socket.close();
  });
});

describe("readInto", () => {
  test("fills the part of a larger buffer that a view covers", () => {
    const socket = peer.open();
    order(socket, ["0123456789"]);
    waitFor("the bytes", () => socket.readable === 10);
    const target = new Uint8Array(new SharedArrayBuffer(8), 2, 4);
    expect(socket.readInto(target)).toBe(4);
    expect(Buffer.from(target).toString()).toBe("0123");
    expect([...new Uint8Array(target.buffer)].filter((byte) => byte === 0)).toHaveLength(4);
    expect(socket.readInto(new Uint8Array(0))).toBe(0);
    const rest = Buffer.alloc(100);
    expect(socket.readInto(rest)).toBe(6);
    expect(rest.toString("utf8", 0, 6)).toBe("456789");
    expect(socket.bytesRead).toBe(10);
    expect(() => socket.readInto([] as never)).toThrow(TypeError);
    expect(() => socket.readInto(new Uint16Array(4) as never)).toThrow(TypeError);
    socket.close();
  });
});
