/**
 * Programming mistakes throw a `TypeError` or a `RangeError` that names the argument.
 */

import { connect, listen } from "ringnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { openTo, readBytes } from "./sockets.js";

const wrong = (value: unknown) => value as never;

function expectMistake(call: () => unknown, kind: "TypeError" | "RangeError", name: string): void {
  expect(call).toThrow(expect.objectContaining({ name: kind, message: expect.stringContaining(name) }));
}

describe("connect", () => {
  const base = { host: "127.0.0.1", port: 80 };

  test.each([
    ["no options", undefined, "TypeError", "options"],
    ["options that are not an object", "127.0.0.1:80", "TypeError", "options"],
    ["a host that is not a string", { ...base, host: 5 }, "TypeError", "host"],
    ["an empty host", { ...base, host: "" }, "RangeError", "host"],
    ["a host with a NUL", { ...base, host: "a\0b" }, "RangeError", "host"],
    ["no port", { host: "127.0.0.1" }, "TypeError", "port"],
    ["a port in a string", { ...base, port: "80" }, "TypeError", "port"],
    ["a negative port", { ...base, port: -1 }, "RangeError", "port"],
    ["port 65536", { ...base, port: 65_536 }, "RangeError", "port"],
    ["port 80.5", { ...base, port: 80.5 }, "RangeError", "port"],
    ["a timeout in a string", { ...base, timeout: "5" }, "TypeError", "timeout"],
    ["timeout -2", { ...base, timeout: -2 }, "RangeError", "timeout"],
    ["timeout NaN", { ...base, timeout: Number.NaN }, "RangeError", "timeout"],
    ["noDelay 1", { ...base, noDelay: 1 }, "TypeError", "noDelay"],
    ["a local address that is not a string", { ...base, localAddress: 5 }, "TypeError", "localAddress"],
    ["a local address that is a name", { ...base, localAddress: "localhost" }, "RangeError|TypeError", "localAddress"],
    ["a receive buffer that is not a power of two", { ...base, receiveBuffer: 5000 }, "RangeError", "receiveBuffer"],
    ["a receive buffer in a string", { ...base, receiveBuffer: "4096" }, "TypeError", "receiveBuffer"],
    ["a send buffer of 0", { ...base, sendBuffer: 0 }, "RangeError", "sendBuffer"],
    ["a send buffer of 2^40", { ...base, sendBuffer: 2 ** 40 }, "RangeError", "sendBuffer"],
    ["a path and a port", { ...base, path: "/tmp/x" }, "TypeError|RangeError", "path"],
  ])("%s", (_case, options, kinds, name) => {
    let thrown: unknown;
    try {
      connect(wrong(options)).close();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      name: expect.stringMatching(`^(${kinds})$`),
      message: expect.stringContaining(name),
    });
  });
});

describe("listen", () => {
  test.each([
    ["options that are not an object", 80, "TypeError", "options"],
    ["a port in a string", { port: "80" }, "TypeError", "port"],
    ["port -1", { port: -1 }, "RangeError", "port"],
    ["port 65536", { port: 65_536 }, "RangeError", "port"],
    ["a host that is not a string", { host: 5 }, "TypeError", "host"],
    ["a backlog of -1", { backlog: -1 }, "RangeError", "backlog"],
    ["a backlog in a string", { backlog: "5" }, "TypeError", "backlog"],
    ["a receive buffer that is not a power of two", { receiveBuffer: 5000 }, "RangeError", "receiveBuffer"],
    ["a send buffer that is not a number", { sendBuffer: {} }, "TypeError", "sendBuffer"],
  ] as const)("%s", (_case, options, kind, name) => {
    expectMistake(() => listen(wrong(options)), kind, name);
  });
});

describe("a TcpSocket's methods", () => {
  let socket: ReturnType<typeof openTo>;

  beforeAll(() => {
    socket = openTo(startPeer("echo"));
  });

  afterAll(() => {
    // The connection still works after the mistakes.
    socket.write("alive");
    expect(String(readBytes(socket, 5))).toBe("alive");
    socket.close();
  });

  const cases: [string, () => unknown, "TypeError" | "RangeError", string][] = [
    ["read('1')", () => socket.read(wrong("1")), "TypeError", "max"],
    ["read(-1)", () => socket.read(-1), "RangeError", "max"],
    ["read(1.5)", () => socket.read(1.5), "RangeError", "max"],
    ["read(NaN)", () => socket.read(Number.NaN), "RangeError", "max"],
    ["readInto()", () => socket.readInto(wrong(undefined)), "TypeError", "target"],
    ["readInto(5)", () => socket.readInto(wrong(5)), "TypeError", "target"],
    ["readInto(ArrayBuffer)", () => socket.readInto(wrong(new ArrayBuffer(5))), "TypeError", "target"],
    ["write()", () => socket.write(wrong(undefined)), "TypeError", "data"],
    ["write(5)", () => socket.write(wrong(5)), "TypeError", "data"],
    ["write(null)", () => socket.write(wrong(null)), "TypeError", "data"],
    ["write([1])", () => socket.write(wrong([1])), "TypeError", "data"],
    ["write(ArrayBuffer)", () => socket.write(wrong(new ArrayBuffer(5))), "TypeError", "data"],
    ["waitUntilConnected(-2)", () => socket.waitUntilConnected(-2), "RangeError", "timeout"],
    ["waitUntilReadable('x')", () => socket.waitUntilReadable(wrong("x")), "TypeError", "timeout"],
    ["waitUntilReadable(NaN)", () => socket.waitUntilReadable(Number.NaN), "RangeError", "timeout"],
    ["waitUntilWritable(-0.5)", () => socket.waitUntilWritable(-0.5), "RangeError", "timeout"],
    ["waitUntilDrained(null)", () => socket.waitUntilDrained(wrong(null)), "TypeError", "timeout"],
    ["setNoDelay('yes')", () => socket.setNoDelay(wrong("yes")), "TypeError", "on"],
    ["setKeepAlive(1)", () => socket.setKeepAlive(wrong(1)), "TypeError", "on"],
    ["setKeepAlive(true, -1)", () => socket.setKeepAlive(true, -1), "RangeError", "delay"],
  ];
  test.each(cases)("%s", (_case, call, kind, name) => {
    expectMistake(call, kind, name);
  });
});

describe("a TcpServer's methods", () => {
  test("waitUntilAcceptable", () => {
    const server = listen({ host: "127.0.0.1" });
    expectMistake(() => server.waitUntilAcceptable(-2), "RangeError", "timeout");
    expectMistake(() => server.waitUntilAcceptable(wrong("1")), "TypeError", "timeout");
    server.close();
  });
});
