/**
 * `Deadline`: one budget of time for many calls, taken wherever a timeout is.
 */

import { bindUdp, connect, Deadline, listen, Poller, poll, resolve, type Timeout } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { timed } from "../support/waiting.js";
import { errorOf, openTo } from "../tcp/sockets.js";

describe("a deadline", () => {
  test("has the time that is left, and whether it has expired", () => {
    const deadline = new Deadline(100);
    expect(deadline.timeout).toBe(100);
    expect(deadline.expired).toBe(false);
    expect(deadline.left).toBeGreaterThan(0);
    expect(deadline.left).toBeLessThanOrEqual(100);
    poll([], 110);
    expect(deadline.left).toBe(0);
    expect(deadline.expired).toBe(true);
  });

  test("of 0 has expired at once, one of -1 or Infinity never expires", () => {
    expect([new Deadline(0).left, new Deadline(0).expired]).toEqual([0, true]);
    for (const endless of [-1, Number.POSITIVE_INFINITY, 1e300]) {
      const deadline = new Deadline(endless);
      expect([deadline.left, deadline.expired]).toEqual([Number.POSITIVE_INFINITY, false]);
    }
  });

  test("of anything else throws an error that names the argument", () => {
    for (const wrong of [-2, -0.5, Number.NaN]) expect(() => new Deadline(wrong)).toThrow(RangeError);
    for (const wrong of ["1", null, undefined, {}, 1n]) {
      expect(() => new Deadline(wrong as never)).toThrow("timeout must be a number of milliseconds or a Deadline");
    }
    expect(() => new Deadline({ left: 5 } as never)).toThrow("[object Object]");
    expect(() => Deadline.of("1" as never, "patience")).toThrow("patience must be a number of milliseconds");
    expect(() => Deadline.of(-2, "patience")).toThrow("patience must be -1, 0 or");
  });

  test("is returned as it is by Deadline.of, which makes one from a number", () => {
    const deadline = new Deadline(1000);
    expect(Deadline.of(deadline)).toBe(deadline);
    expect(Deadline.of(5).timeout).toBe(5);
  });
});

const MS = 300;

/** Every call that takes a timeout, on idle handles. */
function idleCalls(): Record<string, (timeout: Timeout) => unknown> {
  const socket = openTo(startPeer("manual", { paused: true }), { sendBuffer: 65536 });
  for (let full = 0; full < 4; )
    full = socket.write(Buffer.alloc(65536)) === 0 && !socket.waitUntilWritable(200) ? full + 1 : 0;
  const stuck = startUnanswering();
  const server = listen({ host: "127.0.0.1" });
  const udp = bindUdp({ host: "127.0.0.1" });
  const poller = new Poller().add(socket);
  poller.wait(0);
  const waiting = connect({ host: stuck.host, port: stuck.port });
  return {
    connect: (timeout) => errorOf(() => connect({ host: stuck.host, port: stuck.port, timeout })),
    waitUntilConnected: (timeout) => waiting.waitUntilConnected(timeout),
    startTls: (timeout) => errorOf(() => waiting.startTls({}, timeout)),
    waitUntilReadable: (timeout) => socket.waitUntilReadable(timeout),
    waitUntil: (timeout) => socket.waitUntil({ readable: true }, timeout),
    readExactly: (timeout) => errorOf(() => socket.readExactly(1, timeout)),
    readLine: (timeout) => errorOf(() => socket.readLine(timeout)),
    readUntil: (timeout) => errorOf(() => socket.readUntil("x", timeout)),
    readAll: (timeout) => errorOf(() => socket.readAll(timeout)),
    writeAll: (timeout) => errorOf(() => socket.writeAll(Buffer.alloc(100_000), timeout)),
    waitUntilWritable: (timeout) => socket.waitUntilWritable(timeout),
    waitUntilDrained: (timeout) => socket.waitUntilDrained(timeout),
    acceptWait: (timeout) => errorOf(() => server.acceptWait(timeout)),
    waitUntilAcceptable: (timeout) => server.waitUntilAcceptable(timeout),
    receiveWait: (timeout) => errorOf(() => udp.receiveWait(timeout)),
    "udp.waitUntilReadable": (timeout) => udp.waitUntilReadable(timeout),
    poll: (timeout) => poll([socket], timeout),
    "Poller.wait": (timeout) => poller.wait(timeout),
  };
}

test("each call takes a deadline as its timeout, waits until it has passed, and from then on only polls", () => {
  for (const [name, call] of Object.entries(idleCalls())) {
    const deadline = new Deadline(MS);
    const first = timed(() => call(deadline));
    expect.soft(first.milliseconds, name).toBeGreaterThanOrEqual(MS - 1);
    expect.soft(deadline.expired, name).toBe(true);
    if (first.value instanceof Error) expect.soft(first.value).toMatchObject({ code: "ETIMEDOUT" });
    const second = timed(() => call(deadline));
    expect.soft(second.milliseconds, name).toBeLessThan(MS - 1);
  }
});

test("calls that share a deadline end by it, even if each of them receives something", () => {
  const peer = startPeer("manual");
  const socket = openTo(peer);
  peer.waitForEvent("connection");
  for (let i = 1; i <= 4; i++) peer.send({ do: "write", text: "line\n", delay: i * 150 });
  const { value: lines, milliseconds } = timed(() => {
    const deadline = new Deadline(500);
    const lines: string[] = [];
    const error = errorOf(() => {
      for (;;) lines.push(socket.readLine(deadline) as string);
    });
    expect(error).toMatchObject({ code: "ETIMEDOUT", message: expect.stringContaining("500 ms") });
    return lines;
  });
  expect(lines.length).toBeGreaterThan(0);
  expect(milliseconds).toBeGreaterThanOrEqual(499);
  expect(milliseconds).toBeLessThan(2000); // four waits of 500 ms each would take this long
  socket.close();
});

test("a wait without a timeout lasts until what it waits for happens", () => {
  const peer = startPeer("manual");
  const socket = openTo(peer);
  peer.waitForEvent("connection");
  peer.send({ do: "write", text: "x", delay: 400 });
  expect(socket.waitUntilReadable()).toBe(true);
  const server = listen({ host: "127.0.0.1" });
  new Process("sh", ["-c", `sleep 0.4; exec nc 127.0.0.1 ${server.port}`]);
  expect(server.waitUntilAcceptable()).toBe(true);
  const udp = bindUdp({ host: "127.0.0.1" });
  new Process("sh", ["-c", `sleep 0.4; echo x | exec nc -u -w1 127.0.0.1 ${udp.port}`]);
  expect(udp.waitUntilReadable()).toBe(true);
  expect(udp.waitUntilWritable()).toBe(true);
  expect(udp.waitUntilDrained()).toBe(0);
  expect(resolve("localhost").waitUntilResolved()).toBe("success");
  const other = connect({ host: peer.host, port: peer.port });
  expect(other.waitUntilConnected()).toBe("success");
  expect(other.waitUntilWritable()).toBe(true);
  other.write("x");
  expect(other.waitUntilDrained()).toBe(0);
  for (const handle of [socket, server, udp, other]) handle.close();
});
