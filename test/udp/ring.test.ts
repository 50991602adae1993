/**
 * Many datagrams: each one is received, dropped by the full ring and counted, or lost by the kernel, which counts too; and those
 * received are whole and in order.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bindUdp } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, sha256 } from "../support/bytes.js";
import { root } from "../support/processes.js";
import { waitFor } from "../support/waiting.js";
import { fillNumbered, NumberedTally } from "./support/numbered.js";
import { lostByKernel, startUdpPeer } from "./support/udp-peers.js";

describe("dropped", () => {
  test("counts datagrams that the full ring has no room for; datagrams in the ring stay intact", () => {
    const socket = bindUdp({ host: "127.0.0.1", receiveBuffer: 131_072 });
    const peer = startUdpPeer();
    expect(socket.dropped).toBe(0);
    peer.send({ do: "numbered", port: socket.port, host: "127.0.0.1", count: 2000, size: 1000, pace: 16 });
    expect(peer.waitForEvent("sent")).toMatchObject({ sent: 2000, failed: 0 });
    // A record is the datagram, a header of 8 bytes, and the host "127.0.0.1".
    const fits = Math.floor(131_072 / (1000 + 8 + 9));
    waitFor("all datagrams", () => socket.dropped + fits + lostByKernel(socket.port) === 2000);
    expect(socket.dropped).toBeGreaterThan(0);
    const tally = new NumberedTally();
    const first: number[] = [];
    for (let datagram = socket.receive(); datagram !== null; datagram = socket.receive()) {
      tally.add(datagram.data);
      first.push(datagram.data.readUInt32LE(0));
    }
    expect(tally.result).toEqual({ received: fits, corrupted: 0, duplicated: 0, disordered: 0 });
    if (lostByKernel(socket.port) === 0) expect(first).toEqual(Array.from({ length: fits }, (_, i) => i));
    // There is room again.
    peer.send({ do: "send", port: socket.port, host: "127.0.0.1", text: "after the flood" });
    expect(String(socket.receiveWait(5000).data)).toBe("after the flood");
    socket.close();
  });

  test("a small datagram may still fit where a large one does not", () => {
    const socket = bindUdp({ host: "127.0.0.1", receiveBuffer: 131_072 });
    const peer = startUdpPeer();
    const send = (bytes: number, count: number) => {
      peer.send({ do: "send", port: socket.port, host: "127.0.0.1", bytes });
      peer.waitForEvent("sent", 5000, count);
    };
    send(65_507, 1);
    send(65_507, 2);
    send(60_000, 3);
    waitFor("a drop", () => socket.dropped === 1);
    send(5, 4);
    expect(socket.receiveWait(5000).data).toHaveLength(65_507);
    expect(socket.receiveWait(5000).data).toHaveLength(65_507);
    expect(socket.receiveWait(5000).data).toHaveLength(5);
    expect(socket.dropped).toBe(1);
    socket.close();
  });
});

describe("numbered datagrams on loopback", () => {
  test("to us: received + dropped + lost = sent, none corrupted, none twice, none out of order", () => {
    const count = 100_000;
    const socket = bindUdp({ host: "127.0.0.1" });
    const peer = startUdpPeer();
    const tally = new NumberedTally();
    peer.send({ do: "numbered", port: socket.port, host: "127.0.0.1", count });
    const deadline = performance.now() + 15_000;
    for (let sum = 0; sum < count && performance.now() < deadline; ) {
      socket.waitUntilReadable(50);
      for (let datagram = socket.receive(); datagram !== null; datagram = socket.receive()) tally.add(datagram.data);
      sum = tally.received + socket.dropped + lostByKernel(socket.port);
    }
    const { sent } = peer.waitForEvent("sent", 5000);
    expect(sent).toBe(count);
    expect(tally.received + socket.dropped + lostByKernel(socket.port)).toBe(count);
    expect(tally.received).toBeGreaterThan(count / 10); // or this would prove little
    expect(tally.result).toMatchObject({ corrupted: 0, duplicated: 0, disordered: 0 });
    socket.close();
  });

  test("from us: received + lost = taken, none corrupted, none twice, none out of order", () => {
    const count = 50_000;
    const socket = bindUdp({ host: "127.0.0.1" });
    const peer = startUdpPeer({ tally: true, receiveBuffer: 1 << 21 });
    for (let next = 0; next < count; ) {
      if (socket.send(fillNumbered(next), peer.port, peer.host)) next++;
      else expect(socket.waitUntilWritable(5000)).toBe(true);
    }
    expect(socket.waitUntilDrained(10_000)).toBe(0);
    expect(socket.receive()).toBeNull(); // and no error
    let asked = 0;
    const tally = waitFor("all datagrams", () => {
      peer.send({ do: "tally" });
      const now = peer.waitForEvent("tally", 5000, ++asked);
      return (now.received ?? 0) + lostByKernel(peer.port) === count && now;
    });
    expect(tally.received).toBeGreaterThan(count / 10);
    expect(tally).toMatchObject({ corrupted: 0, duplicated: 0, disordered: 0 });
    socket.close();
  });
});

test("a datagram that waits for a look-up stays whole while others overtake it", () => {
  const socket = bindUdp({ host: "127.0.0.1", sendBuffer: 131_072 });
  const named = startUdpPeer();
  const sink = startUdpPeer({ tally: true });
  const rounds = 40;
  for (let round = 1; round <= rounds; round++) {
    const bytes = 30_000 + round;
    expect(socket.waitUntilWritable(5000)).toBe(true);
    expect(socket.send(pattern(round, 0, bytes), named.port, "localhost")).toBe(true);
    // Twice what the ring holds, so other datagrams pass through the whole ring.
    for (let next = 0; next < 30; ) {
      if (socket.send(fillNumbered(next, 9000), sink.port, sink.host)) next++;
      else expect(socket.waitUntilWritable(5000)).toBe(true);
    }
    expect(named.waitForEvent("message", 5000, round)).toMatchObject({
      bytes,
      sha256: sha256(pattern(round, 0, bytes)),
    });
  }
  expect(socket.waitUntilDrained(5000)).toBe(0);
  socket.close();
});

test("a datagram that fails at once frees its own bytes, not the bytes of one that waits", () => {
  const program = join(root, "test/udp/support/early-failure.js");
  const args = ["--test-udp-no-try-send", program];
  const done = spawnSync(process.execPath, args, {
    encoding: "utf8",
    timeout: 10_000,
    env: { PATH: process.env.PATH },
  });
  expect(done.stderr).toBe("");
  const { early, last, written } = JSON.parse(done.stdout);
  expect(early).toEqual({ failures: 1, returned: 0 });
  expect(last).toEqual({ failures: 1, returned: written });
});
