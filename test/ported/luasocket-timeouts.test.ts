/**
 * What LuaSocket's test/testclnt.lua (github.com/lunarmodules/luasocket) asserts of timeouts, of what is there when one
 * runs out, and of going on from there. docs/ported-suites.md has the whole list.
 *
 * LuaSocket has two timeouts: one for a call as a whole ("total"), one for each wait within a call ("block"). Here a
 * timeout is total; a limit for each wait is a loop around the calls that wait once.
 */

import type { TcpSocket } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { patternHash, pattern as someBytes } from "../support/bytes.js";
import { type Peer, type Step, startPeer } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf, openTo, readBytes } from "../tcp/sockets.js";

const HALF = 800_091;
/** More than rings and kernel take without a reader. */
const LARGE = 32 << 20;

let peer: Peer;

beforeAll(() => {
  peer = startPeer("scripted");
});

function reconnect(...steps: Step[]): TcpSocket {
  peer.script(...steps);
  return openTo(peer);
}

/** Expects that a call times out, not before its timeout and not long after. */
function runsOut(timeout: number, call: (timeout: number) => unknown): ReturnType<typeof errorOf> {
  const { value, milliseconds } = timed(() => errorOf(() => call(timeout)));
  expect(value.code).toBe("ETIMEDOUT");
  expect(milliseconds).toBeGreaterThanOrEqual(timeout - 1);
  expect(milliseconds).toBeLessThan(timeout + 5000);
  return value;
}

const half: Step = { do: "repeat", text: "a", bytes: HALF };

describe("receiving, the timeout is shorter than the pause", () => {
  test.each([100, 300])(
    "times out after %i ms; nothing that arrived is lost, and the next call returns all of it",
    (timeout) => {
      const socket = reconnect(half, { do: "await" }, half, { do: "end" });
      waitFor("some of the first half", () => socket.readable > 0);
      runsOut(timeout, (ms) => socket.readExactly(2 * HALF, ms));
      expect(socket.readable).toBe(HALF);
      expect(socket.bytesRead).toBe(0);
      runsOut(timeout, (ms) => socket.readExactly(HALF + 1, ms)); // it can be asked for something else
      peer.go();
      expect(socket.readExactly(2 * HALF, 20_000)?.equals(Buffer.alloc(2 * HALF, "a"))).toBe(true);
      expect(socket.waitUntilReadable(5000)).toBe(true);
      expect(socket.read()).toBeNull();
      socket.close();
    },
  );

  test("what arrived can also be read as it is", () => {
    const socket = reconnect({ do: "send", text: "123456" }, { do: "await" }, { do: "send", text: "7890" });
    waitFor("the first part", () => socket.readable === 6);
    runsOut(50, (ms) => socket.readExactly(10, ms));
    expect(String(socket.read())).toBe("123456");
    peer.go();
    expect(String(socket.readExactly(4, 5000))).toBe("7890");
    expect(socket.readExactly(0, 0)).toHaveLength(0);
    socket.close();
  });

  test("a line in two parts with a timeout between them is one line", () => {
    const socket = reconnect({ do: "send", text: "one " }, { do: "await" }, { do: "send", text: "line\nmore" });
    waitFor("the first part", () => socket.readable === 4);
    runsOut(50, (ms) => socket.readLine(ms));
    peer.go();
    expect(socket.readLine(5000)).toBe("one line");
    expect(String(socket.readExactly(4, 5000))).toBe("more");
    socket.close();
  });
});

test("receiving, the timeout is longer than the pause: all of it, as soon as it arrives", () => {
  const socket = reconnect(half, { do: "pause", milliseconds: 200 }, half);
  const { value, milliseconds } = timed(() => socket.readExactly(2 * HALF, 20_000));
  expect(value).toHaveLength(2 * HALF);
  expect(milliseconds).toBeLessThan(20_000);
  socket.close();
});

