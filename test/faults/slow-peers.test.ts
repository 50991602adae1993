/**
 * Peers that are too slow: one that reads a byte a second, one that never reads, one that sends a byte a second, one that never
 * accepts. Deadlines hold against them, and other connections are not affected.
 */

import { connect, listen, type NetError } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, sha256 } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { pause, timed } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo, readBytes, readToEnd } from "../tcp/sockets.js";

const BIG = 64 << 20;
/** How late a wait may end on a busy machine. */
const LATE = 1000;

function expectNear(milliseconds: number, timeout: number): void {
  expect(milliseconds).toBeGreaterThan(timeout - 5);
  expect(milliseconds).toBeLessThan(timeout + LATE);
}

describe.each([
  ["reads a byte a second", "slow", { piece: 1, interval: 1000 }],
  ["never reads", "silent", {}],
] as const)("a peer that %s", (_name, behaviour, options) => {
  test("writes time out, say how much was taken, and don't slow other connections", () => {
    const slow = openTo(startPeer(behaviour, options));
    const other = openTo(startPeer("echo"));
    const { value, milliseconds } = timed(() => errorOf(() => slow.writeAll(Buffer.alloc(BIG), 500)) as NetError);
    expect(value.code).toBe("ETIMEDOUT");
    expectNear(milliseconds, 500);
    expect(value.bytesWritten).toBeGreaterThan(0);
    expect(value.bytesWritten).toBeLessThan(BIG);
    expect(slow.bytesWritten).toBe(value.bytesWritten);
    expect(slow.pendingWrites).toBeGreaterThan(0);
    expectNear(timed(() => slow.waitUntilDrained(200)).milliseconds, 200);
    expect(slow.status).toBe("success");

    // Meanwhile another client gets 100 answers, each at once.
    for (let i = 0; i < 100; i++) {
      other.writeAll(`question ${i}\n`, 5000);
      expect(other.readLine(5000)).toBe(`question ${i}`);
    }
    other.close();
    expect(timed(() => slow.reset()).milliseconds).toBeLessThan(LATE);
  });
});

describe("a peer that sends a byte a second", () => {
  test("a deadline is total, however many bytes arrive; what arrived is not lost", () => {
    const socket = openTo(startPeer("drip", { text: "abcd", interval: 1000 }));
    const { value, milliseconds } = timed(() => errorOf(() => socket.readExactly(4, 1500)));
    expect(value.code).toBe("ETIMEDOUT");
    expectNear(milliseconds, 1500);
    expect(socket.readable).toBeGreaterThan(0);
    expect(String(socket.readExactly(3, 10_000))).toBe("abc");
    expect(socket.readLine(10_000)).toBe("d");
    expect(socket.readLine(10_000)).toBeNull();
  });
});

describe("a full accept queue", () => {
  test("of a server: the client's timeout holds, in connect and in waitUntilConnected", () => {
    const { host, port } = startUnanswering();
    const { value, milliseconds } = timed(() => errorOf(() => connect({ host, port, timeout: 400 })));
    expect(value.code).toBe("ETIMEDOUT");
    expectNear(milliseconds, 400);
    const socket = connect({ host, port });
    expectNear(timed(() => socket.waitUntilConnected(300)).milliseconds, 300);
    expect(socket.status).toBe("waiting");
    socket.close();
  });

  test("does not arise with ours: the networking thread takes clients while the program is busy, and all are served later, with what they sent", () => {
    const CLIENTS = 300;
    const server = listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 4096 });
    const clients = startPeer("source", { connect: server.port, connections: CLIENTS, bytes: 100, seed: 9 });
    clients.waitForEvent("connection", 20_000, CLIENTS);
    pause(300); // the program does something else
    const remotePorts = new Set<number | undefined>();
    for (let i = 0; i < CLIENTS; i++) {
      const client = acceptFrom(server);
      remotePorts.add(client.remotePort);
      expect(readToEnd(client).bytes.equals(pattern(9, 0, 100))).toBe(true);
      client.close();
    }
    expect(remotePorts.size).toBe(CLIENTS);
    expect(server.accept()).toBeNull();
    server.close();
  });
});

test("a slow program loses nothing that its peer sent meanwhile", () => {
  const peer = startPeer("source", { bytes: 20_000_000, seed: 6 });
  const socket = openTo(peer, { receiveBuffer: 1 << 16 });
  pause(500);
  const head = readBytes(socket, 100);
  pause(500);
  const { bytes, error } = readToEnd(socket, 20_000);
  expect(error).toBeNull();
  expect(sha256(Buffer.concat([head, bytes]))).toBe(sha256(pattern(6, 0, 20_000_000)));
});
