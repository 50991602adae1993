/**
 * The conventions at the head of the `net` contract.
 */

import { net } from "ringnet";
import * as subpath from "ringnet/net";
import { describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { closedPort, closedPorts } from "../support/ports.js";
import { timed } from "../support/waiting.js";
import { addressOf, failureText, openTo, readBytes, unwrap, writeBytes } from "./connections.js";

describe("net: the root exports `net`, and `ringnet/net` the same", () => {
  test("the same object, by name and as the default", () => {
    expect(subpath.net).toBe(net);
    expect(subpath.default).toBe(net);
  });

  test.each(["resolve_address", "open_tcp", "create_server", "get_local_addresses"] as const)("%s", (name) => {
    expect(net[name]).toBeTypeOf("function");
  });

  test.each(["address", "tcp", "server"] as const)("the class %s", (name) => {
    expect(net[name]).toBeTypeOf("function");
  });

  test("objects are instances of the classes", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    const server = unwrap(net.create_server(0));
    expect(addressOf()).toBeInstanceOf(net.address);
    expect(tcp).toBeInstanceOf(net.tcp);
    expect(server).toBeInstanceOf(net.server);
    tcp.close();
    server.close();
  });
});

describe("net: a call that can fail at run time returns a pair, and never throws", () => {
  test("what is absent is null", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    expect(tcp.get_status()).toEqual(["success", null]);
    expect(tcp.write("x")).toEqual([1, null]);
    tcp.close();
  });

  test("a failure is [null, text]", () => {
    const tcp = unwrap(net.open_tcp(addressOf(), closedPort()));
    const [status, message] = tcp.wait_until_connected(5000);
    expect(status).toBe("failure");
    expect(message).toContain("ECONNREFUSED");
    expect(failureText(tcp.read(1))).toContain("ECONNREFUSED");
    expect(failureText(tcp.write("x"))).toContain("ECONNREFUSED");
    tcp.close();
  });
});

describe("net: a programming mistake throws TypeError or RangeError", () => {
  const wrong = (value: unknown) => value as never;

  test.each([
    ["resolve_address(5)", () => net.resolve_address(wrong(5)), TypeError],
    ["resolve_address()", () => net.resolve_address(wrong(undefined)), TypeError],
    ["open_tcp with a name for an address", () => net.open_tcp(wrong("127.0.0.1"), 80), TypeError],
    ["open_tcp(null, 80)", () => net.open_tcp(wrong(null), 80), TypeError],
    ["open_tcp with a port in a string", () => net.open_tcp(addressOf(), wrong("80")), TypeError],
    ["open_tcp to port -1", () => net.open_tcp(addressOf(), -1), RangeError],
    ["open_tcp to port 65536", () => net.open_tcp(addressOf(), 65_536), RangeError],
    ["open_tcp to port 1.5", () => net.open_tcp(addressOf(), 1.5), RangeError],
    ["open_tcp to port NaN", () => net.open_tcp(addressOf(), Number.NaN), RangeError],
    ["open_tcp with ssl 1", () => net.open_tcp(addressOf(), 80, wrong(1)), TypeError],
    ["create_server('80')", () => net.create_server(wrong("80")), TypeError],
    ["create_server(-1)", () => net.create_server(-1), RangeError],
    ["create_server(65536)", () => net.create_server(65_536), RangeError],
    ["create_server(null, 65536)", () => net.create_server(null, 65_536), RangeError],
    ["create_server(name, port)", () => net.create_server(wrong("127.0.0.1"), 0), TypeError],
  ])("%s", (_name, call, kind) => {
    expect(call).toThrow(kind);
  });

  test("in the methods of an address and a connection", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    const address = addressOf();
    expect(() => address.wait_until_resolved(-2)).toThrow(RangeError);
    expect(() => address.wait_until_resolved(Number.NaN)).toThrow(RangeError);
    expect(() => address.wait_until_resolved(wrong("1"))).toThrow(TypeError);
    expect(() => tcp.wait_until_connected(-1.5)).toThrow(RangeError);
    expect(() => tcp.wait_until_drained(-2)).toThrow(RangeError);
    expect(() => tcp.wait_until_drained(wrong("1"))).toThrow(TypeError);
    expect(() => tcp.read(-1)).toThrow(RangeError);
    expect(() => tcp.read(1.5)).toThrow(RangeError);
    expect(() => tcp.read(wrong("1"))).toThrow(TypeError);
    expect(() => tcp.read(wrong(undefined))).toThrow(TypeError);
    expect(() => tcp.write(wrong(5))).toThrow(TypeError);
    expect(() => tcp.write(wrong(null))).toThrow(TypeError);
    expect(() => tcp.write(wrong([1, 2]))).toThrow(TypeError);
    expect(() => tcp.write(wrong(new ArrayBuffer(4)))).toThrow(TypeError);
    // The connection still works.
    writeBytes(tcp, Buffer.from("still alive"));
    expect(String(readBytes(tcp, 11))).toBe("still alive");
    tcp.close();
  });
});

