/**
 * `connect`, and what a `TcpSocket` says of its state.
 */

import { connect, NetError, resolve, TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";
import { median, pause, timed } from "../support/waiting.js";
import { errorOf, openTo, readBytes } from "./sockets.js";

describe("connect without a timeout", () => {
  test("returns immediately in state waiting, and connects later", () => {
    const stuck = startUnanswering();
    const { value, milliseconds } = timed(() => connect({ host: "127.0.0.1", port: stuck.port }));
    expect(value).toBeInstanceOf(TcpSocket);
    expect(value.status).toBe("waiting");
    expect(value.error).toBeNull();
    expect(milliseconds).toBeLessThan(10_000); // the system would wait for minutes
    value.close();

    const peer = startPeer("echo");
    const socket = connect({ host: "127.0.0.1", port: peer.port });
    expect(socket.waitUntilConnected(5000)).toBe("success");
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("a failure shows in status and error, and does not throw", () => {
    const port = closedPort();
    const socket = connect({ host: "127.0.0.1", port });
    expect(socket.waitUntilConnected(5000)).toBe("failure");
    expect(socket.status).toBe("failure");
    expect(socket.error).toBeInstanceOf(NetError);
    expect(socket.error).toMatchObject({ code: "ECONNREFUSED", syscall: "connect", address: "127.0.0.1", port });
    expect(socket.error).toBe(socket.error);
    socket.close();
  });
});

describe("connect with a timeout", () => {
  test("blocks until connected", () => {
    const peer = startPeer("greeter", { text: "welcome" });
    const socket = connect({ host: "127.0.0.1", port: peer.port, timeout: 5000 });
    expect(socket.status).toBe("success");
    expect(String(readBytes(socket, 7))).toBe("welcome");
    socket.close();
  });

  test("-1 waits forever", () => {
    const peer = startPeer("echo");
    const socket = connect({ host: "127.0.0.1", port: peer.port, timeout: -1 });
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("throws ECONNREFUSED", () => {
    const port = closedPort();
    const error = errorOf(() => connect({ host: "127.0.0.1", port, timeout: 5000 }));
    expect(error).toMatchObject({ code: "ECONNREFUSED", syscall: "connect", address: "127.0.0.1", port });
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("throws ENOTFOUND", () => {
    const error = errorOf(() => connect({ host: "no such host", port: 80, timeout: 5000 }));
    expect(error).toMatchObject({ code: "ENOTFOUND", syscall: "getaddrinfo" });
    expect(error.message).toContain("no such host");
  });

  test("throws ETIMEDOUT when the time is up", () => {
    const stuck = startUnanswering();
    const times = [1, 2, 3].map(() => {
      const { value, milliseconds } = timed(() =>
        errorOf(() => connect({ host: "127.0.0.1", port: stuck.port, timeout: 150 })),
      );
      expect(value.code).toBe("ETIMEDOUT");
      return milliseconds;
    });
    expect(Math.min(...times)).toBeGreaterThanOrEqual(149);
    expect(median(times)).toBeLessThan(400);
  });

  test("throws EADDRNOTAVAIL for a local address of another machine", () => {
    const peer = startPeer("echo");
    const call = () => connect({ host: "127.0.0.1", port: peer.port, localAddress: "203.0.113.7", timeout: 5000 });
    expect(errorOf(call).code).toBe("EADDRNOTAVAIL");
  });
});

describe("connect", () => {
  test("takes a name", () => {
    const peer = startPeer("echo");
    const socket = connect({ host: "localhost", port: peer.port, timeout: 5000 });
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("takes an IPv6 address", () => {
    const peer = startPeer("greeter", { host: "::1", text: "six" });
    const socket = connect({ host: "::1", port: peer.port, timeout: 5000 });
    expect(String(readBytes(socket, 3))).toBe("six");
    socket.close();
  });

  test("takes an Address that is resolved", () => {
    const peer = startPeer("echo");
    const address = resolve("127.0.0.1");
    const socket = connect({ host: address, port: peer.port, timeout: 5000 });
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("takes an Address that is not resolved yet", () => {
    const peer = startPeer("echo");
    const socket = connect({ host: resolve("localhost"), port: peer.port });
    expect(socket.waitUntilConnected(5000)).toBe("success");
    socket.close();
  });

  test("throws the error of an Address that failed, or fails later", () => {
    const failed = resolve("no such host");
    failed.waitUntilResolved(5000);
    expect(errorOf(() => connect({ host: failed, port: 80, timeout: 5000 })).code).toBe("ENOTFOUND");
    const later = resolve("no such host either");
    expect(errorOf(() => connect({ host: later, port: 80, timeout: 5000 })).code).toBe("ENOTFOUND");
  });

  test.each(["127.0.0.1", "127.0.0.2", "::1"])("tries all addresses of a name; %s answers", (host) => {
    const peer = startPeer("greeter", { host });
    const { output, errors } = runProgram(
      `import { connect, resolve } from "ringnet";
      const port = Number(process.argv[1]);
      const resolved = resolve("many.test");
      resolved.waitUntilResolved(5000);
      for (const host of ["many.test", resolved, resolve("many.test")]) {
        const socket = connect({ host, port, timeout: 5000 });
        console.log(socket.remoteAddress);
        socket.close();
      }`,
      { args: [`${peer.port}`], names: { "many.test": ["127.0.0.1", "127.0.0.2", "::1"] } },
    );
    expect(errors).toBe("");
    expect(output).toBe(`${host}\n`.repeat(3));
  });

  test("tries the next address of a name before an address that does not answer has timed out", () => {
    const stuck = startUnanswering();
    const peer = startPeer("greeter", { host: "127.0.0.9", port: stuck.port });
    const { output, errors } = runProgram(
      `import { connect } from "ringnet";
      const start = performance.now();
      const socket = connect({ host: "many.test", port: Number(process.argv[1]), timeout: 10_000 });
      console.log(JSON.stringify({ address: socket.remoteAddress, ms: performance.now() - start }));
      socket.close();`,
      { args: [`${peer.port}`], names: { "many.test": ["127.0.0.1", "127.0.0.9"] } },
    );
    expect(errors).toBe("");
    expect(JSON.parse(output)).toEqual({ address: "127.0.0.9", ms: expect.any(Number) });
    expect(JSON.parse(output).ms).toBeLessThan(3000);
  });
});

describe("TcpSocket's addresses", () => {
  test("are known for both ends", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    const { remotePort, remoteAddress } = peer.waitForEvent("connection");
    expect(socket).toMatchObject({
      remoteAddress: "127.0.0.1",
      remotePort: peer.port,
      localAddress: remoteAddress,
      localPort: remotePort,
    });
    socket.close();
  });

  test("localAddress is the source of the connection", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer, { localAddress: "127.0.0.7" });
    expect(peer.waitForEvent("connection").remoteAddress).toBe("127.0.0.7");
    expect(socket.localAddress).toBe("127.0.0.7");
    socket.close();
  });

  test("a plain connection has encrypted: false", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer);
    expect(socket.encrypted).toBe(false);
    socket.close();
  });
});

test("a connection stays waiting until the system gives up, and fails with its code", () => {
  const stuck = startUnanswering();
  const socket = connect({ host: "127.0.0.1", port: stuck.port });
  pause(100);
  expect(socket.status).toBe("waiting");
  expect(socket.waitUntilConnected(0)).toBe("waiting");
  expect(socket.waitUntilConnected(100)).toBe("waiting");
  stuck.release();
  expect(socket.waitUntilConnected(-1)).toBe("failure");
  expect(socket.error?.code).toBe("ECONNREFUSED");
  socket.close();
});

test("opens 200 connections at once", () => {
  const peer = startPeer("greeter", { text: "x" });
  const sockets = Array.from({ length: 200 }, () => connect({ host: "127.0.0.1", port: peer.port }));
  for (const socket of sockets) expect(socket.waitUntilConnected(10_000)).toBe("success");
  for (const socket of sockets) expect(String(readBytes(socket, 1))).toBe("x");
  for (const socket of sockets) socket.close();
  peer.waitForEvent("close", 10_000, 200);
});
