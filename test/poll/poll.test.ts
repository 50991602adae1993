/**
 * The function `poll`: the ready handles of a list.
 */

import { bindUdp, listen, poll, resolve } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { median, timed, waitFor } from "../support/waiting.js";
import { acceptFrom, openTo } from "../tcp/sockets.js";
import { namesOf, sendDatagrams } from "./handles.js";

test("reports sockets, servers, UDP sockets and addresses together", () => {
  const peer = startPeer("manual");
  const handles = {
    socket: openTo(peer),
    server: listen({ host: "127.0.0.1" }),
    udp: bindUdp({ host: "127.0.0.1" }),
    address: resolve("localhost"),
  };
  const all = Object.values(handles);
  expect(namesOf(poll(all, 5000), handles)).toEqual(["address"]);
  expect(poll(all, 50)).toEqual([]);
  peer.send({ do: "write", text: "x" });
  expect(namesOf(poll(all, 5000), handles)).toEqual(["socket"]);
  expect(namesOf(poll(all), handles)).toEqual(["socket"]); // its byte is unread
  handles.socket.read();
  sendDatagrams(handles.udp.port, "x");
  expect(namesOf(poll(all, 5000), handles)).toEqual(["udp"]);
  startPeer("silent", { connect: handles.server.port });
  waitFor("the client", () => poll(all).length === 2);
  expect(namesOf(poll(all, -1), handles)).toEqual(["server", "udp"]);
  handles.udp.receive();
  acceptFrom(handles.server).close();
  expect(poll(all, 50)).toEqual([]);
  for (const handle of all) handle.close();
});

test("returns the ready handles in the order given, in a new array", () => {
  const peer = startPeer("greeter");
  const [first, second] = [openTo(peer), openTo(peer)];
  waitFor("both", () => poll([first, second]).length === 2);
  expect(poll([first, second])).toEqual([first, second]);
  const kept = poll([second, first]);
  expect(kept).toEqual([second, first]);
  first.read();
  second.read();
  expect(poll([first, second])).toEqual([]);
  expect(kept).toHaveLength(2);
  first.close();
  second.close();
});

test("takes any iterable, also a one-shot iterator", () => {
  const peer = startPeer("manual");
  const sockets = new Map([["one", openTo(peer)]]);
  const socket = sockets.get("one");
  expect(poll(sockets.values(), 20)).toEqual([]);
  peer.send({ do: "write", text: "x", delay: 100 });
  expect(poll(sockets.values(), 10_000)).toEqual([socket]);
  expect(poll(new Set(sockets.values()))).toEqual([socket]);
  socket?.close();
});

test("always reports a closed handle", () => {
  const socket = openTo(startPeer("silent"));
  const other = openTo(startPeer("silent"));
  expect(poll([socket, other], 20)).toEqual([]);
  socket.close();
  expect(poll([socket, other])).toEqual([socket]);
  expect(poll([socket, other], -1)).toEqual([socket]);
  other.close();
});

describe("the timeout", () => {
  test("ends the wait when nothing happens", () => {
    const socket = openTo(startPeer("silent"));
    const waits = Array.from({ length: 5 }, () => timed(() => poll([socket], 100)));
    for (const { value, milliseconds } of waits) {
      expect(value).toEqual([]);
      expect(milliseconds).toBeGreaterThanOrEqual(99);
    }
    expect(median(waits.map(({ milliseconds }) => milliseconds))).toBeLessThan(400);
    expect(timed(() => poll([], 100)).milliseconds).toBeGreaterThanOrEqual(99);
    socket.close();
  });

  test("0, the default, polls once", () => {
    const socket = openTo(startPeer("silent"));
    expect(timed(() => Array.from({ length: 1000 }, () => poll([socket]))).milliseconds).toBeLessThan(500);
    socket.close();
  });

  test("-1 waits until something happens", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "end", delay: 100 });
    expect(poll([socket], -1)).toEqual([socket]);
    expect(socket.read()).toBeNull();
    expect(poll([socket])).toEqual([]);
    socket.close();
  });
});

test("refuses what is not a handle, and wrong timeouts", () => {
  expect(() => poll([{} as never])).toThrow(TypeError);
  expect(() => poll([null as never], 10)).toThrow(TypeError);
  expect(() => poll(5 as never)).toThrow(TypeError);
  expect(() => poll([], -2)).toThrow(RangeError);
  expect(() => poll([], "1" as never)).toThrow(TypeError);
});