describe("net: timeout is in milliseconds", () => {
  test("0, the default, polls once", () => {
    const stuck = startUnanswering();
    const tcp = unwrap(net.open_tcp(addressOf(), stuck.port));
    const { value, milliseconds } = timed(() => tcp.wait_until_connected());
    expect(value).toEqual(["waiting", null]);
    expect(milliseconds).toBeLessThan(1000);
    expect(tcp.wait_until_connected(0)).toEqual(["waiting", null]);
    tcp.close();
  });

  test("more than 0 is the longest wait", () => {
    const stuck = startUnanswering();
    const tcp = unwrap(net.open_tcp(addressOf(), stuck.port));
    const { value, milliseconds } = timed(() => tcp.wait_until_connected(200));
    expect(value).toEqual(["waiting", null]);
    expect(milliseconds).toBeGreaterThanOrEqual(199);
    expect(milliseconds).toBeLessThan(1200);
    tcp.close();
  });

  test("-1 waits forever, and ends on failure", () => {
    const stuck = startUnanswering();
    const tcp = unwrap(net.open_tcp(addressOf(), stuck.port));
    expect(tcp.wait_until_connected(100)).toEqual(["waiting", null]);
    stuck.release();
    const [status, message] = tcp.wait_until_connected(-1);
    expect(status).toBe("failure");
    expect(message).toContain("ECONNREFUSED");
    tcp.close();
  });
});

describe("net: bytes", () => {
  test("go in as a string in UTF-8 or any Uint8Array, and come out as a Buffer that the caller owns", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    expect(tcp.write("€uro")).toEqual([6, null]);
    expect(readBytes(tcp, 6).toString()).toBe("€uro");
    expect(tcp.write(Buffer.from("buffer"))).toEqual([6, null]);
    const first = readBytes(tcp, 6);
    expect(Buffer.isBuffer(first)).toBe(true);
    expect(tcp.write(new Uint8Array([0, 128, 255]))).toEqual([3, null]);
    expect([...readBytes(tcp, 3)]).toEqual([0, 128, 255]);
    const middle = new Uint8Array(new SharedArrayBuffer(8), 2, 4).fill(7);
    expect(tcp.write(middle)).toEqual([4, null]);
    expect([...readBytes(tcp, 4)]).toEqual([7, 7, 7, 7]);
    // What was read earlier has not been written over, and writing to it has no effect elsewhere.
    expect(first.toString()).toBe("buffer");
    first.fill(0);
    tcp.close();
  });

  test("may be changed by the caller as soon as write has returned", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    const mine = Buffer.alloc(65_536, 1);
    expect(tcp.write(mine)).toEqual([65_536, null]);
    mine.fill(2);
    expect(readBytes(tcp, 65_536).equals(Buffer.alloc(65_536, 1))).toBe(true);
    tcp.close();
  });

  test("may be none", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    expect(tcp.write("")).toEqual([0, null]);
    expect(tcp.write(new Uint8Array(0))).toEqual([0, null]);
    expect(unwrap(tcp.read(0))).toHaveLength(0);
    tcp.close();
  });
});

test("net: read, write, get_pending_writes, get_status and accept never block", () => {
  const peer = startPeer("silent");
  const tcp = openTo(peer);
  const server = unwrap(net.create_server(0));
  const { milliseconds } = timed(() => {
    for (let i = 0; i < 200; i++) {
      expect(unwrap(tcp.read(1000))).toHaveLength(0);
      expect(unwrap(tcp.write("x"))).toBeLessThanOrEqual(1);
      expect(unwrap(tcp.get_pending_writes())).toBeLessThanOrEqual(200);
      expect(tcp.get_status()).toEqual(["success", null]);
      expect(server.accept()).toEqual([null, null]);
    }
  });
  expect(milliseconds).toBeLessThan(2000); // a wait of 10 ms in each round would take longer
  tcp.close();
  server.close();
});

test("net: an error text belongs to its own object and stays", () => {
  const [refused, second] = closedPorts(2) as [number, number];
  const one = unwrap(net.open_tcp(addressOf(), refused));
  const [, text] = one.wait_until_connected(5000);
  const two = unwrap(net.open_tcp(addressOf(), second));
  const [, other] = two.wait_until_connected(5000);
  const name = unwrap(net.resolve_address("no-such-host.invalid"));
  const [, third] = name.wait_until_resolved(20_000);
  expect(new Set([text, other, third]).size).toBe(3);
  for (let i = 0; i < 3; i++) {
    expect(one.get_status()).toEqual(["failure", text]);
    expect(one.read(1)).toEqual([null, text]);
    expect(two.get_status()).toEqual(["failure", other]);
    expect(name.get_status()).toEqual(["failure", third]);
  }
  one.close();
  two.close();
});