describe("bytes that keep arriving, each in time, the whole too late", () => {
  const text = "all of this comes in single bytes";
  const interval = 30;

  test("a timeout is total: it runs out, and the bytes remain readable", () => {
    const drip = startPeer("drip", { text, interval });
    const socket = openTo(drip);
    expect(socket.waitUntilReadable(5000)).toBe(true);
    runsOut(300, (ms) => socket.readExactly(text.length, ms));
    expect(socket.readable).toBeGreaterThan(0);
    expect(socket.readable).toBeLessThan(text.length);
    expect(String(socket.readExactly(text.length, 20_000))).toBe(text);
    socket.close();
  });

  test("a limit per wait is a loop: it takes longer than the limit, and returns all", () => {
    const limit = 600;
    const drip = startPeer("drip", { text, interval });
    const socket = openTo(drip);
    let received = "";
    const { milliseconds } = timed(() => {
      while (socket.waitUntilReadable(limit)) {
        const piece = socket.read();
        if (piece === null) break;
        received += piece;
      }
    });
    expect(received).toBe(text);
    expect(milliseconds).toBeGreaterThan(limit);
    socket.close();
  });
});

describe("sending", () => {
  test("the peer does not read: a timeout, and the error says where to continue", () => {
    const socket = reconnect({ do: "await" }, { do: "receive" }, { do: "end" });
    const data = someBytes(3, 0, LARGE);
    const error = runsOut(200, (ms) => socket.writeAll(data, ms));
    const written = error.bytesWritten as number;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(LARGE);
    expect(socket.bytesWritten).toBe(written);
    peer.go();
    socket.writeAll(data.subarray(written), 20_000);
    socket.end();
    const received = peer.waitForEvent("received", 10_000, peer.events("received").length + 1);
    expect([received.bytes, received.sha256]).toEqual([LARGE, patternHash(3, LARGE)]);
    socket.close();
  });

  test("the peer reads in time: all of it", () => {
    const before = peer.events("received").length;
    const socket = reconnect({ do: "pause", milliseconds: 200 }, { do: "receive" }, { do: "end" });
    socket.writeAll(someBytes(4, 0, LARGE), 20_000);
    socket.end();
    expect(peer.waitForEvent("received", 10_000, before + 1).sha256).toBe(patternHash(4, LARGE));
    socket.close();
  });

  test("the peer reads slowly: a total timeout runs out, a limit per wait does not", () => {
    const slow = startPeer("slow", { piece: 1 << 20, interval: 50 });
    const socket = openTo(slow);
    const data = someBytes(5, 0, LARGE);
    let at = runsOut(250, (ms) => socket.writeAll(data, ms)).bytesWritten as number;
    expect(at).toBeLessThan(LARGE);
    while (at < LARGE && socket.waitUntilWritable(5000)) at += socket.write(data.subarray(at));
    expect(at).toBe(LARGE);
    socket.end();
    expect(slow.waitForEvent("end", 20_000).sha256).toBe(patternHash(5, LARGE));
    socket.close();
  });
});

describe("without ever waiting", () => {
  const sizes = [1, 17, 200, 4091, 80_199, 800_000, 80_199, 4091, 200, 17, 1];

  test("a line in two parts can be read with repeated calls", () => {
    for (const size of sizes) {
      const socket = reconnect(
        { do: "repeat", text: "a", bytes: size },
        { do: "pause", milliseconds: 20 },
        { do: "repeat", text: "b", bytes: size },
        { do: "send", text: "\n" },
      );
      let line: string | null = null;
      const deadline = performance.now() + 10_000;
      while (line === null && performance.now() < deadline) {
        try {
          line = socket.readLine(0, { maxLength: 2 * size });
        } catch (error) {
          expect((error as { code: string }).code).toBe("ETIMEDOUT");
        }
      }
      expect(line === `${"a".repeat(size)}${"b".repeat(size)}`, `${size} bytes`).toBe(true);
      socket.close();
    }
  });

  test("a block can be sent by writing the rest again while the peer pauses", () => {
    for (const size of sizes) {
      const socket = reconnect({ do: "pause", milliseconds: 20 }, { do: "receive", bytes: 2 * size }, { do: "return" });
      const block = someBytes(6, 0, 2 * size);
      const deadline = performance.now() + 10_000;
      for (let at = 0; at < block.length && performance.now() < deadline; ) at += socket.write(block.subarray(at));
      expect(readBytes(socket, block.length).equals(block), `${size} bytes`).toBe(true);
      socket.close();
    }
  });
});
