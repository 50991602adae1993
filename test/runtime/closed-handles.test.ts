/** What a closed handle returns after another handle has got its slot. */

import { bindUdp, connect, poll } from "ringnet";
import { expect, test } from "vitest";
import { type Peer, startPeer, startUnanswering } from "../support/peers.js";
import { pause, waitFor } from "../support/waiting.js";

/** The smallest that is allowed. */
const RECEIVE_BUFFER = 131_072;

/** Connections that were open and are closed; their slots have been released, and come back at the next call that opens something. */
function closedSockets(peer: Peer, count: number) {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ host: "127.0.0.1", port: peer.port });
    expect(socket.waitUntilConnected(10_000)).toBe("success");
    return socket;
  });
  for (const socket of sockets) socket.close();
  peer.waitForEvent("close", 10_000, count);
  pause(50); // the release comes right after
  return sockets;
}

test("a closed socket keeps its addresses", () => {
  const peer = startPeer("echo");
  const sockets = closedSockets(peer, 3);
  connect({ host: "127.0.0.1", port: peer.port }).close();
  for (const socket of sockets) {
    expect(socket.remotePort).toBe(peer.port);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    expect(socket.localPort).toBeGreaterThan(0);
    expect(socket.localAddress).toBe("127.0.0.1");
  }
});

test("a closed socket does not wait for the connection that reuses its slot", () => {
  const silent = startUnanswering();
  const closed = closedSockets(startPeer("echo"), 2);
  const waiting = closed.map(() => connect({ host: "127.0.0.1", port: silent.port }));
  const begin = performance.now();
  for (const socket of closed) expect(socket.waitUntilConnected(5000)).toBe("failure");
  expect(performance.now() - begin).toBeLessThan(4000);
  expect(waiting.map((socket) => socket.status)).toEqual(["waiting", "waiting"]);
  expect(poll(closed)).toEqual(closed);
  for (const socket of waiting) socket.close();
});

test("a closed UDP socket does not count the drops of the socket that reuses its slot", () => {
  const options = { host: "127.0.0.1", port: 0, receiveBuffer: RECEIVE_BUFFER };
  const closed = Array.from({ length: 4 }, () => bindUdp(options));
  for (const socket of closed) socket.close();
  const sender = bindUdp({ host: "127.0.0.1", port: 0 });
  for (let round = 0; round < 2; round++) {
    const next = Array.from({ length: 4 }, () => bindUdp(options));
    waitFor("datagrams that are dropped", () => {
      for (const socket of next) sender.send(Buffer.alloc(60_000), socket.port, "127.0.0.1");
      return next.every((socket) => socket.dropped > 0);
    });
    expect(closed.map((socket) => socket.dropped)).toEqual([0, 0, 0, 0]);
    for (const socket of next) {
      const { dropped } = socket;
      socket.close();
      expect(socket.dropped).toBeGreaterThanOrEqual(dropped);
    }
  }
  sender.close();
});
