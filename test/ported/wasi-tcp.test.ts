/**
 * What Wasmtime's test programs `p2_tcp_*` (github.com/bytecodealliance/wasmtime, crates/test-programs) assert of TCP
 * sockets, as far as it means something here: bind, connect, states, a sample application, busy polling.
 * docs/ported-suites.md has the whole list; options and streams are in wasi-tcp-streams.test.ts.
 *
 * As in those programs, both ends of a connection are often the library's own.
 */

import { connect, listen, poll } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { timed } from "../support/waiting.js";
import { acceptFrom, errorOf, readBytes } from "../tcp/sockets.js";
import { families } from "./support/families.js";

describe.each(families)("bind, $family", ({ loopback, any, foreign }) => {
  test.each([loopback, any])("the system picks a port for %s, known at once", (host) => {
    const server = listen({ host });
    expect(server.address).toBe(host);
    expect(server.port).toBeGreaterThan(0);
    server.close();
  });

  test.each([loopback, any])("binds a chosen port on %s", (host) => {
    const port = closedPort(host);
    const server = listen({ host, port });
    expect(server.address).toBe(host);
    expect(server.port).toBe(port);
    server.close();
  });

  test.each([loopback, any])("refuses a second server on the same address and port of %s", (host) => {
    const first = listen({ host });
    expect(errorOf(() => listen({ host, port: first.port })).code).toBe("EADDRINUSE");
    first.close();
  });

  test("refuses an address that this machine does not have", () => {
    expect(errorOf(() => listen({ host: foreign })).code).toBe("EADDRNOTAVAIL");
  });

  test("a port is free again right after its server closed, even with connections in TIME_WAIT", () => {
    const first = listen({ host: loopback });
    const client = connect({ host: loopback, port: first.port, timeout: 5000 });
    const accepted = acceptFrom(first);
    expect(accepted.write(Buffer.alloc(10))).toBe(10);
    accepted.close(); // the server's side ends first: TIME_WAIT will be its own
    first.close();
    expect(readBytes(client, 10)).toEqual(Buffer.alloc(10));
    const second = listen({ host: loopback, port: first.port });
    expect(second.port).toBe(first.port);
    client.close();
    second.close();
  });
});

test("bind: refuses an IPv4-mapped address with ipv6Only", () => {
  expect(errorOf(() => listen({ host: "::ffff:127.0.0.1", ipv6Only: true })).code).toBe("EINVAL");
});

describe.each(families)("connect, $family", ({ loopback, any, other }) => {
  test("port 0 fails", () => {
    expect(["ECONNREFUSED", "EADDRNOTAVAIL"]).toContain(
      errorOf(() => connect({ host: loopback, port: 0, timeout: 5000 })).code,
    );
  });

  test("a local address of the other family fails", () => {
    const server = listen({ host: loopback });
    const error = errorOf(() => connect({ host: loopback, port: server.port, localAddress: other, timeout: 5000 }));
    expect(["EINVAL", "EAFNOSUPPORT"]).toContain(error.code);
    expect(server.waitUntilAcceptable(50)).toBe(false);
    server.close();
  });

  test("a client can be bound explicitly", () => {
    const server = listen({ host: loopback });
    const client = connect({ host: loopback, port: server.port, localAddress: loopback, timeout: 5000 });
    expect(client.localAddress).toBe(loopback);
    const accepted = acceptFrom(server);
    expect(accepted.remoteAddress).toBe(loopback);
    expect(accepted.remotePort).toBe(client.localPort);
    for (const each of [client, accepted, server]) each.close();
  });

  test("departure: the unspecified address means this machine, as in the system", () => {
    const server = listen({ host: loopback });
    const client = connect({ host: any, port: server.port, timeout: 5000 });
    expect(client.status).toBe("success");
    expect(acceptFrom(server).localAddress).toBe(loopback);
    client.close();
    server.close();
  });
});

test.each(["255.255.255.255", "224.254.0.0", "ff00::"])(
  "connect: %s is not the address of a host, and fails",
  (host) => {
    const { value: error, milliseconds } = timed(() => errorOf(() => connect({ host, port: 47, timeout: 10_000 })));
    expect(error.code).not.toBe("ETIMEDOUT");
    expect(milliseconds).toBeLessThan(10_000);
  },
);

