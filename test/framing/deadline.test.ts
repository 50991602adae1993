/**
 * A timeout is the time of the whole call: a peer that sends a byte now and then does not prolong it.
 */

import type { TcpSocket } from "ringnet";
import { beforeAll, expect, test } from "vitest";
import { timed } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { order, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

const DRIPS = Array.from({ length: 40 }, () => ({ bytes: "x", delay: 100 }));

const CALLS: Record<string, (socket: TcpSocket, timeout: number) => unknown> = {
  readExactly: (socket, timeout) => socket.readExactly(40, timeout),
  readLine: (socket, timeout) => socket.readLine(timeout),
  "readUntil, a byte": (socket, timeout) => socket.readUntil("y", timeout),
  "readUntil, several bytes": (socket, timeout) => socket.readUntil("xxxxy", timeout),
  readAll: (socket, timeout) => socket.readAll(timeout),
};

test.each(Object.entries(CALLS))("%s times out although a byte arrives each 100 ms", (_name, call) => {
  const socket = peer.open();
  order(socket, DRIPS, false);
  const { value, milliseconds } = timed(() => errorOf(() => call(socket, 650)));
  expect(value.code).toBe("ETIMEDOUT");
  expect(value.message).toContain("650 ms");
  expect(milliseconds).toBeGreaterThanOrEqual(649);
  expect(milliseconds).toBeLessThan(1300); // the drips go on for four seconds
  expect(socket.readable).toBeGreaterThanOrEqual(3); // and none of them is lost
  expect(socket.bytesRead).toBe(0);
  socket.close();
});

test.each(Object.entries(CALLS))("%s with a timeout of 0 does not wait", (_name, call) => {
  const socket = peer.open();
  const { value, milliseconds } = timed(() => errorOf(() => call(socket, 0)));
  expect(value.code).toBe("ETIMEDOUT");
  expect(milliseconds).toBeLessThan(1000);
  socket.close();
});
