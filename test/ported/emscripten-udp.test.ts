/**
 * What Emscripten's socket tests (github.com/emscripten-core/emscripten, test/test_sockets_node.py, test/test_sockets.py
 * and the programs in test/sockets) assert of UDP. docs/ported-suites.md has the whole list.
 */

import { bindUdp, MAX_DATAGRAM, Poller, poll, type UdpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern as someBytes } from "../support/bytes.js";
import { timed } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { families } from "./support/families.js";

const GROUP = "239.255.71.71";

test.each(families)("a datagram arrives and its answer comes back, $family", ({ loopback }) => {
  const peer = startUdpPeer({ host: loopback, reply: "pong" });
  const client = bindUdp({ host: loopback });
  expect(client.port).toBeGreaterThan(0);
  expect(client.send("ping", peer.port, loopback)).toBe(true);
  const { text, address, port } = peer.waitForEvent("message");
  expect([text, address, port]).toEqual(["ping", loopback, client.port]);
  const pong = client.receiveWait(5000);
  expect([String(pong.data), pong.address, pong.port]).toEqual(["pong", loopback, peer.port]);
  client.close();
});

test.each(families)("a server answers the sender of a datagram, $family", ({ loopback }) => {
  const server = bindUdp({ host: loopback });
  server.setTtl(64);
  server.setBroadcast(true);
  const peer = startUdpPeer({ host: loopback });
  peer.send({ do: "send", text: "ping", port: server.port, host: peer.host });
  const ping = server.receiveWait(5000);
  expect([String(ping.data), ping.port]).toEqual(["ping", peer.port]);
  expect(server.send("pong", ping.port, ping.address)).toBe(true);
  expect(peer.waitForEvent("message").text).toBe("pong");
  server.close();
});

test("the largest datagram arrives whole; departure: one byte more is refused", () => {
  const receiver = bindUdp({ host: "127.0.0.1" });
  const sender = bindUdp({ host: "127.0.0.1" });
  const data = someBytes(2, 0, MAX_DATAGRAM + 1);
  expect(sender.send(data.subarray(0, MAX_DATAGRAM), receiver.port, "127.0.0.1")).toBe(true);
  expect(receiver.receiveWait(5000).data.equals(data.subarray(0, MAX_DATAGRAM))).toBe(true);
  expect(errorOf(() => sender.send(data, receiver.port, "127.0.0.1")).code).toBe("EMSGSIZE");
  sender.close();
  receiver.close();
});

test("a batch keeps its order and its datagrams' boundaries", () => {
  const receiver = bindUdp({ host: "127.0.0.1" });
  const sender = bindUdp({ host: "127.0.0.1" });
  for (const data of ["one", "two"]) expect(sender.send(data, receiver.port, "127.0.0.1")).toBe(true);
  expect(["one", "two"].map(() => String(receiver.receiveWait(5000).data))).toEqual(["one", "two"]);
  expect(receiver.receive()).toBeNull();
  sender.close();
  receiver.close();
});

describe("waiting", () => {
  test("a blocked poller and a blocked poll are woken by a datagram", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const peer = startUdpPeer();
    const poller = new Poller().add(socket);
    for (const wait of [() => poller.wait(10_000), () => poll([socket], 10_000)]) {
      expect(poll([socket], 0)).toEqual([]);
      peer.send({ do: "send", text: "ping", port: socket.port, host: peer.host, delay: 100 });
      const { value, milliseconds } = timed(() => [...wait()]);
      expect(value).toEqual([socket]);
      expect(milliseconds).toBeLessThan(10_000);
      expect(String(socket.receive()?.data)).toBe("ping");
    }
    socket.close();
  });
});

describe("connected", () => {
  test("sends without an address, and receives from its peer only", () => {
    const peer = startUdpPeer({ reply: "pong" });
    const stranger = startUdpPeer();
    const client = bindUdp({ host: "127.0.0.1" });
    client.connect(peer.port, "127.0.0.1");
    stranger.send({ do: "send", text: "junk", port: client.port, host: stranger.host });
    stranger.waitForEvent("sent");
    expect(client.send("ping")).toBe(true);
    expect(peer.waitForEvent("message").port).toBe(client.port);
    expect(String(client.receiveWait(5000).data)).toBe("pong");
    expect(client.waitUntilReadable(50)).toBe(false);
    client.close();
  });

  test("refuses a datagram with an address, in this call or the next, and does not send it", () => {
    const peer = startUdpPeer();
    const other = startUdpPeer();
    const client = bindUdp({ host: "127.0.0.1" });
    client.connect(peer.port, "127.0.0.1");
    for (const { port } of [peer, other]) {
      const error = errorOf(() => {
        client.send("x", port, "127.0.0.1");
        client.waitUntilReadable(5000); // there is an error to tell
        client.receive();
      });
      expect(["EISCONN", "ERR_SOCKET_DGRAM_IS_CONNECTED"]).toContain(error.code);
    }
    expect(client.send("to my peer")).toBe(true);
    expect(peer.waitForEvent("message").text).toBe("to my peer");
    expect(other.events("message")).toEqual([]);
    client.close();
  });
});

describe("multicast", () => {
  /** Whether a datagram to the group arrives at `member`. */
  function hears(member: UdpSocket, sender: UdpSocket, text: string, timeout: number): boolean {
    expect(sender.send(text, member.port, GROUP)).toBe(true);
    expect(sender.waitUntilDrained(5000)).toBe(0);
    return member.waitUntilReadable(timeout) && String(member.receive()?.data) === text;
  }

  test("members on this machine receive it by default, while they are members", () => {
    const member = bindUdp({ host: "0.0.0.0" });
    const sender = bindUdp({ host: "127.0.0.1" });
    member.addMembership(GROUP, "127.0.0.1");
    sender.setMulticastInterface("127.0.0.1");
    expect(hears(member, sender, "at first", 5000)).toBe(true);
    sender.setMulticastLoopback(false); // no effect to be seen here: the loopback interface loops everything
    sender.setMulticastLoopback(true);
    expect(hears(member, sender, "again", 5000)).toBe(true);
    member.dropMembership(GROUP, "127.0.0.1");
    expect(hears(member, sender, "no member", 100)).toBe(false);
    sender.close();
    member.close();
  });

  test.each(families)("hops out of range are refused, and the socket still works, $family", ({ loopback }) => {
    const receiver = bindUdp({ host: loopback });
    const socket = bindUdp({ host: loopback });
    for (const hops of [-1, 256, 300, 1.5]) expect(() => socket.setMulticastTtl(hops)).toThrow(RangeError);
    for (const hops of [0, 1, 5, 255]) socket.setMulticastTtl(hops);
    socket.setMulticastLoopback(false);
    expect(socket.send("still good", receiver.port, loopback)).toBe(true);
    expect(String(receiver.receiveWait(5000).data)).toBe("still good");
    socket.close();
    receiver.close();
  });
});

test("sockets share a port only if all of them allow it", () => {
  const one = bindUdp({ host: "127.0.0.1", reuseAddr: true });
  const two = bindUdp({ host: "127.0.0.1", port: one.port, reuseAddr: true });
  expect(two.port).toBe(one.port);
  expect(errorOf(() => bindUdp({ host: "127.0.0.1", port: one.port })).code).toBe("EADDRINUSE");
  one.close();
  two.close();
});
