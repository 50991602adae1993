/**
 * `writeAll`.
 */

import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf, fill, openTo } from "../tcp/sockets.js";

test("writes everything, however small the ring and however slow the peer", () => {
  const peer = startPeer("slow", { piece: 40_000, interval: 5 });
  const socket = openTo(peer, { sendBuffer: 4096 });
  const data = pattern(30, 0, 1_000_000);
  socket.writeAll(data, 20_000);
  expect(socket.bytesWritten).toBe(data.length);
  socket.end();
  const { bytes, sha256 } = peer.waitForEvent("end", 20_000);
  expect(bytes).toBe(data.length);
  expect(sha256).toBe(patternHash(30, data.length));
  socket.close();
});

test("encodes strings as UTF-8; accepts empty ones", () => {
  const peer = startPeer("echo");
  const socket = openTo(peer);
  socket.writeAll("");
  socket.writeAll(new Uint8Array(0), 0);
  socket.writeAll("grüß dich\n", 5000);
  expect(socket.bytesWritten).toBe(12);
  expect(socket.readLine(5000)).toBe("grüß dich");
  socket.close();
});

describe("several pieces", () => {
  test("go out in their order, empty ones and strings among them, however small the ring", () => {
    const peer = startPeer("slow", { piece: 40_000, interval: 1 });
    const socket = openTo(peer, { sendBuffer: 4096 });
    const data = pattern(34, 0, 300_000);
    const pieces: Uint8Array[] = [];
    for (let at = 0, size = 0; at < data.length; at += size, size = (size * 7 + 3) % 9001) {
      pieces.push(data.subarray(at, at + size));
    }
    socket.writeAll(pieces, 20_000);
    expect(socket.bytesWritten).toBe(data.length);
    socket.end();
    const { bytes, sha256 } = peer.waitForEvent("end", 20_000);
    expect([bytes, sha256]).toEqual([data.length, patternHash(34, data.length)]);
    socket.close();
    const echo = openTo(startPeer("echo"));
    echo.writeAll(["grüß", "", Buffer.from(" dich"), new Uint8Array([10])], 5000);
    echo.writeAll([]);
    expect(echo.readLine(5000)).toBe("grüß dich");
    echo.close();
  });

  test("one that has no bytes is refused by its number, before anything is taken", () => {
    const socket = openTo(startPeer("echo"));
    expect(() => socket.writeAll(["x", 5 as never])).toThrow(/data\[1\] must be a string or a Uint8Array/);
    expect(socket.bytesWritten).toBe(0);
    socket.close();
  });

  test("a timeout says how many bytes of all of them were taken", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer, { sendBuffer: 65_536 });
    const piece = pattern(35, 0, 5_000_000);
    const error = errorOf(() => socket.writeAll([piece, piece, piece, piece], 300));
    expect(error.code).toBe("ETIMEDOUT");
    expect(error.bytesWritten).toBe(socket.bytesWritten);
    socket.reset();
  });
});

describe("a timeout", () => {
  test("the error says how many bytes were taken, so that the program can continue from there", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer, { sendBuffer: 65_536 });
    const data = pattern(31, 0, 20_000_000);
    const error = errorOf(() => socket.writeAll(data, 300));
    expect(error.code).toBe("ETIMEDOUT");
    expect(error.bytesWritten).toBeGreaterThan(0);
    expect(error.bytesWritten).toBeLessThan(data.length);
    expect(socket.bytesWritten).toBe(error.bytesWritten);
    expect(socket.status).toBe("success");
    peer.send({ do: "resume" });
    socket.writeAll(data.subarray(error.bytesWritten), 20_000);
    socket.end();
    const { bytes, sha256 } = peer.waitForEvent("end", 20_000);
    expect(bytes).toBe(data.length);
    expect(sha256).toBe(patternHash(31, data.length));
    socket.close();
  });

  test("0 takes what fits now", () => {
    const socket = openTo(startPeer("silent"), { sendBuffer: 4096 });
    fill(socket);
    const error = errorOf(() => socket.writeAll("more", 0));
    expect(error.code).toBe("ETIMEDOUT");
    expect(error.bytesWritten).toBe(0);
    socket.close();
  });

  test("a peer that reads a little now and then does not extend it", () => {
    const peer = startPeer("slow", { piece: 2000, interval: 100 });
    const socket = openTo(peer, { sendBuffer: 4096 });
    const { value, milliseconds } = timed(() => errorOf(() => socket.writeAll(Buffer.alloc(50_000_000), 700)));
    expect(value.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeGreaterThanOrEqual(699);
    expect(milliseconds).toBeLessThan(1500);
    socket.close();
  });
});

test("before the connection is established, takes a ring of bytes and waits for room", () => {
  const stuck = startUnanswering();
  const socket = connect({ host: stuck.host, port: stuck.port, sendBuffer: 4096 });
  socket.writeAll(Buffer.alloc(4096), 100);
  const error = errorOf(() => socket.writeAll("x", 100));
  expect(error.code).toBe("ETIMEDOUT");
  expect(error.bytesWritten).toBe(0);
  socket.close();
  const peer = startPeer("sink", { reply: "all" });
  const other = connect({ host: peer.host, port: peer.port, sendBuffer: 4096 });
  other.writeAll(Buffer.alloc(1_000_000), 10_000);
  other.end();
  expect(String(other.readAll(5000))).toBe("all");
  other.close();
});

describe("a connection that fails", () => {
  test("throws its error during the wait", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    fill(socket);
    peer.send({ do: "reset", delay: 200 });
    const { value, milliseconds } = timed(() => errorOf(() => socket.writeAll(Buffer.alloc(50_000_000), -1)));
    expect(value.code).toMatch(/^(ECONNRESET|EPIPE)$/);
    expect(milliseconds).toBeLessThan(5000);
    socket.close();
  });

  test("throws at once on a failed, ended or closed one", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    waitFor("the failure", () => socket.status === "failure");
    expect(errorOf(() => socket.writeAll("x", -1)).code).toBe("ECONNRESET");
    socket.close();
    const ended = openTo(startPeer("sink"));
    ended.end();
    expect(errorOf(() => ended.writeAll("x", -1)).code).toBe("EPIPE");
    ended.close();
    expect(errorOf(() => ended.writeAll("x", -1)).code).toBe("ERR_SOCKET_CLOSED");
  });
});

test("refuses values without bytes", () => {
  const socket = openTo(startPeer("sink"));
  expect(() => socket.writeAll(5 as never)).toThrow(TypeError);
  expect(() => socket.writeAll(undefined as never)).toThrow(TypeError);
  expect(() => socket.writeAll("x", -2)).toThrow(RangeError);
  expect(socket.bytesWritten).toBe(0);
  socket.close();
});
