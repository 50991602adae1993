/**
 * What Wasmtime's test programs `p2_tcp_sockopts` and `p2_tcp_streams` (github.com/bytecodealliance/wasmtime) assert of
 * options and of the two directions of a TCP connection. docs/ported-suites.md has the whole list.
 */

import { connect, listen } from "ringnet";
import { describe, expect, test } from "vitest";
import { patternHash, pattern as someBytes } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";
import { families } from "./support/families.js";
import { nextProbe } from "./support/keep-alive.js";

/** Less than the system's own delay of the first probe, two hours. */
const SYSTEM_DELAY_MS = 3_600_000;

/** The ms until a connection's next keep-alive probe, as soon as the kernel says what `expected` accepts. */
function expectProbe(localPort: number, remotePort: number, expected: (due: number | null) => boolean): number | null {
  let due: number | null | undefined;
  waitFor("another keep-alive timer", () => {
    due = nextProbe(localPort, remotePort);
    return due !== undefined && expected(due);
  });
  return due as number | null;
}

describe.each(families)("ranges of options, $family", ({ loopback }) => {
  test("refuses a backlog of 0; accepts 1 and more than the system allows", () => {
    expect(() => listen({ host: loopback, backlog: 0 })).toThrow(RangeError);
    for (const backlog of [1, 2 ** 31 - 1]) listen({ host: loopback, backlog }).close();
  });

  test("refuses a buffer of 0 bytes; departure: also sizes that are not powers of two from 4096", () => {
    const server = listen({ host: loopback });
    for (const bytes of [0, 1, 5000, 2 ** 40]) {
      for (const name of ["receiveBuffer", "sendBuffer"]) {
        expect(() => connect({ host: loopback, port: server.port, [name]: bytes })).toThrow(RangeError);
        expect(() => listen({ host: loopback, [name]: bytes })).toThrow(RangeError);
      }
    }
    expect(server.waitUntilAcceptable(50)).toBe(false);
    server.close();
  });

  test("keep-alive can be set on and off; its delay must not be negative", () => {
    const server = listen({ host: loopback });
    const client = connect({ host: loopback, port: server.port, timeout: 5000 });
    client.setKeepAlive(true);
    client.setKeepAlive(false);
    expect(() => client.setKeepAlive(true, -1)).toThrow(RangeError);
    expect(() => client.setKeepAlive(true, Number.MAX_SAFE_INTEGER)).toThrow(RangeError);
    expect(client.status).toBe("success");
    client.close();
    server.close();
  });
});

describe("options take effect", () => {
  test("keep-alive and its delay, as the kernel reports them", () => {
    const peer = startPeer("silent");
    const client = openTo(peer);
    const port = client.localPort as number;
    expectProbe(port, peer.port, (due) => due === null);
    client.setKeepAlive(true, 42_000);
    // libuv turns the probes on first and sets their delay then: in between the kernel has the system's, two hours.
    const due = expectProbe(port, peer.port, (found) => found !== null && found < SYSTEM_DELAY_MS);
    expect(due).toBeGreaterThan(20_000);
    expect(due).toBeLessThanOrEqual(42_000 + 500);
    client.setKeepAlive(false);
    expectProbe(port, peer.port, (found) => found === null);
    client.close();
  });

  test("keep-alive from the start; less than a second is a second", () => {
    const peer = startPeer("silent");
    for (const [keepAlive, low, high] of [
      [42_000, 20_000, 42_500],
      [1, 0, 1500],
    ] as const) {
      const client = openTo(peer, { keepAlive });
      const shorter = (found: number | null) => found !== null && found < SYSTEM_DELAY_MS;
      const due = expectProbe(client.localPort as number, peer.port, shorter);
      expect(due).toBeGreaterThanOrEqual(low);
      expect(due).toBeLessThanOrEqual(high);
      client.close();
    }
  });

  test("accepted connections have the server's keep-alive", () => {
    const server = listen({ host: "127.0.0.1", keepAlive: true });
    const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    const accepted = acceptFrom(server);
    expectProbe(server.port, client.localPort as number, (due) => due !== null);
    for (const each of [client, accepted, server]) each.close();
  });

  test.each(families)("a buffer has exactly the requested size, $family", ({ loopback }) => {
    const peer = startPeer("silent", { host: loopback });
    const client = openTo(peer, { sendBuffer: 0x10000 });
    expect(client.writable).toBe(0x10000);
    client.close();
  });
});

