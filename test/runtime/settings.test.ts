/**
 * The options `localPort`, `reusePort` and `dscp`, and `options`, which reads back what is set.
 */

import { execFileSync } from "node:child_process";
import net from "node:net";
import { bindUdp, connect, listen, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const hasReusePort = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);

describe("localPort", () => {
  test("is the port that the peer sees", () => {
    const peer = startPeer("silent");
    const localPort = closedPort();
    const socket = openTo(peer, { localPort });
    expect(socket.localPort).toBe(localPort);
    expect(peer.waitForEvent("connection").remotePort).toBe(localPort);
    socket.reset();
  });

  test("can be combined with localAddress", () => {
    const peer = startPeer("silent");
    const localPort = closedPort();
    const socket = openTo(peer, { localPort, localAddress: "127.0.0.2" });
    expect([socket.localAddress, socket.localPort]).toEqual(["127.0.0.2", localPort]);
    socket.reset();
  });

  test("in use throws the system's error", () => {
    const peer = startPeer("silent");
    const server = listen({ host: "127.0.0.1" });
    const error = errorOf(() => openTo(peer, { localPort: server.port, localAddress: "127.0.0.1" }));
    expect(error.code).toBe("EADDRINUSE");
    server.close();
  });

  test("out of range is refused", () => {
    expect(() => connect({ port: 1, localPort: 65_536 })).toThrow(/localPort must be/);
  });
});

describe("reusePort", () => {
  test("two servers share a port, where Node has it; elsewhere an error says what it needs", () => {
    if (!hasReusePort) {
      const error = errorOf(() => listen({ host: "127.0.0.1", reusePort: true }));
      expect(error).toMatchObject({ code: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM" });
      expect(error.message).toMatch(/reusePort needs Node 22\.12/);
      expect(errorOf(() => bindUdp({ reusePort: true })).message).toMatch(/reusePort needs Node 22\.12/);
      return;
    }
    const one = listen({ host: "127.0.0.1", reusePort: true });
    const other = listen({ host: "127.0.0.1", port: one.port, reusePort: true });
    expect(errorOf(() => listen({ host: "127.0.0.1", port: one.port })).code).toBe("EADDRINUSE");
    const clients: TcpSocket[] = [];
    waitFor("a client at each", () => {
      clients.push(connect({ host: "127.0.0.1", port: one.port, timeout: 5000 }));
      return one.ready && other.ready;
    });
    expect(one.options).toMatchObject({ reusePort: true });
    for (const handle of [...clients, one, other]) handle.close();
  });

  test("two UDP sockets share a port", () => {
    if (!hasReusePort) return void expect(() => bindUdp({ reusePort: true })).toThrow(/needs Node/);
    const one = bindUdp({ host: "127.0.0.1", reusePort: true });
    const other = bindUdp({ host: "127.0.0.1", port: one.port, reusePort: true });
    expect(other.port).toBe(one.port);
    expect(other.options.reusePort).toBe(true);
    one.close();
    other.close();
  });
});

describe("dscp", () => {
  /** The byte that the kernel sends in each packet's header, as `ss` prints it. */
  const typeOfService = (socket: TcpSocket): string => {
    const filter = ["sport", "=", `:${socket.localPort}`, "and", "dport", "=", `:${socket.remotePort}`];
    return /tos:(\w+)/.exec(execFileSync("ss", ["-tn", "--tos", ...filter], { encoding: "utf8" }))?.[1] ?? "none";
  };
  const hasIt = "setTypeOfService" in net.Socket.prototype;

  test("is set on both ends, where Node can; elsewhere an error says what it needs", () => {
    if (!hasIt) {
      expect(errorOf(() => connect({ port: 1, dscp: 46 })).message).toMatch(/dscp needs a Node whose sockets/);
      expect(errorOf(() => listen({ dscp: 46 })).code).toBe("ERR_FEATURE_UNAVAILABLE_ON_PLATFORM");
      return;
    }
    const server = listen({ host: "127.0.0.1", dscp: 10 });
    const client = connect({ host: "127.0.0.1", port: server.port, dscp: 46, timeout: 5000 });
    const accepted = acceptFrom(server);
    expect(typeOfService(client)).toBe("0xb8"); // 46 << 2
    waitFor("the accepted one's", () => typeOfService(accepted) === "0x28");
    expect([client.options.dscp, accepted.options.dscp]).toEqual([46, 10]);
    for (const handle of [client, accepted, server]) handle.close();
  });

  test("out of range is refused", () => {
    expect(() => connect({ port: 1, dscp: 64 })).toThrow(/dscp must be a whole number from 0 to 63/);
  });

  test("of a UDP socket is not an option", () => {
    expect(() => bindUdp({ dscp: 46 } as never)).toThrow(/unknown option dscp; Node can't set it on UDP sockets/);
  });
});

describe("options", () => {
  test("of a connection follow setNoDelay and setKeepAlive", () => {
    const socket = openTo(startPeer("silent"), { keepAlive: 1500, receiveBuffer: 4096, sendBuffer: 8192 });
    expect(socket.options).toEqual({
      noDelay: true,
      keepAlive: 2000, // the system counts in seconds
      dscp: undefined,
      receiveBuffer: 4096,
      sendBuffer: 8192,
    });
    socket.setNoDelay(false);
    socket.setKeepAlive(true);
    expect(socket.options).toMatchObject({ noDelay: false, keepAlive: true });
    socket.setKeepAlive(false);
    expect(socket.options.keepAlive).toBe(false);
    socket.close();
    expect(socket.options.noDelay).toBe(false);
  });

  test("of an accepted connection are the server's", () => {
    const server = listen({ host: "127.0.0.1", noDelay: false, keepAlive: 60_000, backlog: 7, receiveBuffer: 4096 });
    expect(server.options).toEqual({ backlog: 7, ipv6Only: false, reusePort: false });
    const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    const accepted = acceptFrom(server);
    expect(accepted.options).toMatchObject({ noDelay: false, keepAlive: 60_000, receiveBuffer: 4096 });
    for (const handle of [client, accepted, server]) handle.close();
  });

  test("of a UDP socket follow setBroadcast", () => {
    const socket = bindUdp({ host: "127.0.0.1", reuseAddr: true, receiveBuffer: 131_072 });
    expect(socket.options).toMatchObject({
      reuseAddr: true,
      broadcast: false,
      ipv6Only: false,
      receiveBuffer: 131_072,
    });
    socket.setBroadcast(true);
    expect(socket.options.broadcast).toBe(true);
    socket.close();
  });
});

describe("writing to a peer that has gone", () => {
  test.each(["destroy", "reset"] as const)("fails before the bytes of a small send ring are taken: %s", (end) => {
    const peer = startPeer("manual");
    const socket = openTo(peer, { sendBuffer: 4096 });
    peer.waitForEvent("connection");
    peer.send({ do: end });
    waitFor("the end", () => socket.waitUntilReadable(100));
    let taken = 0;
    const error = errorOf(() => {
      for (;;) {
        taken += socket.write("x");
        socket.waitUntilDrained(5000); // throws once the kernel refuses what was taken
      }
    });
    expect(["ECONNRESET", "EPIPE"]).toContain(error.code);
    expect(taken).toBeLessThan(end === "reset" ? 2 : 4096);
    socket.close();
  });
});
