/**
 * The addresses and ports of a connection, a server and a UDP socket, and the counters.
 */

import { join } from "node:path";
import { bindUdp, connect, listen, resolve } from "ringnet";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";

describe("addresses and ports", () => {
  test.each(["127.0.0.1", "::1"])("of both ends agree over %s", (host) => {
    const server = listen({ host });
    expect(server.address).toBe(host);
    expect(server.port).toBeGreaterThan(0);
    const client = connect({ host, port: server.port, timeout: 5000 });
    const accepted = acceptFrom(server);
    expect([client.remoteAddress, client.remotePort, client.localAddress]).toEqual([host, server.port, host]);
    expect(client.localPort).toBeGreaterThan(0);
    expect([accepted.localAddress, accepted.localPort]).toEqual([host, server.port]);
    expect([accepted.remoteAddress, accepted.remotePort]).toEqual([host, client.localPort]);
    for (const handle of [client, accepted, server]) handle.close();
  });

  test("are the ones that the peer sees", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer);
    const seen = peer.waitForEvent("connection");
    expect([socket.localAddress, socket.localPort]).toEqual([seen.remoteAddress, seen.remotePort]);
    expect(socket.remotePort).toBe(seen.localPort);
    socket.close();
  });

  test("are unknown until a connection is established, and stay known afterwards", () => {
    const stuck = startUnanswering();
    const waiting = connect({ host: stuck.host, port: stuck.port });
    const ends = (socket: typeof waiting) => [
      socket.localAddress,
      socket.localPort,
      socket.remoteAddress,
      socket.remotePort,
    ];
    expect(ends(waiting)).toEqual([undefined, undefined, undefined, undefined]);
    waiting.close();
    const peer = startPeer("manual");
    const socket = openTo(peer);
    const known = ends(socket);
    expect(known[3]).toBe(peer.port);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    waitFor("the failure", () => socket.status === "failure");
    expect(ends(socket)).toEqual(known);
    socket.close();
    expect(ends(socket)).toEqual(known);
  });

  test("of a Unix domain server are its path and 0; its sockets have none", () => {
    const path = join(temporaryFolder(), "socket");
    const server = listen({ path });
    expect([server.address, server.port]).toEqual([path, 0]);
    const client = connect({ path, timeout: 5000 });
    const accepted = acceptFrom(server);
    for (const socket of [client, accepted]) {
      expect([socket.localPort, socket.remoteAddress, socket.remotePort]).toEqual([undefined, undefined, undefined]);
    }
    for (const handle of [client, accepted, server]) handle.close();
  });

  test("of a UDP socket are the sender's in its datagrams", () => {
    const one = bindUdp({ host: "127.0.0.1" });
    const two = bindUdp({ host: "127.0.0.1" });
    expect([one.address, two.address]).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect(one.port).not.toBe(two.port);
    one.send("x", two.port, "127.0.0.1");
    const { address, port } = two.receiveWait(5000);
    expect([address, port]).toEqual(["127.0.0.1", one.port]);
    one.close();
    two.close();
  });

  test("a connection without TLS is not encrypted", () => {
    const socket = openTo(startPeer("echo"));
    expect(socket.encrypted).toBe(false);
    expect(socket.authorized).toBe(false);
    expect(socket.authorizationError).toBeNull();
    expect(socket.alpnProtocol).toBeNull();
    expect(socket.tlsProtocol).toBeNull();
    expect(socket.sessionReused).toBe(false);
    expect(socket.peerCertificate).toBeNull();
    socket.close();
  });
});

describe("localAddress", () => {
  test("is the source of the connection", () => {
    const peer = startPeer("echo");
    for (const localAddress of ["127.0.0.2", "127.1.2.3"]) {
      const socket = openTo(peer, { localAddress });
      expect(socket.localAddress).toBe(localAddress);
      waitFor("the peer to see it", () => peer.events("connection").at(-1)?.remoteAddress === localAddress);
      socket.close();
    }
  });

  test("of another machine fails, also with a name that is still being looked up", () => {
    const peer = startPeer("echo");
    for (const host of ["127.0.0.1", resolve("localhost")]) {
      const error = errorOf(() => connect({ host, port: peer.port, localAddress: "192.0.2.1", timeout: 5000 }));
      expect(error.code).toBe("EADDRNOTAVAIL");
    }
  });

  test("must be an IP", () => {
    for (const localAddress of ["localhost", "", "127.0.0", "::1%lo%"]) {
      expect(() => connect({ port: 1, localAddress })).toThrow(RangeError);
    }
    expect(() => connect({ port: 1, localAddress: 5 as never })).toThrow(TypeError);
  });
});

describe("counters", () => {
  test("bytesRead and bytesWritten count the bytes of every call", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer, { receiveBuffer: 4096, sendBuffer: 4096 });
    let written = 0;
    let read = 0;
    const check = () => expect([socket.bytesWritten, socket.bytesRead]).toEqual([written, read]);
    check();
    written += socket.write("a line\nand ");
    check();
    socket.writeAll("more;0123456789");
    written += 15;
    check();
    waitFor("the echo", () => socket.readable === written);
    check();
    socket.readLine(5000);
    read += 7;
    check();
    socket.readUntil(";", 5000);
    read += 9;
    check();
    socket.readExactly(2, 5000);
    read += 2;
    check();
    socket.read(3);
    read += 3;
    check();
    socket.readInto(Buffer.alloc(1));
    read += 1;
    check();
    socket.peek();
    check();
    socket.consume(2);
    read += 2;
    check();
    socket.end();
    expect(socket.readAll(5000)).toHaveLength(2);
    read += 2;
    check();
    expect(read).toBe(written);
    expect(socket.read()).toBeNull();
    socket.close();
    check();
  });

  test("stay right beyond 4,294,967,296 bytes, where positions wrap", () => {
    const peer = startPeer("source", { bytes: 4_400_000_000, hash: false, piece: 1 << 20 });
    const socket = openTo(peer);
    const target = Buffer.alloc(1 << 20);
    for (const deadline = performance.now() + 100_000; performance.now() < deadline; ) {
      const count = socket.readInto(target);
      if (count === null) break;
      if (count === 0) socket.waitUntilReadable(1000);
    }
    expect(socket.bytesRead).toBe(4_400_000_000);
    socket.close();
  }, 120_000);

  test("readable, writable and pendingWrites add up", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer, { sendBuffer: 65_536 });
    expect([socket.readable, socket.writable, socket.pendingWrites]).toEqual([0, 65_536, 0]);
    while (socket.waitUntilWritable(300)) socket.write(Buffer.alloc(10_000));
    expect([socket.writable, socket.pendingWrites]).toEqual([0, 65_536]);
    expect(socket.write("x")).toBe(0);
    peer.send({ do: "resume" });
    expect(socket.waitUntilDrained(10_000)).toBe(0);
    expect([socket.writable, socket.pendingWrites]).toEqual([65_536, 0]);
    socket.close();
    expect([socket.readable, socket.writable]).toEqual([0, 0]);
  });
});