describe.each(families)("accepted connections, $family", ({ loopback }) => {
  test("have the server's buffer sizes, and options of their own from then on", () => {
    const server = listen({ host: loopback, sendBuffer: 0x10000 });
    const clients = [1, 2].map(() => connect({ host: loopback, port: server.port, timeout: 5000 }));
    const [one, two] = clients.map(() => acceptFrom(server));
    expect(one?.writable).toBe(0x10000);
    one?.setKeepAlive(true, 42_000);
    expect(two?.writable).toBe(0x10000);
    if (loopback === "127.0.0.1" && one !== undefined && two !== undefined) {
      expectProbe(server.port, one.remotePort as number, (due) => due !== null && due > 20_000);
      expectProbe(server.port, two.remotePort as number, (due) => due === null);
    }
    for (const each of [...clients, one, two, server]) each?.close();
  });
});

describe.each(families)("streams, $family", ({ loopback }) => {
  test("read returns null as soon as the peer's end has arrived, also for 0 bytes", () => {
    const peer = startPeer("manual", { host: loopback });
    const client = openTo(peer);
    expect(client.read(10)).toHaveLength(0);
    peer.send({ do: "end" });
    expect(client.waitUntilReadable(5000)).toBe(true);
    expect(client.read(10)).toBeNull();
    expect(client.read(0)).toBeNull();
    client.close();
  });

  test("reading throws after close(), even with bytes left", () => {
    const peer = startPeer("greeter", { host: loopback, text: "a text that nobody is going to read" });
    const client = openTo(peer);
    expect(client.waitUntilReadable(5000)).toBe(true);
    client.close();
    for (const amount of [10, 0]) expect(errorOf(() => client.read(amount)).code).toBe("ERR_SOCKET_CLOSED");
    expect(client.readable).toBe(0);
  });

  test("writing throws after end()", () => {
    const peer = startPeer("manual", { host: loopback });
    const client = openTo(peer);
    expect(client.writable).toBeGreaterThanOrEqual(3);
    client.end();
    for (const data of ["Hi!", ""]) expect(errorOf(() => client.write(data)).code).toBe("EPIPE");
    expect(client.writable).toBe(0);
    expect(errorOf(() => client.waitUntilWritable(5000)).code).toBe("EPIPE");
    expect(errorOf(() => client.writeAll("Hi!", 5000)).code).toBe("EPIPE");
    expect(peer.waitForEvent("end").bytes).toBe(0);
    client.close();
  });

  test("departure: waitUntilDrained still works after end()", () => {
    const peer = startPeer("sink", { host: loopback });
    const client = openTo(peer);
    client.write("all of this");
    client.end();
    expect(client.waitUntilDrained(5000)).toBe(0);
    expect(peer.waitForEvent("end").bytes).toBe(11);
    client.close();
  });

  test("an end right after a large write loses nothing", () => {
    const size = 8 << 20; // more than the kernel takes without a reader
    const peer = startPeer("manual", { host: loopback, paused: true });
    const client = openTo(peer, { sendBuffer: size });
    expect(client.write(someBytes(7, 0, size))).toBe(size);
    client.end();
    expect(client.pendingWrites).toBeGreaterThan(0);
    peer.send({ do: "resume" });
    const { bytes, sha256 } = peer.waitForEvent("end");
    expect([bytes, sha256]).toEqual([size, patternHash(7, size)]);
    client.close();
  });
});
