/**
 * Waiting for room to write: on many sockets with `poll` and `Poller`, and on one with `waitUntil`.
 */

import { bindUdp, listen, Poller, poll, resolve, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { openTo } from "../tcp/sockets.js";

const SMALL = { sendBuffer: 65536, receiveBuffer: 65536 };

/** Writes until the peer, which does not read, and the kernel's buffers take no more. */
function fill(socket: TcpSocket): number {
  const piece = Buffer.alloc(65536, "x");
  let written = 0;
  for (let empty = 0; empty < 4; ) {
    const count = socket.write(piece);
    written += count;
    empty = count === 0 && !socket.waitUntilWritable(200) ? empty + 1 : 0;
  }
  expect(socket.writable).toBe(0);
  return written;
}

describe("a poller that watches for room", () => {
  test("reports at once while there is room, and is quiet while there is none", () => {
    const socket = openTo(startPeer("silent"), SMALL);
    const poller = new Poller().add(socket, { writable: true });
    expect(poller.wait(0)).toEqual([socket]);
    expect(poller.wait(0)).toEqual([socket]);
    fill(socket);
    expect(poller.wait(100)).toEqual([]);
    socket.reset();
  });

  test("wakes as soon as a slow peer has made room", () => {
    const peer = startPeer("manual", { paused: true });
    const quiet = openTo(peer, SMALL);
    const socket = openTo(peer, SMALL); // the peer's commands are for its last connection
    const poller = new Poller().add(quiet).add(socket, { writable: true });
    const written = fill(socket);
    expect(poller.wait(100)).toEqual([]);
    peer.send({ do: "resume", delay: 100 });
    const { value, milliseconds } = timed(() => [...poller.wait(10_000)]);
    expect(value).toEqual([socket]);
    expect(milliseconds).toBeLessThan(5000);
    expect(socket.writable).toBeGreaterThan(0);
    expect(socket.bytesWritten).toBe(written);
    socket.reset();
    quiet.close();
  });

  test("loses no wake-up over many rounds of full and empty", () => {
    const peer = startPeer("sink");
    const sockets = Array.from({ length: 4 }, () => openTo(peer, SMALL));
    const poller = new Poller();
    const left = new Map(sockets.map((socket) => [socket, 20_000_000]));
    for (const socket of sockets) poller.add(socket, { writable: true });
    const piece = Buffer.alloc(200_000);
    while (left.size > 0) {
      const ready = poller.wait(10_000) as TcpSocket[];
      expect(ready.length).toBeGreaterThan(0);
      for (const socket of ready) {
        const due = left.get(socket) as number;
        const count = socket.write(piece.subarray(0, Math.min(piece.length, due)));
        expect(count).toBeGreaterThan(0);
        left.set(socket, due - count);
        if (due > count) continue;
        left.delete(socket);
        poller.delete(socket);
        expect(socket.waitUntilDrained(10_000)).toBe(0);
        socket.close();
      }
    }
  });

  test("bytes are reported only where `readable` is asked for", () => {
    const socket = openTo(startPeer("greeter", { text: "hello" }));
    waitFor("the greeting", () => socket.readable === 5);
    const poller = new Poller().add(socket, {});
    expect(poller.wait(50)).toEqual([]);
    expect(poller.modify(socket, { readable: true })).toBe(true);
    expect(poller.wait(0)).toEqual([socket]);
    expect(poller.modify(socket, {})).toBe(true);
    expect(poller.wait(50)).toEqual([]);
    socket.close();
    expect(poller.wait(0)).toEqual([socket]);
    expect(poller.modify(socket, { readable: true })).toBe(false);
  });

  test("a reset is reported to a wait for room", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer, SMALL);
    fill(socket);
    const poller = new Poller().add(socket, { writable: true });
    expect(poller.wait(50)).toEqual([]);
    peer.send({ do: "reset" });
    expect(poller.wait(10_000)).toEqual([socket]);
    expect(() => socket.write("x")).toThrow(/ECONNRESET|EPIPE/);
    socket.close();
  });

  test("an ended socket is reported, since write would throw", () => {
    const socket = openTo(startPeer("halfClosed"), SMALL);
    socket.end();
    expect(new Poller().add(socket, { writable: true }).wait(0)).toEqual([socket]);
    expect(() => socket.write("x")).toThrow(/end\(\)/);
    socket.close();
  });

  test("UDP sockets have room; servers and addresses never do", () => {
    const udp = bindUdp({ host: "127.0.0.1" });
    const server = listen({ host: "127.0.0.1" });
    const address = resolve("127.0.0.1");
    const poller = new Poller();
    for (const handle of [udp, server, address]) poller.add(handle, { writable: true });
    expect(poller.wait(50)).toEqual([udp]);
    for (const handle of [udp, server, address]) handle.close();
  });

  test("a UDP socket whose ring is full is reported when it has room for a datagram", () => {
    const udp = bindUdp({ host: "127.0.0.1", sendBuffer: 131072 });
    const target = bindUdp({ host: "127.0.0.1" });
    const poller = new Poller().add(udp, { writable: true });
    const data = Buffer.alloc(60_000);
    let full = 0;
    for (let i = 0; i < 300; i++) {
      if (udp.send(data, target.port, "127.0.0.1")) continue;
      full++;
      expect(poller.wait(10_000)).toEqual([udp]);
    }
    expect(full).toBeGreaterThan(0);
    udp.close();
    target.close();
  });
});

