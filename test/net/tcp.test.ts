/**
 * The rows of the `net` contract about connections.
 */

import { net } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { pause, timed, waitFor } from "../support/waiting.js";
import { addressOf, failureText, fill, openTo, readBytes, readToEnd, unwrap, writeBytes } from "./connections.js";

describe("net.open_tcp(address, port)", () => {
  test("starts a connection and returns at once", () => {
    const stuck = startUnanswering();
    const { value: waiting, milliseconds } = timed(() => unwrap(net.open_tcp(addressOf(), stuck.port)));
    expect(milliseconds).toBeLessThan(10_000); // the system would wait for minutes
    expect(waiting.get_status()).toEqual(["waiting", null]);
    waiting.close();

    const peer = startPeer("echo");
    const value = unwrap(net.open_tcp(addressOf(), peer.port));
    expect(value.wait_until_connected(5000)).toEqual(["success", null]);
    peer.waitForEvent("connection");
    value.close();
  });

  test("an address still waiting is allowed: the connection waits for it", () => {
    const peer = startPeer("echo");
    const address = unwrap(net.resolve_address("localhost"));
    const tcp = unwrap(net.open_tcp(address, peer.port));
    expect(tcp.wait_until_connected(5000)).toEqual(["success", null]);
    tcp.close();
  });

  test("an address still waiting that fails later is a failure of the connection", () => {
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    const [tcp, message] = net.open_tcp(address, 80);
    if (tcp === null) expect(message).toContain("no-such-host.invalid");
    else {
      const [status, text] = tcp.wait_until_connected(20_000);
      expect(status).toBe("failure");
      expect(text).toContain("no-such-host.invalid");
    }
  });

  test("an address that failed gives [null, its message]", () => {
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    const [, message] = address.wait_until_resolved(20_000);
    expect(net.open_tcp(address, 80)).toEqual([null, message]);
  });

  test("IPv6", () => {
    const peer = startPeer("echo", { host: "::1" });
    const tcp = openTo(peer);
    writeBytes(tcp, Buffer.from("six"));
    expect(String(readBytes(tcp, 3))).toBe("six");
    tcp.close();
  });
});

describe("net.tcp.get_status()", () => {
  test("waiting until connected, then success, then failure once it was closed here", () => {
    const stuck = startUnanswering();
    const waiting = unwrap(net.open_tcp(addressOf(), stuck.port));
    pause(50);
    expect(waiting.get_status()).toEqual(["waiting", null]);
    waiting.close();
    expect(waiting.get_status()).toEqual(["failure", expect.any(String)]);

    const peer = startPeer("echo");
    const tcp = openTo(peer);
    expect(tcp.get_status()).toEqual(["success", null]);
    tcp.close();
    expect(tcp.get_status()).toEqual(["failure", expect.any(String)]);
  });

  test("failure once the connection failed", () => {
    const tcp = unwrap(net.open_tcp(addressOf(), closedPort()));
    tcp.wait_until_connected(5000);
    expect(tcp.get_status()).toEqual(["failure", expect.stringContaining("ECONNREFUSED")]);
    tcp.close();
  });

  test("failure once the connection was reset", () => {
    const peer = startPeer("manual");
    const tcp = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    waitFor("the reset", () => tcp.get_status()[0] === "failure", 5000);
    expect(tcp.get_status()).toEqual(["failure", expect.stringContaining("ECONNRESET")]);
    tcp.close();
  });
});

describe("net.tcp.wait_until_connected(timeout)", () => {
  test("gives the status that it found", () => {
    const peer = startPeer("echo");
    const tcp = unwrap(net.open_tcp(addressOf(), peer.port));
    expect(tcp.wait_until_connected(-1)).toEqual(["success", null]);
    expect(tcp.wait_until_connected()).toEqual(["success", null]);
    tcp.close();
    expect(tcp.wait_until_connected(-1)[0]).toBe("failure");
  });
});

describe("net.tcp.get_address()", () => {
  test("the remote address", () => {
    const peer = startPeer("echo");
    const address = unwrap(net.resolve_address("localhost"));
    const tcp = unwrap(net.open_tcp(address, peer.port));
    expect(tcp.wait_until_connected(5000)).toEqual(["success", null]);
    const remote = unwrap(tcp.get_address());
    expect(remote).toBeInstanceOf(net.address);
    expect(remote.get_ip()).toBe("127.0.0.1");
    expect(remote.get_status()).toEqual(["success", null]);
    tcp.close();
  });
});

