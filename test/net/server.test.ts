/**
 * The rows of the `net` contract about servers.
 */

import { networkInterfaces } from "node:os";
import { net } from "ringnet";
import { describe, expect, test } from "vitest";
import { sha256 } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { addressOf, failureText, openTo, readBytes, readToEnd, unwrap, writeBytes } from "./connections.js";

function accepted(server: net.server): net.tcp {
  return waitFor("a client", () => clientOrNothing(server.accept()), 10_000);
}

function clientOrNothing([client, message]: [net.tcp | null, string | null]): net.tcp | undefined {
  expect(message).toBeNull();
  return client ?? undefined;
}

describe("net.create_server(address | null, port)", () => {
  test("listens on an address alone", () => {
    const server = unwrap(net.create_server(addressOf("127.0.0.1"), 0));
    startPeer("greeter", { connect: server.get_port(), text: "four" });
    expect(String(readBytes(accepted(server), 4))).toBe("four");
    const six = startPeer("manual", { connect: server.get_port(), host: "::1" });
    expect(six.waitForEvent("failed").code).toBe("ECONNREFUSED");
    server.close();
  });

  test.each([
    ["create_server(null, 0)", () => net.create_server(null, 0)],
    ["create_server(0)", () => net.create_server(0)],
  ])("no address: all interfaces, IPv4 and IPv6 (%s)", (_name, create) => {
    const server = unwrap(create());
    const hosts = ["127.0.0.1", "::1"];
    for (const list of Object.values(networkInterfaces())) {
      for (const { address, internal, scopeid } of list ?? []) if (!internal && !scopeid) hosts.push(address);
    }
    for (const host of hosts) {
      startPeer("greeter", { connect: server.get_port(), host, text: host });
      const client = accepted(server);
      expect(String(readBytes(client, host.length))).toBe(host);
      expect(
        unwrap(client.get_address())
          .get_ip()
          ?.replace(/^::ffff:/, ""),
      ).toBe(host);
      client.close();
    }
    server.close();
  });

  test("returns bind errors: the port is in use", () => {
    const peer = startPeer("echo");
    expect(failureText(net.create_server(addressOf("127.0.0.1"), peer.port))).toContain("EADDRINUSE");
    const server = unwrap(net.create_server(0));
    expect(failureText(net.create_server(server.get_port()))).toContain("EADDRINUSE");
    server.close();
  });

  test("returns bind errors: an address of another machine", () => {
    expect(failureText(net.create_server(addressOf("203.0.113.7"), 0))).toContain("EADDRNOTAVAIL");
  });

  test("returns bind errors: an address that failed", () => {
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    address.wait_until_resolved(20_000);
    expect(failureText(net.create_server(address, 0))).toContain("no-such-host.invalid");
  });
});

describe("net.server.accept()", () => {
  test("[null, null] when no client is waiting", () => {
    const server = unwrap(net.create_server(0));
    const { value, milliseconds } = timed(() => server.accept());
    expect(value).toEqual([null, null]);
    expect(milliseconds).toBeLessThan(1000);
    server.close();
  });

  test("[net.tcp, null] for each client, connected, with its remote address", () => {
    const server = unwrap(net.create_server(addressOf("127.0.0.1"), 0));
    startPeer("greeter", { connect: server.get_port(), connections: 5, text: "it is me" });
    for (let i = 0; i < 5; i++) {
      const client = accepted(server);
      expect(client).toBeInstanceOf(net.tcp);
      expect(client.get_status()).toEqual(["success", null]);
      expect(client.wait_until_connected(0)).toEqual(["success", null]);
      expect(unwrap(client.get_address()).get_ip()).toBe("127.0.0.1");
      expect(String(readBytes(client, 8))).toBe("it is me");
      client.close();
    }
    expect(server.accept()).toEqual([null, null]);
    server.close();
  });

  test("what a client sent before it was accepted is there", () => {
    const server = unwrap(net.create_server(0));
    const peer = startPeer("source", { connect: server.get_port(), bytes: 50_000, seed: 4 });
    peer.waitForEvent("connection");
    const client = accepted(server);
    const bytes = readToEnd(client);
    expect(bytes).toHaveLength(50_000);
    writeBytes(client, bytes);
    client.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 50_000, sha256: sha256(bytes) });
    server.close();
  });

  test('[null, "text"] once the server is closed', () => {
    const server = unwrap(net.create_server(0));
    server.close();
    expect(failureText(server.accept())).toMatch(/closed/i);
  });
});

describe("net.server.get_port()", () => {
  test("returns the port it listens on", () => {
    const server = unwrap(net.create_server(0));
    const port = server.get_port();
    expect(port).toBeGreaterThan(0);
    server.close();
    const again = unwrap(net.create_server(port));
    expect(again.get_port()).toBe(port);
    again.close();
  });
});

describe("net.server.close()", () => {
  test("stops listening, at once for others, and is idempotent", () => {
    const server = unwrap(net.create_server(addressOf("127.0.0.1"), 0));
    const port = server.get_port();
    server.close();
    server.close();
    // The port is free again.
    const again = unwrap(net.create_server(addressOf("127.0.0.1"), port));
    again.close();
    const message = waitFor("the port's closing", () => {
      const tcp = unwrap(net.open_tcp(addressOf("127.0.0.1"), port));
      const [status, message] = tcp.wait_until_connected(5000);
      tcp.close();
      return status === "failure" && message;
    });
    expect(message).toContain("ECONNREFUSED");
  });

  test("keeps accepted clients", () => {
    const server = unwrap(net.create_server(0));
    startPeer("echo", { connect: server.get_port() });
    const client = accepted(server);
    server.close();
    writeBytes(client, Buffer.from("still here"));
    expect(String(readBytes(client, 10))).toBe("still here");
    client.close();
  });

  test("closes the connections of clients that were not accepted", () => {
    const server = unwrap(net.create_server(0));
    const peer = startPeer("manual", { connect: server.get_port() });
    peer.waitForEvent("connection");
    server.close();
    peer.send({ do: "end" });
    expect(peer.waitForEvent("close")).toBeDefined();
  });
});

test("net: a server and a client in one thread talk to each other", () => {
  const server = unwrap(net.create_server(addressOf("127.0.0.1"), 0));
  const client = openTo({ host: "127.0.0.1", port: server.get_port() });
  const other = accepted(server);
  writeBytes(client, Buffer.from("question"));
  expect(String(readBytes(other, 8))).toBe("question");
  writeBytes(other, Buffer.from("answer"));
  expect(String(readBytes(client, 6))).toBe("answer");
  client.close();
  expect(readToEnd(other)).toHaveLength(0);
  other.close();
  server.close();
});
