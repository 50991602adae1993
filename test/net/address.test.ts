/**
 * The rows of the `net` contract about addresses.
 */

import { networkInterfaces } from "node:os";
import { net } from "ringnet";
import { describe, expect, test } from "vitest";
import { runProgram } from "../support/programs.js";
import { timed } from "../support/waiting.js";
import { failureText, unwrap } from "./connections.js";

describe("net.resolve_address(name)", () => {
  test("starts a look-up of a host name and returns immediately", () => {
    unwrap(net.resolve_address("localhost")).wait_until_resolved(5000); // the networking thread runs
    const { value, milliseconds } = timed(() => unwrap(net.resolve_address("localhost")));
    expect(milliseconds).toBeLessThan(1000);
    expect(value.wait_until_resolved(5000)).toEqual(["success", null]);
    expect(["127.0.0.1", "::1"]).toContain(value.get_ip());
  });

  test.each(["127.0.0.1", "0.0.0.0", "::1", "::", "2001:db8::7", "255.255.255.255"])(
    "an IP literal is success from the start: %s",
    (ip) => {
      const address = unwrap(net.resolve_address(ip));
      expect(address.get_status()).toEqual(["success", null]);
      expect(address.get_ip()).toBe(ip);
      expect(address.get_hostname()).toBe(ip);
    },
  );

  test("several at once", () => {
    const addresses = Array.from({ length: 20 }, () => unwrap(net.resolve_address("localhost")));
    for (const address of addresses) expect(address.wait_until_resolved(5000)).toEqual(["success", null]);
  });
});

describe("net.get_local_addresses()", () => {
  test("this machine's addresses, IPv4 and IPv6, loopback included, all success", () => {
    const expected = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const addresses = unwrap(net.get_local_addresses());
    const ips = addresses.map((address) => address.get_ip()?.replace(/%.*/, ""));
    expect(new Set(ips)).toEqual(new Set(expected.map(({ address }) => address)));
    expect(ips).toContain("127.0.0.1");
    for (const address of addresses) {
      expect(address).toBeInstanceOf(net.address);
      expect(address.get_status()).toEqual(["success", null]);
    }
  });
});

describe("net.address.get_hostname()", () => {
  test("the name that it was made from", () => {
    expect(unwrap(net.resolve_address("localhost")).get_hostname()).toBe("localhost");
    expect(unwrap(net.resolve_address("no-such-host.invalid")).get_hostname()).toBe("no-such-host.invalid");
  });

  test("or its IP if it has no name", () => {
    const addresses = unwrap(net.get_local_addresses());
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(address.get_hostname()).toBe(address.get_ip());
  });
});

describe("net.address.get_ip()", () => {
  test("null after a failure", () => {
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    expect(address.wait_until_resolved(20_000)[0]).toBe("failure");
    expect(address.get_ip()).toBeNull();
  });

  test("null until it is resolved, then the first of its IPs", () => {
    const { output, errors } = runProgram(
      `import { net } from "ringnet";
      const [address] = net.resolve_address("many.test");
      // The networking thread is still starting: this can't be resolved already.
      const before = [address.get_ip(), address.get_status()];
      const status = address.wait_until_resolved(5000);
      console.log(JSON.stringify({ before, status, ip: address.get_ip() }));`,
      { names: { "many.test": ["127.0.0.3", "127.0.0.2"] } },
    );
    expect(errors).toBe("");
    expect(JSON.parse(output)).toEqual({
      before: [null, ["waiting", null]],
      status: ["success", null],
      ip: expect.stringMatching(/^127\.0\.0\.[23]$/),
    });
  });
});

describe("net.address.get_status()", () => {
  test("[status, errmsg] without waiting", () => {
    const address = unwrap(net.resolve_address("localhost"));
    const { value, milliseconds } = timed(() => address.get_status());
    expect(["waiting", "success"]).toContain(value[0]);
    expect(value[1]).toBeNull();
    expect(milliseconds).toBeLessThan(1000);
    address.wait_until_resolved(5000);
    expect(address.get_status()).toEqual(["success", null]);
  });
});

describe("net.address.wait_until_resolved(timeout)", () => {
  test("a name that does not exist is a failure with a text that names it", () => {
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    const [status, message] = address.wait_until_resolved(20_000);
    expect(status).toBe("failure");
    expect(message).toContain("no-such-host.invalid");
    expect(address.get_status()).toEqual([status, message]);
  });

  test("a name that can't exist is a failure too", () => {
    for (const name of [" ", "a..b", "x".repeat(64), "x".repeat(5000), "ü.."]) {
      const pair = net.resolve_address(name);
      if (pair[0] === null) expect(failureText(pair)).not.toBe("");
      else expect(pair[0].wait_until_resolved(20_000)[0], JSON.stringify(name.slice(0, 20))).toBe("failure");
    }
  });

  test("-1 waits forever", () => {
    const address = unwrap(net.resolve_address("localhost"));
    expect(address.wait_until_resolved(-1)).toEqual(["success", null]);
    expect(address.wait_until_resolved(-1)).toEqual(["success", null]);
  });
});

describe("net.address.toString()", () => {
  test("equals get_hostname(); never throws", () => {
    const address = unwrap(net.resolve_address("localhost"));
    expect(`${address}`).toBe("localhost");
    expect(String(unwrap(net.resolve_address("::1")))).toBe("::1");
    const failed = unwrap(net.resolve_address("no-such-host.invalid"));
    failed.wait_until_resolved(20_000);
    expect(`${failed}`).toBe("no-such-host.invalid");
  });
});