test("`poll` takes handles with an interest beside plain ones", () => {
  const peer = startPeer("manual", { paused: true });
  const [plain, writing] = [openTo(peer, SMALL), openTo(peer, SMALL)];
  expect(poll([plain, { handle: writing, writable: true }], 5000)).toEqual([writing]);
  expect(poll([{ handle: writing }, { handle: plain, readable: true }], 50)).toEqual([]);
  fill(writing);
  expect(poll([plain, { handle: writing, writable: true }], 50)).toEqual([]);
  peer.send({ do: "resume", delay: 50 });
  expect(poll([plain, { handle: writing, writable: true }], 10_000)).toEqual([writing]);
  writing.reset();
  plain.close();
});

test("`waitUntil` returns what holds", () => {
  const peer = startPeer("manual", { paused: true });
  const socket = openTo(peer, SMALL);
  expect(socket.waitUntil({ readable: true, writable: true }, 5000)).toEqual({ readable: false, writable: true });
  expect(socket.waitUntil({ readable: true }, 0)).toEqual({ readable: false, writable: false });
  fill(socket);
  expect(socket.waitUntil({ readable: true, writable: true }, 50)).toEqual({ readable: false, writable: false });
  peer.send({ do: "write", text: "x", delay: 50 });
  expect(socket.waitUntil({ readable: true, writable: true }, 10_000)).toEqual({ readable: true, writable: false });
  socket.read();
  peer.send({ do: "resume", delay: 50 });
  expect(socket.waitUntil({ readable: true, writable: true }, 10_000)).toEqual({ readable: false, writable: true });
  socket.reset();
});

test("wrong interests throw", () => {
  const socket = openTo(startPeer("silent"));
  const poller = new Poller().add(socket);
  expect(() => poller.add(socket, { writeable: true } as never)).toThrow(/did you mean writable\?/);
  expect(() => poller.modify(socket, { readable: 1 } as never)).toThrow(TypeError);
  expect(() => poller.modify(socket, undefined as never)).toThrow(TypeError);
  expect(() => poll([{ handle: socket, writeable: true } as never])).toThrow(/did you mean writable\?/);
  expect(() => poll([{ writable: true } as never])).toThrow(TypeError);
  expect(() => socket.waitUntil({}, 0)).toThrow(TypeError);
  expect(() => socket.waitUntil({ readable: true }, -2)).toThrow(RangeError);
  socket.close();
});
