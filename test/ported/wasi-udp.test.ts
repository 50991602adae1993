/**
 * What Wasmtime's test programs `p2_udp_*` (github.com/bytecodealliance/wasmtime, crates/test-programs) assert of UDP
 * sockets, as far as it means something here: bind, connect, states, options, streams, a sample application.
 * docs/ported-suites.md has the whole list.
 *
 * As in those programs, both ends are often the library's own.
 */

import { bindUdp, type Datagram, type NetError, type UdpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { families } from "./support/families.js";

const text = (datagram: Datagram): string => datagram.data.toString();

/** Sends, waits until the system has it, and returns what `receiver` gets. */
function deliver(sender: UdpSocket, data: string, receiver: UdpSocket): Datagram {
  expect(sender.send(data)).toBe(true);
  expect(sender.waitUntilDrained(5000)).toBe(0);
  return receiver.receiveWait(5000);
}

/** A socket on a port that the system did not pick for it. */
function bindChosen(host: string): UdpSocket {
  const found = bindUdp({ host });
  const { port } = found;
  found.close(); // continues in the background
  const socket = waitFor("the port to be free", () => {
    try {
      return bindUdp({ host, port });
    } catch (error) {
      expect((error as NetError).code).toBe("EADDRINUSE");
      return false;
    }
  });
  expect(socket.port).toBe(port);
  return socket;
}

describe.each(families)("bind, $family", ({ loopback, any, foreign }) => {
  test.each([loopback, any])("the system picks a port for %s, known at once", (host) => {
    const socket = bindUdp({ host });
    expect(socket.address).toBe(host);
    expect(socket.port).toBeGreaterThan(0);
    socket.close();
  });

  test.each([loopback, any])("binds a chosen port on %s, and refuses a second socket on it", (host) => {
    const socket = bindChosen(host);
    expect(socket.address).toBe(host);
    expect(errorOf(() => bindUdp({ host, port: socket.port })).code).toBe("EADDRINUSE");
    socket.close();
  });

  test("refuses an address that this machine does not have", () => {
    expect(errorOf(() => bindUdp({ host: foreign })).code).toBe("EADDRNOTAVAIL");
  });
});

test("bind: refuses an IPv4-mapped address with ipv6Only", () => {
  expect(errorOf(() => bindUdp({ host: "::ffff:127.0.0.1", ipv6Only: true })).code).toBe("EINVAL");
});

describe.each(families)("connect, $family", ({ loopback, any, other }) => {
  test("connected, connected again, to another, disconnected and back: datagrams reach the current peer", () => {
    const one = startUdpPeer({ host: loopback });
    const two = bindUdp({ host: loopback });
    const socket = bindUdp({ host: any });
    const toNobody = (): void => expect(errorOf(() => socket.send("lost")).code).toBe("EDESTADDRREQ");
    const say = (data: string): void => {
      expect(socket.send(data)).toBe(true);
      expect(socket.waitUntilDrained(5000)).toBe(0);
    };
    toNobody();
    for (const round of ["first", "again"]) {
      socket.connect(one.port, loopback);
      say(round);
    }
    socket.connect(two.port, loopback);
    expect(text(deliver(socket, "other", two))).toBe("other");
    socket.disconnect();
    toNobody();
    socket.connect(one.port, loopback);
    say("back");
    one.waitForEvent("message", 10_000, 3);
    expect(one.events("message").map((each) => each.text)).toEqual(["first", "again", "back"]);
    expect(two.receive()).toBeNull();
    socket.close();
    two.close();
  });

  test("keeps its port when reconnected or disconnected; disconnected, it receives from every sender", () => {
    const peer = bindUdp({ host: loopback });
    const stranger = startUdpPeer({ host: loopback });
    const socket = bindUdp({ host: loopback });
    for (const round of ["first", "again"]) {
      socket.connect(peer.port, loopback);
      expect(deliver(socket, round, peer).port).toBe(socket.port);
    }
    socket.disconnect();
    stranger.send({ do: "send", text: "hello", port: socket.port, host: stranger.host });
    expect(text(socket.receiveWait(5000))).toBe("hello");
    expect(socket.address).toBe(loopback);
    socket.close();
    peer.close();
  });

  test("datagrams sent before a connect reach their old peer", () => {
    const [one, two] = [bindUdp({ host: loopback }), bindUdp({ host: loopback })];
    const socket = bindUdp({ host: loopback });
    const burst = (say: (data: string) => boolean): void => {
      for (let i = 0; i < 10; i++) expect(say(`${i}`)).toBe(true);
    };
    const heard = (receiver: UdpSocket, times: number): void => {
      for (let i = 0; i < 10 * times; i++) expect(text(receiver.receiveWait(5000))).toBe(`${i % 10}`);
      expect(receiver.receive()).toBeNull();
    };
    for (let round = 0; round < 5; round++) {
      burst((data) => socket.send(data, one.port, loopback));
      socket.connect(two.port, loopback);
      burst((data) => socket.send(data));
      socket.connect(one.port, loopback);
      burst((data) => socket.send(data));
      socket.disconnect();
      heard(one, 2);
      heard(two, 1);
    }
    expect(socket.receive()).toBeNull(); // and no errors
    for (const each of [one, two, socket]) each.close();
  });

  test("refuses port 0", () => {
    const socket = bindUdp({ host: any });
    expect(() => socket.connect(0, loopback)).toThrow(RangeError);
    expect(() => socket.send("x", 0, loopback)).toThrow(RangeError);
    socket.close();
  });

  test("a socket of one family refuses an address of the other", () => {
    const socket = bindUdp({ host: loopback });
    expect(errorOf(() => socket.connect(47, other)).code).toBe("EAFNOSUPPORT");
    expect(errorOf(() => socket.send("x", 47, other)).code).toBe("EAFNOSUPPORT");
    socket.close();
  });

  test("a connected socket that is writable can send, again and again", () => {
    const receiver = bindUdp({ host: loopback });
    for (let round = 0; round < 64; round++) {
      const socket = bindUdp({ host: loopback });
      socket.connect(receiver.port, loopback);
      expect(socket.waitUntilWritable(5000)).toBe(true);
      const datagram = deliver(socket, `round ${round}`, receiver);
      expect([text(datagram), datagram.port]).toEqual([`round ${round}`, socket.port]);
      socket.close();
    }
    receiver.close();
  });

  test("departure: the unspecified address means this machine, as in the system", () => {
    const receiver = bindUdp({ host: loopback });
    const socket = bindUdp({ host: any });
    socket.connect(receiver.port, any);
    expect(text(deliver(socket, "here", receiver))).toBe("here");
    socket.close();
    receiver.close();
  });

  test("departure: datagrams that arrived before connect are delivered, with their sender's address", () => {
    const socket = bindUdp({ host: loopback });
    const peer = bindUdp({ host: loopback });
    const stranger = startUdpPeer({ host: loopback });
    stranger.send({ do: "send", text: "early", port: socket.port, host: stranger.host });
    expect(socket.waitUntilReadable(5000)).toBe(true);
    socket.connect(peer.port, loopback);
    stranger.send({ do: "send", text: "late", port: socket.port, host: stranger.host });
    stranger.waitForEvent("sent", 10_000, 2);
    peer.connect(socket.port, loopback);
    expect(peer.send("expected")).toBe(true);
    const early = socket.receiveWait(5000);
    expect([text(early), early.port]).toEqual(["early", stranger.port]);
    const expected = socket.receiveWait(5000);
    expect([text(expected), expected.port]).toEqual(["expected", peer.port]);
    expect(socket.waitUntilReadable(50)).toBe(false);
    socket.close();
    peer.close();
  });

  test("a datagram to a closed socket's port comes back as an error", () => {
    const gone = bindUdp({ host: loopback });
    gone.close(); // continues in the background
    const socket = bindUdp({ host: loopback });
    socket.connect(gone.port, loopback);
    const deadline = performance.now() + 10_000;
    const error = errorOf(() => {
      while (performance.now() < deadline) {
        socket.send("hello");
        if (socket.waitUntilReadable(200)) expect(socket.receive()).toBeNull();
      }
    });
    expect(["ECONNREFUSED", "ECONNRESET"]).toContain(error.code);
    socket.close();
  });
});

test("connect: departure: a socket for both families accepts IPv4 and IPv4-mapped addresses", () => {
  const receiver = bindUdp({ host: "127.0.0.1" });
  const socket = bindUdp();
  for (const host of ["127.0.0.1", "::ffff:127.0.0.1"]) {
    socket.connect(receiver.port, host);
    expect(deliver(socket, host, receiver).address).toBe("127.0.0.1");
  }
  socket.close();
  receiver.close();
});

test("connect: a socket bound to IPv6 only refuses IPv4 and IPv4-mapped addresses", () => {
  const receiver = bindUdp({ host: "127.0.0.1" });
  const socket = bindUdp({ host: "::1" });
  for (const host of ["127.0.0.1", "::ffff:127.0.0.1"]) errorOf(() => socket.connect(receiver.port, host));
  expect(receiver.waitUntilReadable(50)).toBe(false);
  socket.close();
  receiver.close();
});

describe.each(families)("options, $family", ({ loopback }) => {
  test("hops go from 1 to 255", () => {
    const socket = bindUdp({ host: loopback });
    expect(() => socket.setTtl(0)).toThrow(RangeError);
    expect(() => socket.setTtl(256)).toThrow(RangeError);
    const receiver = bindUdp({ host: loopback });
    socket.connect(receiver.port, loopback);
    for (const ttl of [1, 255]) {
      socket.setTtl(ttl);
      expect(text(deliver(socket, `${ttl} hops`, receiver))).toBe(`${ttl} hops`);
    }
    socket.close();
    receiver.close();
  });

  test("refuses a buffer of 0 bytes; departure: also sizes that are not powers of two from 131072", () => {
    for (const bytes of [0, 1, 200_000, 2 ** 40]) {
      expect(() => bindUdp({ host: loopback, receiveBuffer: bytes })).toThrow(RangeError);
      expect(() => bindUdp({ host: loopback, sendBuffer: bytes })).toThrow(RangeError);
    }
  });

  test("options can be set while bound, connected or disconnected, but not closed", () => {
    const peer = bindUdp({ host: loopback });
    const socket = bindUdp({ host: loopback });
    socket.setTtl(255);
    socket.connect(peer.port, loopback);
    socket.setTtl(254);
    socket.disconnect();
    socket.setTtl(253);
    socket.close();
    expect(errorOf(() => socket.setTtl(255)).code).toBe("ERR_SOCKET_CLOSED");
    expect(errorOf(() => socket.connect(peer.port, loopback)).code).toBe("ERR_SOCKET_CLOSED");
    peer.close();
  });
});

test.each(families)("datagrams, empty ones too, arrive with their sender's address, $family", ({ loopback, any }) => {
  const server = bindUdp({ host: loopback });

  const client = bindUdp({ host: any });
  client.connect(server.port, loopback);
  expect(client.send("")).toBe(true);
  expect(client.send("then one with bytes")).toBe(true);
  const received = [server.receiveWait(5000), server.receiveWait(5000)];
  expect(received.map(text)).toEqual(["", "then one with bytes"]);
  for (const { address, port } of received) expect([address, port]).toEqual([loopback, client.port]);
  client.close();

  const other = bindUdp({ host: any });
  expect(other.send("from somebody else", server.port, loopback)).toBe(true);
  const third = server.receiveWait(5000);
  expect([text(third), third.port]).toEqual(["from somebody else", other.port]);
  expect(server.receive()).toBeNull();
  other.close();
  server.close();
});

test.each(families)("several datagrams arrive separately and in order, $family", ({ loopback }) => {
  const receiver = bindUdp({ host: loopback });
  const sender = bindUdp({ host: loopback });
  receiver.connect(sender.port, loopback);
  sender.connect(receiver.port, loopback);
  for (const data of ["1", "2"]) expect(sender.send(data)).toBe(true);
  expect(receiver.waitUntilReadable(5000)).toBe(true);
  expect([receiver.receiveWait(5000), receiver.receiveWait(5000)].map(text)).toEqual(["1", "2"]);
  sender.close();
  receiver.close();
});

test("sending more than there is room for returns false, and the socket still works", () => {
  const receiver = bindUdp({ host: "127.0.0.1" });
  const socket = bindUdp({ host: "127.0.0.1", sendBuffer: 131072 });
  socket.connect(receiver.port, "127.0.0.1");
  const large = Buffer.alloc(65_000);
  const deadline = performance.now() + 10_000;
  while (socket.send(large)) {
    if (performance.now() > deadline) throw new Error("the send ring never filled up");
  }
  expect(socket.waitUntilWritable(5000)).toBe(true);
  expect(socket.send("room again")).toBe(true);
  expect(socket.waitUntilDrained(5000)).toBe(0);
  socket.close();
  receiver.close();
});
