/**
 * `readLine`.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { bytesToEdge, order, RING, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

/** All lines up to the end of the stream. */
function linesOf(socket: ReturnType<typeof peer.open>): string[] {
  const lines: string[] = [];
  for (let line = socket.readLine(5000); line !== null; line = socket.readLine(5000)) lines.push(line);
  return lines;
}

test("returns lines without their ends, of either kind", () => {
  const socket = peer.open();
  order(socket, ["one\ntwo\r\n\n\r\nfive \r six\r\r\n", "seven"]);
  expect(linesOf(socket)).toEqual(["one", "two", "", "", "five \r six\r", "seven"]);
  expect(socket.bytesRead).toBe(Buffer.byteLength("one\ntwo\r\n\n\r\nfive \r six\r\r\nseven"));
  expect(socket.readLine()).toBeNull();
  socket.close();
});

describe("encoding", () => {
  const bytes = Buffer.from([0x4e, 0xe4, 0xff, 0x80, 0x0d, 0x0a, 0xc3, 0xa4]);

  test("latin1 makes a character of each byte, of the last line too", () => {
    const socket = peer.open();
    order(socket, [bytes]);
    expect(socket.readLine(5000, { encoding: "latin1" })).toBe("N\u00e4\u00ff\u0080");
    expect(socket.readLine(5000, { encoding: "latin1" })).toBe("\u00c3\u00a4");
    socket.close();
  });

  test("is utf8 by default", () => {
    const socket = peer.open();
    order(socket, [bytes]);
    expect(socket.readLine(5000)).toBe("N\ufffd\ufffd\ufffd");
    expect(socket.readLine(5000, { encoding: "utf8" })).toBe("ä");
    socket.close();
  });

  test("refuses any other, with an error that names it", () => {
    const socket = peer.open();
    expect(() => socket.readLine(0, { encoding: "utf16le" as never })).toThrow(/encoding must be one of utf8, latin1/);
    expect(() => socket.readLine(0, { encoding: "utf16le" as never })).toThrow(RangeError);
    expect(() => socket.readLine(0, { encoding: 5 as never })).toThrow(TypeError);
    socket.close();
  });
});

test("a line end may arrive split, and lines byte by byte", () => {
  const socket = peer.open();
  order(socket, [{ bytes: "one\r" }, { bytes: "\ntwo", delay: 30 }, { bytes: "\r", delay: 30 }, { bytes: "\n" }]);
  expect(linesOf(socket)).toEqual(["one", "two"]);
  socket.close();
  const slow = peer.open();
  order(
    slow,
    [..."a\r\nbc\nd\r\n"].map((bytes) => ({ bytes, delay: 2 })),
  );
  expect(linesOf(slow)).toEqual(["a", "bc", "d"]);
  slow.close();
});

test("only the last line may lack its end; no empty line follows the last end", () => {
  const socket = peer.open();
  order(socket, ["last\n"]);
  expect(linesOf(socket)).toEqual(["last"]);
  socket.close();
  const cut = peer.open();
  order(cut, ["cut off\r"]);
  expect(linesOf(cut)).toEqual(["cut off\r"]);
  cut.close();
});

test("decodes UTF-8, however its bytes were split", () => {
  const text = "grüß dich — 你好 🦊🦊 é";
  const bytes = Buffer.from(`${text}\n`);
  const socket = peer.open();
  order(
    socket,
    Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
  );
  expect(socket.readLine(5000)).toBe(text);
  socket.close();
});

test("reads UTF-8 and line ends across the ring's edge, at each offset", () => {
  const socket = peer.open();
  const line = "🦊é你\r\n";
  const size = Buffer.byteLength(line);
  for (let before = 0; before <= size; before++) {
    // The line begins `before` bytes before the edge.
    const filler = RING + bytesToEdge(socket.bytesRead) - before;
    order(socket, ["x".repeat(filler - 1), "\n", line], false);
    expect(socket.readLine(5000)).toHaveLength(filler - 1);
    expect(bytesToEdge(socket.bytesRead + before)).toBe(RING);
    waitFor("the line", () => socket.readable === size);
    expect(socket.readLine(0)).toBe("🦊é你");
  }
  socket.close();
});

test("invalid UTF-8 becomes replacement characters, as with Node's decoders", () => {
  const socket = peer.open();
  order(socket, [Uint8Array.of(0x61, 0xff, 0xc3, 0x0a)]);
  expect(socket.readLine(5000)).toBe(Buffer.of(0x61, 0xff, 0xc3).toString());
  socket.close();
});

