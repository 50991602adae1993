/**
 * Much data over TLS: it arrives as it was sent, whatever the sizes of rings, and a reader that does not read holds the sender back.
 */

import { connect, net } from "ringnet";
import { describe, expect, test } from "vitest";
import { addressOf, readBytes as readPair, unwrap, writeBytes as writePair } from "../net/connections.js";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { pause } from "../support/waiting.js";
import { readBytes, writeBytes } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";

const authority = new Authority("the authority");
const identity = authority.issue({ names: ["localhost"] });
const tls = { ca: authority.cert };
const server = { key: identity.key, cert: identity.cert };

test("net.tcp.read and net.tcp.write: 20 MB each way at once", () => {
  const peer = startPeer("echo", { tls: server });
  net.set_cacert_path(authority.certPath);
  const tcp = unwrap(net.open_tcp(addressOf("localhost"), peer.port, true));
  const received: Buffer[] = [];
  let sent = 0;
  let arrived = 0;
  const deadline = performance.now() + 20_000;
  while (arrived < 20_000_000) {
    expect(performance.now()).toBeLessThan(deadline);
    const written = sent < 20_000_000 ? unwrap(tcp.write(pattern(1, sent, Math.min(100_003, 20_000_000 - sent)))) : 0;
    const piece = unwrap(tcp.read(99_991));
    received.push(piece);
    sent += written;
    arrived += piece.length;
    if (written === 0 && piece.length === 0) pause(1);
  }
  expect(sha256(Buffer.concat(received))).toBe(patternHash(1, 20_000_000));
  tcp.close();
});

describe("with rings of 4 KiB", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)("5 MB arrive from the peer, %s", (maxVersion) => {
    const peer = startPeer("source", { tls: { ...server, maxVersion }, bytes: 5_000_000, seed: 2 });
    const options = { host: "localhost", port: peer.port, tls, timeout: 5000, receiveBuffer: 4096 };
    const socket = connect(options);
    expect(sha256(socket.readAll(20_000))).toBe(patternHash(2, 5_000_000));
    socket.close();
  });

  test("5 MB arrive at the peer", () => {
    const peer = startPeer("sink", { tls: server });
    const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000, sendBuffer: 4096 });
    writeBytes(socket, pattern(3, 0, 5_000_000), 20_000);
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 5_000_000, sha256: patternHash(3, 5_000_000) });
  });
});

test("unread bytes stay with the peer (back-pressure)", () => {
  const peer = startPeer("source", { tls: server, bytes: 50_000_000, seed: 4 });
  const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000, receiveBuffer: 65_536 });
  pause(500);
  expect(socket.readable).toBe(65_536);
  peer.send({ do: "report" });
  expect(peer.waitForEvent("report").sent).toBeLessThan(25_000_000);
  expect(sha256(readBytes(socket, 50_000_000, 20_000))).toBe(patternHash(4, 50_000_000));
  expect(socket.waitUntilReadable(5000)).toBe(true);
  expect(socket.read()).toBeNull();
  socket.close();
});

test("many connections work at once", () => {
  const peer = startPeer("echo", { tls: server, hash: false });
  net.set_cacert_path(authority.certPath);
  const address = addressOf("localhost");
  const connections = Array.from({ length: 40 }, () => unwrap(net.open_tcp(address, peer.port, true)));
  for (const [i, tcp] of connections.entries()) writePair(tcp, pattern(i, 0, 50_000)); // before any is connected
  for (const [i, tcp] of connections.entries()) {
    expect(readPair(tcp, 50_000).equals(pattern(i, 0, 50_000))).toBe(true);
    tcp.close();
  }
});

test("TLS over a Unix domain socket needs a servername to verify", () => {
  // A path is not a host name: Node then verifies "localhost", and so does this package.
  const path = `/tmp/ringnet-test-tls-${process.pid}.sock`;
  const peer = startPeer("echo", { path, tls: server });
  const socket = connect({ path, tls: { ...tls, servername: "localhost" }, timeout: 5000 });
  socket.writeAll("local", 1000);
  expect(String(socket.readExactly(5, 5000))).toBe("local");
  expect(socket.authorized).toBe(true);
  socket.close();
  expect(peer.waitForEvent("connection").servername).toBe("localhost");
});
