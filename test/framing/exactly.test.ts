/**
 * `readExactly`.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { pattern } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { errorOf, openTo } from "../tcp/sockets.js";
import { order, RING, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

test("returns exactly n bytes, however they arrived", () => {
  const socket = peer.open();
  const sent = pattern(1, 0, 3 * RING);
  const pieces = [];
  for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 7) % 611) {
    pieces.push(sent.subarray(at, at + size));
  }
  order(socket, pieces);
  let at = 0;
  for (let size = 1; at + size < sent.length; at += size, size = (size * 5) % 1013) {
    expect(socket.readExactly(size, 5000)?.equals(sent.subarray(at, at + size))).toBe(true);
    expect(socket.bytesRead).toBe(at + size);
  }
  expect(socket.readExactly(sent.length - at, 5000)?.equals(sent.subarray(at))).toBe(true);
  expect(socket.readExactly(1, 5000)).toBeNull();
  expect(socket.readExactly(1, 5000)).toBeNull();
  socket.close();
});

test("returns more bytes than the ring holds", () => {
  const socket = peer.open();
  const sent = pattern(2, 0, 20 * RING + 17);
  order(socket, [sent]);
  expect(socket.readExactly(3, 5000)?.equals(sent.subarray(0, 3))).toBe(true);
  expect(socket.readExactly(sent.length - 5, 5000)?.equals(sent.subarray(3, -2))).toBe(true);
  expect(socket.readExactly(2, 5000)?.equals(sent.subarray(-2))).toBe(true);
  expect(socket.bytesRead).toBe(sent.length);
  socket.close();
});

test("0 bytes return at once, also before anything arrived and at the end", () => {
  const socket = peer.open();
  expect(socket.readExactly(0)).toEqual(Buffer.alloc(0));
  order(socket, []);
  expect(socket.readExactly(1, 5000)).toBeNull();
  expect(socket.readExactly(0)).toEqual(Buffer.alloc(0));
  socket.close();
});

describe("the stream ends too early", () => {
  test.each([10, RING + 10])("after %d bytes, which stay", (count) => {
    const socket = peer.open();
    const sent = pattern(3, 0, count);
    order(socket, [sent]);
    for (let i = 0; i < 2; i++) {
      const error = errorOf(() => socket.readExactly(count + 1, 5000));
      expect(error.code).toBe("ERR_STREAM_PREMATURE_CLOSE");
      expect(error.message).toContain(`${count} bytes`);
    }
    expect(socket.bytesRead).toBe(0);
    expect(socket.readable).toBe(count);
    expect(socket.readExactly(count)?.equals(sent)).toBe(true);
    expect(socket.readExactly(1)).toBeNull();
    socket.close();
  });

  test("by a reset: the bytes that arrived, then the error", () => {
    const reset = startPeer("manual");
    const socket = openTo(reset);
    reset.waitForEvent("connection");
    reset.send({ do: "write", text: "0123456789" });
    waitFor("the bytes", () => socket.readable === 10);
    reset.send({ do: "reset" });
    expect(errorOf(() => socket.readExactly(11, 5000)).code).toBe("ECONNRESET");
    expect(String(socket.readExactly(10, 5000))).toBe("0123456789");
    expect(errorOf(() => socket.readExactly(1, 5000)).code).toBe("ECONNRESET");
    socket.close();
  });
});

describe("what arrived in time remains readable", () => {
  test.each([100, RING, 3 * RING])("%d bytes, for any reading call", (count) => {
    const socket = peer.open();
    const sent = pattern(4, 0, count);
    order(socket, [sent], false);
    const error = errorOf(() => socket.readExactly(count + 1, 300));
    expect(error.code).toBe("ETIMEDOUT");
    waitFor("all", () => socket.readable === count); // the last of them may still be in the kernel
    expect(socket.bytesRead).toBe(0);
    expect(errorOf(() => socket.readExactly(count + 1, 0)).code).toBe("ETIMEDOUT");
    // Each way to read continues where the one before stopped.
    expect(socket.read(10)?.equals(sent.subarray(0, 10))).toBe(true);
    const target = Buffer.alloc(20);
    expect(socket.readInto(target)).toBe(20);
    expect(target.equals(sent.subarray(10, 30))).toBe(true);
    expect(Buffer.from(socket.peek()?.subarray(0, 5) as Uint8Array).equals(sent.subarray(30, 35))).toBe(true);
    socket.consume(5);
    expect(socket.bytesRead).toBe(35);
    expect(socket.readExactly(count - 35, 0)?.equals(sent.subarray(35))).toBe(true);
    expect(socket.readable).toBe(0);
    order(socket, ["more"]);
    expect(String(socket.readExactly(4, 5000))).toBe("more");
    expect(socket.bytesRead).toBe(count + 4);
    socket.close();
  });

  test("many timeouts lose nothing and repeat nothing", () => {
    const socket = peer.open();
    const sent = pattern(5, 0, 5 * RING);
    const pieces = Array.from({ length: 50 }, (_, i) => ({
      bytes: sent.subarray((i * sent.length) / 50, ((i + 1) * sent.length) / 50),
      delay: 5,
    }));
    order(socket, pieces);
    let bytes: Buffer | null = null;
    let timeouts = 0;
    for (const deadline = performance.now() + 10_000; bytes === null && performance.now() < deadline; ) {
      try {
        bytes = socket.readExactly(sent.length, 3);
      } catch (error) {
        expect((error as { code: string }).code).toBe("ETIMEDOUT");
        timeouts++;
      }
    }
    expect(timeouts).toBeGreaterThan(5);
    expect(bytes?.equals(sent)).toBe(true);
    socket.close();
  });
});

test("refuses wrong counts and timeouts without reading anything", () => {
  const socket = peer.open();
  order(socket, ["abc"]);
  waitFor("the bytes", () => socket.readable === 3);
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => socket.readExactly(wrong, 100)).toThrow(RangeError);
  }
  expect(() => socket.readExactly("3" as never, 100)).toThrow(TypeError);
  expect(() => socket.readExactly(3, -2)).toThrow(RangeError);
  expect(String(socket.readExactly(3, 100))).toBe("abc");
  socket.close();
  expect(errorOf(() => socket.readExactly(1, 100)).code).toBe("ERR_SOCKET_CLOSED");
});
