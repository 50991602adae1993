/**
 * `listen` and the class `TcpServer`: tests that run once for each way in which accepted sockets can be read
 * (server.test.ts, server-fallback.test.ts).
 */

import { networkInterfaces } from "node:os";
import { connect, listen, TcpServer, TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { pause, timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo, readBytes, readToEnd, writeBytes } from "./sockets.js";

/** `seesHiddenResets`: Node's public API takes a reset right behind bytes for an end, with the libuv of Node 20 to 24. */
export function testServers({ seesHiddenResets }: { seesHiddenResets: boolean }): void {
  describe("listen", () => {
    test("is bound when it returns, to a free port unless one is given", () => {
      const server = listen({ host: "127.0.0.1" });
      expect(server).toBeInstanceOf(TcpServer);
      expect(server.port).toBeGreaterThan(0);
      expect(server.address).toBe("127.0.0.1");
      startPeer("manual", { connect: server.port }).waitForEvent("connection");
      server.close();
      const again = listen({ host: "127.0.0.1", port: server.port });
      expect(again.port).toBe(server.port);
      again.close();
    });

    test("without a host binds all interfaces, IPv4 and IPv6", () => {
      const server = listen();
      const hosts = ["127.0.0.1", "::1"];
      for (const list of Object.values(networkInterfaces())) {
        for (const { address, internal, scopeid } of list ?? []) if (!internal && !scopeid) hosts.push(address);
      }
      for (const host of hosts) {
        const socket = openTo({ host, port: server.port });
        acceptFrom(server).close();
        socket.close();
      }
      server.close();
    });

    test("with an IPv6 host binds IPv6 alone", () => {
      const server = listen({ host: "::1" });
      expect(server.address).toBe("::1");
      openTo({ host: "::1", port: server.port }).close();
      const refused = () => connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
      expect(errorOf(refused).code).toBe("ECONNREFUSED");
      server.close();
    });

    test("with a name binds its address", () => {
      const server = listen({ host: "localhost" });
      expect(["127.0.0.1", "::1"]).toContain(server.address);
      server.close();
    });

    test("throws EADDRINUSE", () => {
      const peer = startPeer("echo");
      const error = errorOf(() => listen({ host: "127.0.0.1", port: peer.port }));
      expect(error).toMatchObject({ code: "EADDRINUSE", syscall: "listen", address: "127.0.0.1", port: peer.port });
      const server = listen();
      expect(errorOf(() => listen({ port: server.port })).code).toBe("EADDRINUSE");
      server.close();
    });

    test("throws EADDRNOTAVAIL", () => {
      expect(errorOf(() => listen({ host: "203.0.113.7" }))).toMatchObject({
        code: "EADDRNOTAVAIL",
        address: "203.0.113.7",
      });
    });

    test("throws ENOTFOUND", () => {
      expect(errorOf(() => listen({ host: "no such host" })).code).toBe("ENOTFOUND");
    });
  });

  describe("accept()", () => {
    test("returns null without blocking when no client waits", () => {
      const server = listen({ host: "127.0.0.1" });
      const { value, milliseconds } = timed(() => Array.from({ length: 100 }, () => server.accept()));
      expect(value.every((client) => client === null)).toBe(true);
      expect(milliseconds).toBeLessThan(1000);
      server.close();
    });

    test("returns a connected TcpSocket with the addresses of both ends", () => {
      const server = listen({ host: "127.0.0.1" });
      const peer = startPeer("greeter", { connect: server.port, text: "me" });
      const client = acceptFrom(server);
      expect(client).toBeInstanceOf(TcpSocket);
      expect(client.status).toBe("success");
      expect(client.waitUntilConnected(0)).toBe("success");
      const { localPort } = peer.waitForEvent("connection");
      expect(client).toMatchObject({
        remoteAddress: "127.0.0.1",
        remotePort: localPort,
        localAddress: "127.0.0.1",
        localPort: server.port,
      });
      expect(String(readBytes(client, 2))).toBe("me");
      client.close();
      server.close();
    });

    test("returns each client once", () => {
      const server = listen({ host: "127.0.0.1" });
      startPeer("manual", { connect: server.port, connections: 30 });
      const ports = new Set(Array.from({ length: 30 }, () => acceptFrom(server).remotePort));
      expect(ports.size).toBe(30);
      expect(server.accept()).toBeNull();
      expect(server.waitUntilAcceptable(50)).toBe(false);
      server.close();
    });

    test("keeps the bytes and the end of a client that ended long before it was accepted", () => {
      const server = listen({ host: "127.0.0.1" });
      const peer = startPeer("source", { connect: server.port, bytes: 50_000, seed: 30 });
      peer.waitForEvent("connection");
      pause(200);
      const client = acceptFrom(server);
      expect(readToEnd(client)).toEqual({ bytes: pattern(30, 0, 50_000), error: null });
      writeBytes(client, Buffer.from("got it"));
      client.close();
      expect(peer.waitForEvent("end")).toMatchObject({ bytes: 6, sha256: sha256("got it") });
      server.close();
    });

    test("keeps working after a client that reset before it was accepted", () => {
      const server = listen({ host: "127.0.0.1" });
      const peer = startPeer("manual", { connect: server.port });
      peer.waitForEvent("connection");
      peer.send({ do: "write", text: "I was here" });
      peer.send({ do: "reset" });
      peer.waitForEvent("close");
      if (server.waitUntilAcceptable(300)) {
        const client = server.accept();
        const error = client === null ? null : readToEnd(client).error;
        if (seesHiddenResets || error !== null) expect(error?.code).toMatch(/^(ECONNRESET|ECONNABORTED)$/);
      }
      openTo({ host: "127.0.0.1", port: server.port }).close();
      expect(server.waitUntilAcceptable(5000)).toBe(true);
      server.close();
    });

    test("leaves the bytes of a client in the kernel until it is accepted", () => {
      const server = listen({ host: "127.0.0.1" });
      const peer = startPeer("source", { connect: server.port, bytes: 50_000_000, seed: 31 });
      peer.waitForEvent("connection");
      pause(300);
      peer.send({ do: "report" });
      expect(peer.waitForEvent("report").sent).toBeLessThan(25_000_000);
      const { bytes, error } = readToEnd(acceptFrom(server), 20_000);
      expect(error).toBeNull();
      expect(sha256(bytes)).toBe(patternHash(31, 50_000_000));
      server.close();
    });

    test("gives clients the ring sizes of the server", () => {
      const server = listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 8192 });
      startPeer("source", { connect: server.port, bytes: 100_000 });
      const client = acceptFrom(server);
      expect(client.writable).toBe(8192);
      waitFor("a full ring", () => client.readable === 4096);
      pause(50);
      expect(client.readable).toBe(4096);
      client.close();
      server.close();
    });

    test("returns a socket that carries 20 MB each way", () => {
      const server = listen({ host: "127.0.0.1" });
      const peer = startPeer("source", { connect: server.port, bytes: 20_000_000, seed: 32, keepOpen: true });
      const client = acceptFrom(server);
      expect(sha256(readBytes(client, 20_000_000))).toBe(patternHash(32, 20_000_000));
      writeBytes(client, pattern(33, 0, 20_000_000));
      client.close();
      expect(peer.waitForEvent("end")).toMatchObject({ bytes: 20_000_000, sha256: patternHash(33, 20_000_000) });
      server.close();
    });
  });

  describe("waitUntilAcceptable(timeout)", () => {
    test("blocks until a client waits", () => {
      const server = listen({ host: "127.0.0.1" });
      expect(server.waitUntilAcceptable(0)).toBe(false);
      startPeer("manual", { connect: server.port });
      expect(server.waitUntilAcceptable(-1)).toBe(true);
      expect(server.waitUntilAcceptable(0)).toBe(true);
      server.accept()?.close();
      expect(server.waitUntilAcceptable(0)).toBe(false);
      server.close();
    });
  });

  describe("close()", () => {
    test("frees the port, is idempotent, and is what Symbol.dispose does", () => {
      const server = listen({ host: "127.0.0.1" });
      server.close();
      server.close();
      expect(server.closed).toBe(true);
      for (let i = 0; i < 50; i++) listen({ host: "127.0.0.1", port: server.port })[Symbol.dispose]();
      expect(errorOf(() => server.accept()).message).toMatch(/closed/);
      expect(errorOf(() => server.waitUntilAcceptable(-1)).message).toMatch(/closed/);
    });

    test("leaves accepted clients alone and ends the others", () => {
      const server = listen({ host: "127.0.0.1" });
      const echo = startPeer("echo", { connect: server.port });
      const client = acceptFrom(server);
      echo.waitForEvent("connection");
      const other = startPeer("echo", { connect: server.port });
      other.waitForEvent("connection");
      expect(server.waitUntilAcceptable(5000)).toBe(true);
      server.close();
      other.waitForEvent("close");
      writeBytes(client, Buffer.from("still here"));
      expect(String(readBytes(client, 10))).toBe("still here");
      client.close();
    });
  });

  test("a server and its clients work in one blocking thread", () => {
    const server = listen({ host: "127.0.0.1" });
    const pairs = Array.from({ length: 20 }, () => {
      const here = openTo({ host: "127.0.0.1", port: server.port });
      return { here, there: acceptFrom(server) };
    });
    for (const [i, { here }] of pairs.entries()) writeBytes(here, Buffer.from(`question ${i}`));
    for (const [i, { there }] of pairs.entries()) {
      expect(String(readBytes(there, `question ${i}`.length))).toBe(`question ${i}`);
      writeBytes(there, Buffer.from(`answer ${i}`));
      there.close();
    }
    for (const [i, { here }] of pairs.entries()) {
      expect(readToEnd(here).bytes.toString()).toBe(`answer ${i}`);
      here.close();
    }
    server.close();
  });
}