test.each([RING - 1, RING, RING + 1, 10 * RING, 1 << 20])("a line of %d bytes through a ring of 4096", (length) => {
  const socket = peer.open();
  order(socket, [`${"a".repeat(length)}\n`, "b\n"]);
  expect(socket.readLine(5000)).toBe("a".repeat(length));
  expect(socket.readLine(5000)).toBe("b");
  expect(socket.readLine(5000)).toBeNull();
  expect(socket.bytesRead).toBe(length + 3);
  socket.close();
});

describe("maxLength", () => {
  test("is the most bytes that a line may have, its end not counted", () => {
    for (const end of ["\n", "\r\n"]) {
      const socket = peer.open();
      order(socket, [`12345${end}123456${end}`]);
      expect(socket.readLine(5000, { maxLength: 5 })).toBe("12345");
      for (let i = 0; i < 2; i++) {
        expect(errorOf(() => socket.readLine(5000, { maxLength: 5 })).code).toBe("EMSGSIZE");
      }
      expect(socket.bytesRead).toBe(5 + end.length);
      expect(socket.readLine(5000, { maxLength: 6 })).toBe("123456"); // it remained readable
      socket.close();
    }
  });

  test("counts bytes, not characters", () => {
    const socket = peer.open();
    order(socket, ["éé\n"]);
    expect(errorOf(() => socket.readLine(5000, { maxLength: 3 })).code).toBe("EMSGSIZE");
    expect(socket.readLine(5000, { maxLength: 4 })).toBe("éé");
    socket.close();
  });

  test("0 allows empty lines only", () => {
    const socket = peer.open();
    order(socket, ["\nx\n"]);
    expect(socket.readLine(5000, { maxLength: 0 })).toBe("");
    expect(errorOf(() => socket.readLine(5000, { maxLength: 0 })).code).toBe("EMSGSIZE");
    socket.close();
  });

  test("holds for the last line, which has no end", () => {
    const socket = peer.open();
    order(socket, ["123456"]);
    expect(errorOf(() => socket.readLine(5000, { maxLength: 5 })).code).toBe("EMSGSIZE");
    expect(socket.readLine(5000, { maxLength: 6 })).toBe("123456");
    socket.close();
  });

  test("stops a peer that never ends its line before it fills the memory", () => {
    const socket = peer.open();
    order(socket, ["a".repeat(100 * RING)], false);
    expect(errorOf(() => socket.readLine(5000, { maxLength: 10 * RING })).code).toBe("EMSGSIZE");
    expect(socket.readable).toBeLessThanOrEqual(12 * RING);
    socket.close();
  });

  test("stops a line without an end as soon as it is too long, not when the time is up", () => {
    const socket = peer.open();
    order(socket, ["123456"], false);
    expect(errorOf(() => socket.readLine(5000, { maxLength: 4 })).code).toBe("EMSGSIZE");
    socket.close();
  });

  test("is 1 MiB by default", () => {
    const socket = peer.open({ receiveBuffer: 1 << 22 });
    order(socket, [`${"a".repeat(1 << 20)}\n${"a".repeat((1 << 20) + 1)}\n`]);
    expect(socket.readLine(5000)).toHaveLength(1 << 20);
    expect(errorOf(() => socket.readLine(5000)).code).toBe("EMSGSIZE");
    expect(socket.readLine(5000, { maxLength: Number.POSITIVE_INFINITY })).toHaveLength((1 << 20) + 1);
    socket.close();
  });

  test("refuses what is not a number of bytes", () => {
    const socket = peer.open();
    for (const wrong of [-1, 0.5, Number.NaN]) {
      expect(() => socket.readLine(10, { maxLength: wrong })).toThrow(RangeError);
    }
    expect(() => socket.readLine(10, { maxLength: "5" as never })).toThrow(TypeError);
    expect(() => socket.readLine(10, null as never)).toThrow(TypeError);
    socket.close();
  });
});

test.each([10, 3 * RING])("a line of %d bytes that comes after the timeout is returned by the next call", (length) => {
  const socket = peer.open();
  order(socket, ["a".repeat(length), { bytes: "b\r", delay: 400 }, { bytes: "\nc", delay: 400 }]);
  expect(errorOf(() => socket.readLine(100)).code).toBe("ETIMEDOUT");
  expect(socket.bytesRead).toBe(0);
  expect(errorOf(() => socket.readLine(0)).code).toBe("ETIMEDOUT");
  expect(socket.readLine(5000)).toBe(`${"a".repeat(length)}b`);
  expect(socket.readLine(5000)).toBe("c");
  expect(socket.bytesRead).toBe(length + 4);
  socket.close();
});
