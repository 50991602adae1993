/**
 * `resolve` with a family or an order, and `reverse`.
 */

import { isIP } from "node:net";
import { connect, createRuntime, resolve, reverse } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { errorOf } from "../tcp/sockets.js";

const names = { "several.example": ["10.9.8.7", "fd00::7", "10.9.8.8"] };

/** What `resolve` finds for the name, in a process with Node's arguments `nodeArgs`. */
function lookUp(nodeArgs: string[], options: object): string[] {
  const { output } = runProgram(
    `import { resolve } from "ringnet";
    const address = resolve("several.example", ${JSON.stringify(options)});
    address.waitUntilResolved(10000);
    console.log(JSON.stringify(address.ips));`,
    { nodeArgs, names },
  );
  return JSON.parse(output);
}

describe("resolve", () => {
  test("family 4 gives IPv4 addresses only, and a connection takes the address", () => {
    const address = resolve("localhost", { family: 4 });
    expect(address.waitUntilResolved(5000)).toBe("success");
    expect(address.ips).toContain("127.0.0.1");
    expect(new Set(address.ips.map(isIP))).toEqual(new Set([4]));
    const socket = connect({ host: address, port: startPeer("silent").port, timeout: 5000 });
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.close();
  });

  test("fails for an IP of the other family, and the error says so", () => {
    expect(resolve("::1", { family: 6 }).ip).toBe("::1");
    const address = resolve("::1", { family: 4 });
    expect([address.status, address.error?.code, address.ip]).toEqual(["failure", "ENOTFOUND", null]);
    expect(address.error?.message).toMatch(/::1 is not an IPv4 address/);
  });

  test.each([
    [[], { order: "ipv4first" }, ["10.9.8.7", "10.9.8.8", "fd00::7"]],
    [[], { order: "ipv6first" }, ["fd00::7", "10.9.8.7", "10.9.8.8"]],
    [[], { family: 6 }, ["fd00::7"]],
    [[], { family: 4, order: "ipv6first" }, ["10.9.8.7", "10.9.8.8"]],
    [["--dns-result-order=ipv4first"], {}, ["10.9.8.7", "10.9.8.8", "fd00::7"]],
    [["--dns-result-order=ipv4first"], { order: "ipv6first" }, ["fd00::7", "10.9.8.7", "10.9.8.8"]],
  ])("filters and orders the addresses of a name: Node's arguments %j, options %j", (nodeArgs, options, expected) => {
    expect(lookUp(nodeArgs, options)).toEqual(expected);
  });

  test("verbatim keeps the system's order, whatever --dns-result-order is", () => {
    expect(lookUp(["--dns-result-order=ipv4first"], { order: "verbatim" })).toEqual(
      lookUp(["--dns-result-order=verbatim"], {}),
    );
  });

  test.each<[object, RegExp]>([
    [{ family: 5 }, /family must be 0, 4 or 6/],
    [{ order: "ipv5first" }, /order must be one of verbatim, ipv4first, ipv6first/],
    [{ verbatim: true }, /unknown option verbatim; use order/],
    [{ all: true }, /ips has all/],
  ])("refuses %j", (options, message) => {
    expect(() => resolve("localhost", options)).toThrow(message);
  });
});

describe("reverse", () => {
  test("returns the name of an IP of either family", () => {
    const { output } = runProgram(
      `import { reverse } from "ringnet";
      console.log(JSON.stringify([reverse("10.9.8.7", 10000), reverse("fd00::7")]));`,
      { names },
    );
    expect(JSON.parse(output)).toEqual(["several.example", "several.example"]);
  });

  test("throws the system's error, or ETIMEDOUT, for an IP without a name", () => {
    const error = errorOf(() => reverse("192.0.2.1", 3000));
    expect(["ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"]).toContain(error.code);
  });

  test("takes an IP only, and starts no thread for anything else", () => {
    using runtime = createRuntime();
    expect(() => runtime.reverse("localhost")).toThrow(/ip must be an IP address/);
    expect(() => runtime.reverse("127.0.0.1", -2)).toThrow(RangeError);
    expect((runtime as unknown as { links: unknown[] }).links).toHaveLength(0);
  });
});
