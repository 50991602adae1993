/**
 * `resolve`, `localAddresses` and the class `Address`.
 */

import { networkInterfaces } from "node:os";
import { Address, localAddresses, NetError, resolve } from "ringnet";
import { describe, expect, test } from "vitest";
import { lookupThreads } from "../../build/worker/resolver.js";
import { runProgram } from "../support/programs.js";
import { timed } from "../support/waiting.js";

describe("resolve(host)", () => {
  test("starts a look-up and returns immediately", () => {
    resolve("localhost").waitUntilResolved(5000); // the networking thread runs
    const { value, milliseconds } = timed(() => resolve("localhost"));
    expect(value).toBeInstanceOf(Address);
    expect(milliseconds).toBeLessThan(1000);
    expect(value.waitUntilResolved(5000)).toBe("success");
    expect(value.status).toBe("success");
    expect(value.error).toBeNull();
    expect(value.hostname).toBe("localhost");
    expect(["127.0.0.1", "::1"]).toContain(value.ip);
    expect(value.ips[0]).toBe(value.ip);
  });

  test.each(["127.0.0.1", "::1", "2001:db8::7"])("an IP is resolved from the beginning: %s", (ip) => {
    const address = resolve(ip);
    expect(address).toMatchObject({ status: "success", ip, ips: [ip], hostname: ip, error: null });
    expect(address.waitUntilResolved(-1)).toBe("success");
    expect(`${address}`).toBe(ip);
  });

  test("returns all the IPs of a name", () => {
    const { output, errors } = runProgram(
      `import { resolve } from "ringnet";
      const address = resolve("many.test");
      const before = { status: address.status, ip: address.ip, ips: address.ips };
      address.waitUntilResolved(5000);
      console.log(JSON.stringify({ before, status: address.status, ip: address.ip, ips: address.ips }));`,
      { names: { "many.test": ["127.0.0.4", "127.0.0.5", "::1"] } },
    );
    expect(errors).toBe("");
    const { before, status, ip, ips } = JSON.parse(output);
    expect(before).toEqual({ status: "waiting", ip: null, ips: [] });
    expect(status).toBe("success");
    expect(ips.toSorted()).toEqual(["127.0.0.4", "127.0.0.5", "::1"]);
    expect(ip).toBe(ips[0]);
  });

  test("a name that does not exist fails with the system's code", () => {
    const address = resolve("no-such-host.invalid");
    expect(address.waitUntilResolved(20_000)).toBe("failure");
    const error = address.error as NetError;
    expect(error).toBeInstanceOf(NetError);
    // EAI_AGAIN if there is no name server.
    expect(error.code).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
    expect(error.syscall).toBe("getaddrinfo");
    expect(error.message).toContain("no-such-host.invalid");
    expect(address).toMatchObject({ status: "failure", ip: null, ips: [] });
    expect(`${address}`).toBe("no-such-host.invalid");
    expect(address.error).toBe(error);
  });

  test("a name that can't exist fails with ENOTFOUND without a query", () => {
    const address = resolve("no such host");
    expect(address.waitUntilResolved(5000)).toBe("failure");
    expect(address.error?.code).toBe("ENOTFOUND");
  });

  test.each([[5], [undefined], [null], [{}], [["localhost"]]])(
    "resolve(%j) throws a TypeError that names the argument",
    (host) => {
      expect(() => resolve(host as never)).toThrow(
        expect.objectContaining({ name: "TypeError", message: expect.stringContaining("host") }),
      );
    },
  );

  test("refuses a timeout below -1", () => {
    const address = resolve("127.0.0.1");
    expect(() => address.waitUntilResolved(-2)).toThrow(RangeError);
    expect(() => address.waitUntilResolved(Number.NaN)).toThrow(RangeError);
    expect(() => address.waitUntilResolved("1" as never)).toThrow(TypeError);
    expect(() => address.waitUntilResolved("1" as never)).toThrow(/timeout/);
  });

  test("resolves a hundred names at once", () => {
    const addresses = Array.from({ length: 100 }, () => resolve("localhost"));
    for (const address of addresses) expect(address.waitUntilResolved(10_000)).toBe("success");
  });

  test("close cancels a look-up, and is idempotent", () => {
    const address = resolve("no-such-host.invalid");
    address.close();
    address.close();
    expect(address.closed).toBe(true);
    expect(address.waitUntilResolved(-1)).not.toBe("waiting");
    const kept = resolve("127.0.0.1");
    kept[Symbol.dispose]();
    expect(kept.closed).toBe(true);
  });
});

test.each<[string | undefined, number]>([
  [undefined, 2],
  ["4", 2],
  ["5", 3],
  ["1", 1],
  ["0", 1],
  ["", 1],
  ["many", 1],
  [" 8 threads", 4],
  ["-1", 512],
  ["99999", 512],
])("UV_THREADPOOL_SIZE=%j leaves %i threads for look-ups", (setting, threads) => {
  expect(lookupThreads(setting)).toBe(threads);
});

test("look-ups work whatever UV_THREADPOOL_SIZE is", () => {
  const { output, errors } = runProgram(
    `import { resolve } from "ringnet";
    const addresses = Array.from({ length: 20 }, () => resolve("localhost"));
    console.log(addresses.every((address) => address.waitUntilResolved(5000) === "success"));`,
    { env: { UV_THREADPOOL_SIZE: "many" } },
  );
  expect(errors).toBe("");
  expect(output).toBe("true\n");
});

describe("localAddresses()", () => {
  test("returns this machine's addresses, all resolved", () => {
    const expected = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const addresses = localAddresses();
    expect(new Set(addresses.map(({ ip }) => ip?.replace(/%.*/, "")))).toEqual(
      new Set(expected.map(({ address }) => address)),
    );
    for (const address of addresses) {
      expect(address).toBeInstanceOf(Address);
      expect(address.status).toBe("success");
      expect(address.hostname).toBe(address.ip);
    }
  });
});
