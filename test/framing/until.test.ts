/**
 * `readUntil`: delimiters of one and of several bytes, wherever they lie in the ring.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { bytesToEdge, order, RING, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

test("returns the bytes up to and including the delimiter", () => {
  const socket = peer.open();
  order(socket, ["one;two;;three"]);
  expect(String(socket.readUntil(";", 5000))).toBe("one;");
  expect(String(socket.readUntil(Uint8Array.of(59), 5000))).toBe("two;");
  expect(String(socket.readUntil(";", 5000))).toBe(";");
  expect(socket.bytesRead).toBe(9);
  const error = errorOf(() => socket.readUntil(";", 5000));
  expect(error.code).toBe("ERR_STREAM_PREMATURE_CLOSE");
  expect(String(socket.read())).toBe("three");
  expect(socket.readUntil(";", 5000)).toBeNull();
  socket.close();
});

test("finds a delimiter behind a part of itself", () => {
  const socket = peer.open();
  order(socket, ["aaab--aabaab", "\r\r\n\r\r\n\r\n"]);
  expect(String(socket.readUntil("aab", 5000))).toBe("aaab");
  expect(String(socket.readUntil("aabaab", 5000))).toBe("--aabaab");
  expect(String(socket.readUntil("\r\n\r\n", 5000))).toBe("\r\r\n\r\r\n\r\n");
  socket.close();
});

test("finds a delimiter that arrives in pieces", () => {
  const socket = peer.open();
  order(socket, ["head\r", { bytes: "\n", delay: 30 }, { bytes: "\r", delay: 30 }, { bytes: "\nbody", delay: 30 }]);
  expect(String(socket.readUntil("\r\n\r\n", 5000))).toBe("head\r\n\r\n");
  expect(String(socket.readExactly(4, 5000))).toBe("body");
  socket.close();
});

test("finds a delimiter of multi-byte characters", () => {
  const socket = peer.open();
  order(socket, ["über§und§"]);
  expect(String(socket.readUntil("§", 5000))).toBe("über§");
  expect(String(socket.readUntil("d§", 5000))).toBe("und§");
  socket.close();
});

describe("finds a delimiter across the ring's edge, at each offset", () => {
  test.each(["\n", "\r\n", "\r\n\r\n", "--boundary"])("%j", (delimiter) => {
    const socket = peer.open();
    for (let before = 0; before <= delimiter.length; before++) {
      const filler = RING + bytesToEdge(socket.bytesRead) - before;
      // In one piece, and so that the delimiter comes after the rest was searched.
      order(socket, ["x".repeat(filler - 8), { bytes: "12345678", delay: before % 2 }], false);
      expect(socket.readExactly(filler - 8, 5000)).toHaveLength(filler - 8);
      order(socket, [delimiter, "z"], false);
      expect(String(socket.readUntil(delimiter, 5000))).toBe(`12345678${delimiter}`);
      expect(bytesToEdge(socket.bytesRead + before - delimiter.length)).toBe(RING);
      expect(String(socket.readExactly(1, 5000))).toBe("z");
    }
    socket.close();
  });
});

test("finds a delimiter that is half in gathered bytes and half in the ring", () => {
  const socket = peer.open();
  const long = "y".repeat(2 * RING);
  order(socket, [`${long}\r\n\r`, { bytes: "\nrest", delay: 500 }]);
  expect(errorOf(() => socket.readUntil("\r\n\r\n", 200)).code).toBe("ETIMEDOUT");
  waitFor("all but the last", () => socket.readable === long.length + 3);
  expect(String(socket.readUntil("\r\n\r\n", 5000))).toBe(`${long}\r\n\r\n`);
  expect(String(socket.readAll(5000))).toBe("rest");
  socket.close();
});

test("handles a frame and a delimiter longer than the ring", () => {
  const socket = peer.open();
  const delimiter = `<${"d".repeat(2 * RING)}>`;
  const long = `${"<d".repeat(3 * RING)}`;
  order(socket, [long, delimiter, "after"]);
  expect(String(socket.readUntil(delimiter, 5000))).toBe(long + delimiter);
  expect(String(socket.readAll(5000))).toBe("after");
  socket.close();
});

test("maxLength bounds the bytes before the delimiter; what is too long remains readable", () => {
  const socket = peer.open();
  order(socket, ["12345--", "123456--"]);
  expect(String(socket.readUntil("--", 5000, { maxLength: 5 }))).toBe("12345--");
  expect(errorOf(() => socket.readUntil("--", 5000, { maxLength: 5 })).code).toBe("EMSGSIZE");
  expect(socket.bytesRead).toBe(7);
  expect(String(socket.readUntil("--", 5000, { maxLength: 6 }))).toBe("123456--");
  socket.close();
  const endless = peer.open();
  order(endless, ["a".repeat(50 * RING)], false);
  expect(errorOf(() => endless.readUntil("--", 5000, { maxLength: 3 * RING })).code).toBe("EMSGSIZE");
  expect(endless.readable).toBeLessThanOrEqual(5 * RING);
  endless.close();
});

test("refuses an empty delimiter and values without bytes", () => {
  const socket = peer.open();
  expect(() => socket.readUntil("", 10)).toThrow(RangeError);
  expect(() => socket.readUntil(new Uint8Array(0), 10)).toThrow(RangeError);
  expect(() => socket.readUntil(10 as never, 10)).toThrow(TypeError);
  expect(() => socket.readUntil(null as never, 10)).toThrow(TypeError);
  socket.close();
});