test("connect: departure: an IPv4-mapped address reaches the IPv4 server", () => {
  const server = listen({ host: "127.0.0.1" });
  const client = connect({ host: "::ffff:127.0.0.1", port: server.port, timeout: 5000 });
  expect(client.status).toBe("success");
  expect(acceptFrom(server).remoteAddress).toBe("127.0.0.1");
  client.close();
  server.close();
});

test("listen: departure: without an address it listens on all of them, on a port picked by the system", () => {
  const server = listen();
  expect(server.port).toBeGreaterThan(0);
  for (const { loopback } of families) connect({ host: loopback, port: server.port, timeout: 5000 }).close();
  server.close();
});

describe.each(families)("states, $family", ({ loopback }) => {
  test("a listening server has a local address, and can't listen again", () => {
    const server = listen({ host: loopback });
    expect(server.closed).toBe(false);
    expect([server.address, server.port]).toEqual([loopback, expect.any(Number)]);
    expect(errorOf(() => listen({ host: server.address, port: server.port })).code).toBe("EADDRINUSE");
    expect(server.accept()).toBeNull();
    server.close();
    expect(server.closed).toBe(true);
    expect(errorOf(() => server.accept()).code).toBe("ERR_SOCKET_CLOSED");
  });

  test("addresses are known once connected, and options can be set before and after", () => {
    const server = listen({ host: loopback });
    const client = connect({ host: loopback, port: server.port });
    client.setNoDelay(true);
    client.setKeepAlive(false);
    expect(client.waitUntilConnected(5000)).toBe("success");
    expect([client.remoteAddress, client.remotePort]).toEqual([loopback, server.port]);
    expect(client.localAddress).toBe(loopback);
    expect(client.localPort).toBeGreaterThan(0);
    client.setNoDelay(false);
    client.setKeepAlive(true, 1000);
    expect(client.status).toBe("success");
    client.close();
    server.close();
  });

  test("a failed connection has no addresses and refuses bytes", () => {
    const client = connect({ host: loopback, port: closedPort(loopback) });
    expect(client.waitUntilConnected(5000)).toBe("failure");
    expect(client.remoteAddress).toBeUndefined();
    expect(client.writable).toBe(0);
    expect(errorOf(() => client.write("x")).code).toBe("ECONNREFUSED");
    client.close();
  });
});

test.each(families)("delivers a message of a client that closed before the accept, $family", ({ loopback }) => {
  const first = Buffer.from("one message over the wire");
  const second = Buffer.from("another, from somebody else");
  const server = listen({ host: loopback, backlog: 32 });

  const client = connect({ host: loopback, port: server.port, timeout: 5000 });
  expect(client.write("")).toBe(0);
  client.writeAll(first, 5000);
  client.close(); // before it was accepted

  const accepted = acceptFrom(server);
  expect(accepted.read(0)).toHaveLength(0);
  expect(accepted.readExactly(first.length, 5000)).toEqual(first);
  accepted.close();

  const peer = startPeer("greeter", { host: loopback, connect: server.port, text: second.toString() });
  const other = acceptFrom(server);
  expect(other.readExactly(second.length, 5000)).toEqual(second);
  expect(other.remotePort).not.toBe(accepted.remotePort);
  peer.kill();
  other.close();
  server.close();
});

test.each(families)("busy polling does not starve a socket, $family", ({ loopback }) => {
  const message = Buffer.from("still here");
  const server = listen({ host: loopback });
  for (let round = 0; round < 50; round++) {
    const client = connect({ host: loopback, port: server.port, timeout: 5000 });
    expect(client.write(message)).toBe(message.length);
    const accepted = acceptFrom(server);
    const deadline = performance.now() + 10_000;
    while (poll([accepted], 0).length === 0) {
      if (performance.now() > deadline) throw new Error(`polled for 10 s without a result, in round ${round}`);
    }
    expect(accepted.readExactly(message.length, 0)).toEqual(message);
    client.close();
    accepted.close();
  }
  server.close();
});