describe("net.tcp.read(amount)", () => {
  test("up to amount received bytes", () => {
    const peer = startPeer("greeter", { text: "0123456789" });
    const tcp = openTo(peer);
    expect(String(readBytes(tcp, 1))).toBe("0"); // the rest arrived with it
    expect(String(unwrap(tcp.read(3)))).toBe("123");
    expect(String(unwrap(tcp.read(1_000_000)))).toBe("456789");
    expect(unwrap(tcp.read(1))).toHaveLength(0);
    tcp.close();
  });

  test("empty when there are none yet", () => {
    const peer = startPeer("silent");
    const tcp = openTo(peer);
    expect(tcp.read(10)).toEqual([Buffer.alloc(0), null]);
    tcp.close();
  });

  test("empty while the connection is waiting", () => {
    const stuck = startUnanswering();
    const tcp = unwrap(net.open_tcp(addressOf(), stuck.port));
    expect(tcp.read(10)).toEqual([Buffer.alloc(0), null]);
    tcp.close();
  });

  test("[null, null] once the peer has ended and everything was read", () => {
    const peer = startPeer("halfClosed", { text: "last words" });
    const tcp = openTo(peer);
    expect(String(readToEnd(tcp))).toBe("last words");
    expect(tcp.read(10)).toEqual([null, null]);
    expect(tcp.read(0)).toEqual([null, null]);
    tcp.close();
  });

  test('[null, "text"] on an error', () => {
    const peer = startPeer("reset", { text: "words", after: 1 });
    const tcp = openTo(peer);
    expect(String(readBytes(tcp, 5))).toBe("words");
    writeBytes(tcp, Buffer.from("!"));
    const text = waitFor("the error", () => tcp.read(10)[1] ?? undefined, 5000);
    expect(text).toContain("ECONNRESET");
    expect(tcp.read(10)).toEqual([null, text]);
    tcp.close();
  });

  test("20 MB arrive as they were sent, in reads of any size", () => {
    const peer = startPeer("source", { bytes: 20_000_000, seed: 3 });
    const tcp = openTo(peer);
    const all = readToEnd(tcp, 20_000);
    expect(all.length).toBe(20_000_000);
    expect(sha256(all)).toBe(patternHash(3, 20_000_000));
    tcp.close();
  });
});

describe("net.tcp.write(data)", () => {
  test("takes what fits and returns the number of bytes; 0 means full", () => {
    const peer = startPeer("silent");
    const tcp = openTo(peer);
    const large = pattern(1, 0, 64 << 20);
    const first = unwrap(tcp.write(large));
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(large.length);
    const taken = first + fill(tcp);
    expect(taken).toBeLessThan(64 << 20); // the ring, and what the kernel takes
    expect(tcp.write("x")).toEqual([0, null]);
    expect(tcp.get_status()).toEqual(["success", null]);
    tcp.close();
  });

  test("the bytes that fitted are the ones that are sent", () => {
    const peer = startPeer("sink", { hash: true });
    const tcp = openTo(peer);
    const data = pattern(9, 0, 20_000_000);
    writeBytes(tcp, data, 20_000);
    tcp.close();
    const end = peer.waitForEvent("end");
    expect(end).toMatchObject({ bytes: data.length, sha256: sha256(data) });
  });

  test("is allowed while waiting: the bytes go out once connected", () => {
    const peer = startUnanswering("sink");
    const tcp = unwrap(net.open_tcp(addressOf(), peer.port));
    expect(tcp.write("early bytes")).toEqual([11, null]);
    expect(tcp.get_status()).toEqual(["waiting", null]);
    peer.answer();
    expect(tcp.wait_until_connected(10_000)).toEqual(["success", null]);
    tcp.close();
    const hash = sha256("early bytes");
    waitFor("the early bytes to arrive", () => peer.events("end").find(({ sha256 }) => sha256 === hash));
  });
});

