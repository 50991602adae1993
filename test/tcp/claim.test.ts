/**
 * `claim` and `commit`: bytes for sending are written in place.
 */

import { connect, listen } from "ringnet";
import { expect, test } from "vitest";
import { pattern, patternHash } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { acceptFrom, errorOf, fill, openTo } from "./sockets.js";

test("sends what was committed, and nothing else", () => {
  const socket = openTo(startPeer("echo"), { sendBuffer: 4096 });
  const room = socket.claim();
  expect(room.length).toBe(4096);
  room.fill(46);
  room.set(Buffer.from("hello\n"));
  socket.commit(6);
  expect(socket.readLine(5000)).toBe("hello");
  expect([socket.bytesWritten, socket.readable]).toEqual([6, 0]);
  socket.close();
});

test("a claim is at most the contiguous room; a million bytes pass through a small ring in claims of all sizes", () => {
  const peer = startPeer("slow", { piece: 40_000, interval: 1 });
  const socket = openTo(peer, { sendBuffer: 4096 });
  const total = 1_000_000;
  for (let sent = 0, round = 0; sent < total; round++) {
    const room = socket.claim(1 + ((round * 997) % 5000));
    expect(room.length).toBeLessThanOrEqual(Math.min(4096 - (sent % 4096), socket.writable));
    const count = Math.min(room.length, total - sent);
    room.set(pattern(33, sent, count));
    socket.commit(count);
    sent += count;
    if (count === 0) expect(socket.waitUntilWritable(10_000)).toBe(true);
  }
  socket.end();
  const { bytes, sha256 } = peer.waitForEvent("end", 20_000);
  expect([bytes, sha256]).toEqual([total, patternHash(33, total)]);
  socket.close();
});

test("commit of more than was claimed throws a RangeError, and takes nothing", () => {
  const socket = openTo(startPeer("echo"));
  socket.claim(10);
  for (const count of [11, -1, 0.5, Number.NaN]) expect(() => socket.commit(count)).toThrow(RangeError);
  expect(() => socket.commit("5" as never)).toThrow(TypeError);
  socket.commit(10);
  expect(() => socket.commit(1)).toThrow(/count must be a whole number from 0 to 0/);
  expect(socket.bytesWritten).toBe(10);
  socket.close();
});

test.each<[string, (socket: ReturnType<typeof openTo>) => void]>([
  ["write", (socket) => socket.write("x")],
  ["writeAll", (socket) => socket.writeAll(["x", "y"])],
  ["another claim, of nothing,", (socket) => socket.claim(0)],
])("%s ends a claim", (_, call) => {
  const socket = openTo(startPeer("echo"));
  socket.claim(10);
  call(socket);
  expect(() => socket.commit(1)).toThrow(RangeError);
  socket.close();
});

test("a full ring gives an empty claim; before the connection is established the ring takes bytes", () => {
  const full = openTo(startPeer("silent"), { sendBuffer: 4096 });
  fill(full);
  expect(full.claim().length).toBe(0);
  full.commit(0);
  full.reset();
  const server = listen({ host: "127.0.0.1" });
  const client = connect({ host: "127.0.0.1", port: server.port });
  client.claim(5).set(Buffer.from("early"));
  client.commit(5);
  const accepted = acceptFrom(server);
  expect(String(accepted.readExactly(5, 5000))).toBe("early");
  for (const handle of [client, accepted, server]) handle.close();
});

test("claim throws as write does after end, a failure and close", () => {
  const socket = openTo(startPeer("echo"));
  socket.claim(5);
  socket.end();
  expect(() => socket.commit(5)).toThrow(RangeError);
  expect(errorOf(() => socket.claim()).code).toBe("EPIPE");
  socket.close();
  expect(errorOf(() => socket.claim()).code).toBe("ERR_SOCKET_CLOSED");
  expect(errorOf(() => socket.commit(0)).code).toBe("ERR_SOCKET_CLOSED");

  const peer = startPeer("manual");
  const failed = openTo(peer);
  peer.waitForEvent("connection");
  failed.claim(5);
  peer.send({ do: "reset" });
  failed.waitUntilReadable(5000);
  expect(errorOf(() => failed.commit(5)).code).toBe("ECONNRESET");
  expect(errorOf(() => failed.claim()).code).toBe("ECONNRESET");
  failed.close();
});
