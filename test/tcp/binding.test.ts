/**
 * `bindTcp`: ports that are bound without listening, and the option `bound` of `listen` and `connect`.
 */

import { inspect } from "node:util";
import { BoundSocket, bindTcp, connect, createRuntime, listen, poll } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { isNode } from "../support/runtime.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo, readBytes } from "./sockets.js";

const host = "127.0.0.1";

if (isNode) testBinding();
else {
  test("bindTcp is refused", () => {
    expect(errorOf(() => bindTcp({ host })).code).toBe("ERR_FEATURE_UNAVAILABLE_ON_PLATFORM");
  });
}

function testBinding(): void {
  describe("bindTcp", () => {
    test("has its port when it returns, and refuses clients", () => {
      const bound = bindTcp({ host });
      expect(bound).toBeInstanceOf(BoundSocket);
      expect(bound.port).toBeGreaterThan(0);
      expect(bound.address).toBe(host);
      expect(bound.ready).toBe(false);
      expect(poll([bound], 0)).toHaveLength(0);
      expect(errorOf(() => openTo({ host, port: bound.port })).code).toBe("ECONNREFUSED");
      bound.close();
    });

    test("prints as one line", () => {
      const bound = bindTcp({ host });
      expect(inspect(bound)).toBe(`BoundSocket #${bound.id} { ${host}:${bound.port}, bound }`);
      bound.close();
    });

    test("frees the port when it is closed", () => {
      const bound = bindTcp({ host });
      bound.close();
      const server = listen({ host, port: bound.port });
      expect(server.port).toBe(bound.port);
      server.close();
    });

    test("throws the system's error, with address and port", () => {
      expect(errorOf(() => bindTcp({ host: "203.0.113.1" }))).toMatchObject({
        code: "EADDRNOTAVAIL",
        syscall: "bind",
        address: "203.0.113.1",
      });
      const server = listen({ host });
      expect(errorOf(() => bindTcp({ host, port: server.port }))).toMatchObject({
        code: "EADDRINUSE",
        syscall: "bind",
      });
      server.close();
    });

    test("takes a name", () => {
      const bound = bindTcp({ host: "localhost" });
      expect(["127.0.0.1", "::1"]).toContain(bound.address);
      bound.close();
    });
  });

  describe("listen({ bound })", () => {
    test("listens on the port, and closes the bound socket", () => {
      const bound = bindTcp({ host });
      const server = listen({ bound });
      expect([server.address, server.port]).toEqual([host, bound.port]);
      expect(bound.closed).toBe(true);
      const peer = startPeer("manual", { connect: server.port });
      expect(acceptFrom(server).remotePort).toBe(peer.waitForEvent("connection").localPort);
      server.close();
      bound.close(); // no effect
      expect(errorOf(() => listen({ bound }))).toMatchObject({
        code: "ERR_SOCKET_CLOSED",
        address: host,
        port: bound.port,
      });
    });

    test("without a host serves IPv4 and IPv6, with ipv6Only IPv6 alone", () => {
      const both = listen({ bound: bindTcp() });
      for (const each of ["127.0.0.1", "::1"]) {
        const socket = openTo({ host: each, port: both.port });
        acceptFrom(both).close();
        socket.close();
      }
      both.close();
      const six = listen({ bound: bindTcp({ ipv6Only: true }) });
      openTo({ host: "::1", port: six.port }).close();
      expect(errorOf(() => openTo({ host: "127.0.0.1", port: six.port })).code).toBe("ECONNREFUSED");
      six.close();
    });

    test("throws EADDRINUSE if another server got the port, with address and port; the bound socket is closed", () => {
      const one = bindTcp({ host });
      const server = listen({ bound: bindTcp({ host, port: one.port }) });
      expect(errorOf(() => listen({ bound: one }))).toMatchObject({
        code: "EADDRINUSE",
        address: host,
        port: one.port,
      });
      expect(one.closed).toBe(true);
      server.close();
    });
  });

  describe("connect({ bound })", () => {
    test("connects from the port", () => {
      for (const options of [{ host }, {}]) {
        const peer = startPeer("echo");
        const bound = bindTcp(options);
        const socket = openTo(peer, { bound });
        expect(socket.localPort).toBe(bound.port);
        expect(bound.closed).toBe(true);
        expect(peer.waitForEvent("connection").remotePort).toBe(bound.port);
        socket.write("to and fro");
        expect(String(readBytes(socket, 10))).toBe("to and fro");
        socket.close();
      }
    });

    test("connects to the address of a name that has the bound socket's family", () => {
      const peer = startPeer("echo");
      const bound = bindTcp({ host });
      const socket = openTo({ host: "localhost", port: peer.port }, { bound });
      expect([socket.localPort, socket.remoteAddress]).toEqual([bound.port, host]);
      socket.close();
    });

    test("TLS begins with startTls", () => {
      const bound = bindTcp({ host });
      expect(() => connect({ host, port: 9, bound, tls: true })).toThrow(/tls; for TLS call startTls/);
      expect(bound.closed).toBe(false);
      bound.close();
    });

    test("a refused connection says so, and its port is free again", () => {
      const bound = bindTcp({ host });
      expect(errorOf(() => connect({ host, port: 1, bound, timeout: 5000 }))).toMatchObject({
        code: "ECONNREFUSED",
        port: 1,
      });
      listen({ host, port: bound.port }).close();
    });

    test("to the other family fails", () => {
      const error = errorOf(() => connect({ host: "::1", port: 9, bound: bindTcp({ host }), timeout: 5000 }));
      expect(error.code).toBe("EAFNOSUPPORT");
    });
  });

  test("a bound socket is closed with a server or a connection that ended before it used it", () => {
    using runtime = createRuntime();
    const attempts: Record<string, (bound: BoundSocket) => unknown> = {
      "a bad certificate": (bound) => errorOf(() => runtime.listen({ bound, tls: { cert: "none", key: "none" } })),
      "an unknown name": (bound) =>
        errorOf(() => runtime.connect({ host: "a.invalid", port: 9, bound, timeout: 9000 })),
      "the other family": (bound) => errorOf(() => runtime.connect({ host: "::1", port: 9, bound, timeout: 9000 })),
      "a close during the look-up": (bound) => runtime.connect({ host: "localhost", port: 9, bound }).close(),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      const bound = runtime.bindTcp({ host });
      attempt(bound);
      expect(bound.closed, what).toBe(true);
      waitFor(`the end after ${what}`, () => runtime.stats().handles === 0);
    }
  });

  test("wrong options are refused before anything happens", () => {
    const bound = bindTcp({ host });
    expect(() => listen({ bound, port: 9 })).toThrow("bound cannot be combined with port");
    expect(() => listen({ bound, path: "/tmp/x" })).toThrow(/path cannot be combined with bound/);
    expect(() => connect({ bound, port: 9, localPort: 9 })).toThrow("bound cannot be combined with localPort");
    expect(() => connect({ bound: {} as never, port: 9 })).toThrow(
      "bound must be a BoundSocket, which bindTcp returns",
    );
    const runtime = createRuntime();
    expect(() => runtime.listen({ bound })).toThrow(/bound was made by another runtime/);
    runtime.close();
    expect(bound.closed).toBe(false);
    bound.close();
  });

  test("a closed runtime closes its bound sockets' ports", () => {
    const runtime = createRuntime();
    const bound = runtime.bindTcp({ host });
    runtime.close();
    expect(poll([bound], 5000)).toEqual([bound]);
    expect(errorOf(() => runtime.listen({ bound })).code).toBe("ERR_RUNTIME_CLOSED");
    expect(errorOf(() => listen({ bound })).code).toBe("ERR_RUNTIME_CLOSED");
    listen({ host, port: bound.port }).close();
  });
}