describe("net.tcp.get_pending_writes()", () => {
  test("bytes taken by write and not yet handed to the operating system", () => {
    const peer = startPeer("slow", { piece: 0, interval: 50, paused: true });
    const tcp = openTo(peer);
    expect(tcp.get_pending_writes()).toEqual([0, null]);
    fill(tcp);
    const pending = unwrap(tcp.get_pending_writes());
    expect(pending).toBeGreaterThan(0);
    expect(tcp.write("x")).toEqual([0, null]);
    expect(tcp.get_pending_writes()).toEqual([pending, null]);
    tcp.close();
  });

  test("counts what was written while waiting", () => {
    const stuck = startUnanswering();
    const tcp = unwrap(net.open_tcp(addressOf(), stuck.port));
    expect(tcp.write("12345")).toEqual([5, null]);
    pause(50);
    expect(tcp.get_pending_writes()).toEqual([5, null]);
    tcp.close();
  });
});

describe("net.tcp.wait_until_drained(timeout)", () => {
  test("waits until nothing is pending", () => {
    const peer = startPeer("sink");
    const tcp = openTo(peer);
    for (let i = 0; i < 50; i++) {
      expect(unwrap(tcp.write(Buffer.alloc(100_000)))).toBe(100_000);
      expect(tcp.wait_until_drained(5000)).toEqual([0, null]);
      expect(tcp.get_pending_writes()).toEqual([0, null]);
    }
    expect(tcp.wait_until_drained(-1)).toEqual([0, null]);
    tcp.close();
  });

  test("gives the bytes still pending when the time is up", () => {
    const peer = startPeer("silent");
    const tcp = openTo(peer);
    fill(tcp);
    const { value, milliseconds } = timed(() => tcp.wait_until_drained(100));
    expect(unwrap(value)).toBeGreaterThan(0);
    expect(milliseconds).toBeGreaterThanOrEqual(99);
    expect(milliseconds).toBeLessThan(1100);
    expect(unwrap(tcp.wait_until_drained())).toBe(value[0]);
    tcp.close();
  });

  test.each([0, 20_000, -1])(
    'a dead connection that still had bytes gives [null, "text"] at once (timeout %d)',
    (timeout) => {
      const peer = startPeer("silent");
      const tcp = openTo(peer);
      fill(tcp);
      peer.kill();
      waitFor("the failure", () => tcp.get_status()[0] === "failure", 5000);
      const { value, milliseconds } = timed(() => tcp.wait_until_drained(timeout));
      expect(failureText(value)).toMatch(/ECONNRESET|EPIPE/);
      expect(milliseconds).toBeLessThan(1500);
      tcp.close();
    },
  );

  test("ends early when the connection dies meanwhile", () => {
    const peer = startPeer("manual", { paused: true });
    const tcp = openTo(peer);
    fill(tcp);
    peer.send({ do: "die", delay: 300 });
    const { value, milliseconds } = timed(() => tcp.wait_until_drained(-1));
    expect(failureText(value)).toMatch(/ECONNRESET|EPIPE/);
    expect(milliseconds).toBeLessThan(5000);
    tcp.close();
  });
});

describe("net.tcp.close()", () => {
  test("is idempotent; afterwards every other method gives a failure that says so", () => {
    const peer = startPeer("echo");
    const tcp = openTo(peer);
    tcp.close();
    tcp.close();
    expect(tcp.get_status()).toEqual(["failure", expect.stringMatching(/closed/i)]);
    expect(tcp.wait_until_connected(-1)).toEqual(["failure", expect.stringMatching(/closed/i)]);
    expect(failureText(tcp.get_address())).toMatch(/closed/i);
    expect(failureText(tcp.read(1))).toMatch(/closed/i);
    expect(failureText(tcp.write("x"))).toMatch(/closed/i);
    expect(failureText(tcp.get_pending_writes())).toMatch(/closed/i);
    expect(failureText(tcp.wait_until_drained(-1))).toMatch(/closed/i);
  });

  test("ends the connection: the peer sees its end", () => {
    const peer = startPeer("sink");
    const tcp = openTo(peer);
    tcp.close();
    expect(peer.waitForEvent("close")).toMatchObject({ bytes: 0 });
    expect(peer.events("error")).toEqual([]);
  });

  test("cancels a connection attempt", () => {
    const stuck = startUnanswering();
    const tcp = unwrap(net.open_tcp(addressOf(), stuck.port));
    pause(50);
    const { milliseconds } = timed(() => tcp.close());
    expect(milliseconds).toBeLessThan(1000);
    expect(tcp.get_status()[0]).toBe("failure");
  });
});
