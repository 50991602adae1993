/**
 * The rows of the `net` contract about UDP, and what departs from the original there.
 */

import { net } from "ringnet";
import { describe, expect, test } from "vitest";
import { addressOf, failureText, unwrap } from "../net/connections.js";
import { pattern, sha256 } from "../support/bytes.js";
import { Process } from "../support/processes.js";
import { runProgram } from "../support/programs.js";
import { timed, waitFor } from "../support/waiting.js";
import { startUdpPeer } from "./support/udp-peers.js";

const wrong = (value: unknown) => value as never;

/** A socket on 127.0.0.1. */
function openLocal(port = 0): net.udp {
  return unwrap(net.open_udp(addressOf(), port));
}

/** The next datagram. */
function receiveFrom(udp: net.udp): net.datagram {
  return waitFor("a datagram", () => {
    const [datagram, message] = udp.receive();
    expect(message).toBeNull();
    return datagram ?? undefined;
  });
}

describe("net.open_udp(address | null, port)", () => {
  test("binds a UDP socket locally", () => {
    const udp = openLocal();
    expect(udp).toBeInstanceOf(net.udp);
    const peer = startUdpPeer();
    peer.send({ do: "send", port: udp.get_port(), host: "127.0.0.1", text: "hello" });
    expect(String(receiveFrom(udp).get_data())).toBe("hello");
    udp.close();
  });

  test("binds the port that was asked for", () => {
    const { port } = startUdpPeer();
    const first = openLocal();
    const free = first.get_port();
    first.close();
    const udp = waitFor("the port", () => net.open_udp(addressOf(), free)[0] ?? undefined);
    expect(udp.get_port()).toBe(free);
    expect(free).not.toBe(port);
    udp.close();
  });

  test("binds one address only", () => {
    const udp = openLocal();
    const peer = startUdpPeer({ host: "127.0.0.2" });
    peer.send({ do: "send", port: udp.get_port(), host: "127.0.0.2", text: "not for you" });
    peer.send({ do: "send", port: udp.get_port(), host: "127.0.0.1", text: "for you" });
    expect(String(receiveFrom(udp).get_data())).toBe("for you");
    expect(udp.receive()).toEqual([null, null]);
    udp.close();
  });

  test("no address: all interfaces, IPv4 and IPv6", () => {
    const udp = unwrap(net.open_udp(null, 0));
    const four = startUdpPeer();
    const six = startUdpPeer({ type: "udp6" });
    for (const [peer, host] of [
      [four, "127.0.0.1"],
      [four, "127.0.0.3"],
      [six, "::1"],
    ] as const) {
      peer.send({ do: "send", port: udp.get_port(), host, text: host });
      expect(String(receiveFrom(udp).get_data())).toBe(host);
    }
    udp.close();
  });

  test("returns bind errors: the port is in use", () => {
    const peer = startUdpPeer();
    expect(failureText(net.open_udp(addressOf(), peer.port))).toContain("EADDRINUSE");
    const udp = unwrap(net.open_udp(null, 0));
    expect(failureText(net.open_udp(null, udp.get_port()))).toContain("EADDRINUSE");
    udp.close();
  });

  test("returns bind errors: an address of another machine", () => {
    expect(failureText(net.open_udp(addressOf("203.0.113.7"), 0))).toContain("EADDRNOTAVAIL");
  });

  test("an address that failed is a failure with its text", () => {
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    const [, message] = address.wait_until_resolved(20_000);
    expect(net.open_udp(address, 0)).toEqual([null, message]);
  });

  test("a programming mistake is thrown", () => {
    expect(() => net.open_udp(wrong("127.0.0.1"), 0)).toThrow(TypeError);
    expect(() => net.open_udp(wrong(undefined), 0)).toThrow(TypeError);
    expect(() => net.open_udp(null, wrong("53"))).toThrow(TypeError);
    expect(() => net.open_udp(null, wrong(undefined))).toThrow(TypeError);
    expect(() => net.open_udp(null, -1)).toThrow(RangeError);
    expect(() => net.open_udp(null, 65_536)).toThrow(RangeError);
    expect(() => net.open_udp(null, 1.5)).toThrow(RangeError);
  });
});

describe("net.udp.send(address, port, data)", () => {
  test("[true, null]: the datagram arrives", () => {
    const udp = openLocal();
    const peer = startUdpPeer();
    expect(udp.send(addressOf(), peer.port, "€uro")).toEqual([true, null]);
    expect(udp.send(addressOf(), peer.port, new Uint8Array([1, 2, 3]))).toEqual([true, null]);
    expect(peer.waitForEvent("message")).toMatchObject({
      bytes: 6,
      sha256: sha256("€uro"),
      address: "127.0.0.1",
      port: udp.get_port(),
    });
    expect(peer.waitForEvent("message", 5000, 2).sha256).toBe(sha256(new Uint8Array([1, 2, 3])));
    udp.close();
  });

  test.each([0, 1, 508, 1472, 1473, 9000, 65_506, 65_507])("a datagram of %i bytes", (bytes) => {
    const udp = openLocal();
    const peer = startUdpPeer();
    expect(udp.send(addressOf(), peer.port, pattern(bytes, 0, bytes))).toEqual([true, null]);
    expect(peer.waitForEvent("message")).toMatchObject({ bytes, sha256: sha256(pattern(bytes, 0, bytes)) });
    udp.close();
  });

  test.each([65_508, 65_536, 1_000_000])("a payload of %i bytes is a failure, and nothing is sent", (bytes) => {
    const udp = openLocal();
    const peer = startUdpPeer();
    const [sent, message] = udp.send(addressOf(), peer.port, Buffer.alloc(bytes));
    expect(sent).toBe(false);
    expect(message).toMatch(/EMSGSIZE.*65507/);
    expect(udp.send(addressOf(), peer.port, "still alive")).toEqual([true, null]);
    expect(peer.waitForEvent("message").text).toBe("still alive");
    udp.close();
  });

  test("a wrong address family is a failure, and nothing is sent", () => {
    const four = openLocal();
    const six = unwrap(net.open_udp(addressOf("::1"), 0));
    const [sent, message] = four.send(addressOf("::1"), 9, "x");
    expect([sent, message]).toEqual([false, expect.stringMatching(/EAFNOSUPPORT.*::1/)]);
    expect(six.send(addressOf(), 9, "x")).toEqual([false, expect.stringMatching(/EAFNOSUPPORT.*127\.0\.0\.1/)]);
    const peer = startUdpPeer();
    expect(four.send(addressOf(), peer.port, "this one is right")).toEqual([true, null]);
    expect(peer.waitForEvent("message").text).toBe("this one is right");
    four.close();
    six.close();
  });

  test("a failed address is a failure with its text", () => {
    const udp = openLocal();
    const address = unwrap(net.resolve_address("no-such-host.invalid"));
    const [, message] = address.wait_until_resolved(20_000);
    expect(udp.send(address, 9, "x")).toEqual([false, message]);
    udp.close();
  });

  test("a full send ring is a failure, and not a lost datagram", () => {
    // In a program of its own, which can keep its socket busy.
    const { output, errors } = runProgram(
      `import { net } from "ringnet";
      const [receiver] = net.open_udp(net.resolve_address("127.0.0.1")[0], 0);
      const [udp] = net.open_udp(null, 0);
      const [address] = net.resolve_address("127.0.0.1");
      let taken = 0;
      let refusal;
      // Faster than any networking thread: the ring holds 16 of these.
      for (const end = performance.now() + 10000; refusal === undefined && performance.now() < end; ) {
        const [sent, message] = udp.send(address, receiver.get_port(), Buffer.alloc(65000));
        if (sent) taken++;
        else refusal = message;
      }
      console.log(JSON.stringify({ taken, refusal }));
      process.exit();`,
    );
    expect(errors).toBe("");
    const { taken, refusal } = JSON.parse(output);
    expect(taken).toBeGreaterThanOrEqual(1);
    expect(refusal).toMatch(/full/);
  });

  test("a programming mistake is thrown", () => {
    const udp = openLocal();
    expect(() => udp.send(wrong("127.0.0.1"), 9, "x")).toThrow(TypeError);
    expect(() => udp.send(wrong(null), 9, "x")).toThrow(TypeError);
    expect(() => udp.send(addressOf(), wrong("9"), "x")).toThrow(TypeError);
    expect(() => udp.send(addressOf(), 65_536, "x")).toThrow(RangeError);
    expect(() => udp.send(addressOf(), -1, "x")).toThrow(RangeError);
    expect(() => udp.send(addressOf(), 9, wrong(5))).toThrow(TypeError);
    expect(() => udp.send(addressOf(), 9, wrong(undefined))).toThrow(TypeError);
    udp.close();
  });

  test("may change the bytes as soon as send has returned", () => {
    const udp = openLocal();
    const peer = startUdpPeer();
    const mine = Buffer.from("original");
    for (let i = 0; i < 50; i++) {
      mine.write("original");
      expect(udp.send(addressOf(), peer.port, mine)).toEqual([true, null]);
      mine.fill(0);
    }
    peer.waitForEvent("message", 5000, 50);
    expect(new Set(peer.events("message").map(({ text }) => text))).toEqual(new Set(["original"]));
    udp.close();
  });
});

describe("net.udp.receive()", () => {
  test("[null, null] when there is none, without blocking", () => {
    const udp = openLocal();
    const { value, milliseconds } = timed(() => Array.from({ length: 1000 }, () => udp.receive()));
    for (const result of value) expect(result).toEqual([null, null]);
    expect(milliseconds).toBeLessThan(1000);
    udp.close();
  });

  test("one datagram at a time, whole, in the order of their arrival", () => {
    const udp = openLocal();
    const peer = startUdpPeer();
    const texts = Array.from({ length: 100 }, (_, i) => `number ${i} ${"x".repeat(i)}`);
    for (const [i, text] of texts.entries()) {
      peer.send({ do: "send", port: udp.get_port(), host: "127.0.0.1", text });
      peer.waitForEvent("sent", 5000, i + 1);
    }
    expect(texts.map(() => String(receiveFrom(udp).get_data()))).toEqual(texts);
    expect(udp.receive()).toEqual([null, null]);
    udp.close();
  });

  test.each([0, 1, 1500, 65_507])("a datagram of %i bytes", (bytes) => {
    const udp = openLocal();
    const peer = startUdpPeer();
    peer.send({ do: "send", port: udp.get_port(), host: "127.0.0.1", bytes, seed: 3 });
    const data = receiveFrom(udp).get_data();
    expect(Buffer.isBuffer(data)).toBe(true);
    expect(data.equals(pattern(3, 0, bytes))).toBe(true);
    expect(udp.receive()).toEqual([null, null]);
    udp.close();
  });
});

describe("net.udp.get_port()", () => {
  test("the port it is bound to, also after close()", () => {
    const udp = unwrap(net.open_udp(null, 0));
    const port = udp.get_port();
    expect(port).toBeGreaterThan(0);
    udp.close();
    expect(udp.get_port()).toBe(port);
  });
});

describe("net.udp.close()", () => {
  test("is idempotent; afterwards every other method gives a failure that says so", () => {
    const udp = openLocal();
    udp.close();
    udp.close();
    expect(udp.receive()).toEqual([null, expect.stringMatching(/closed/)]);
    expect(udp.send(addressOf(), 9, "x")).toEqual([false, expect.stringMatching(/closed/)]);
  });

  test("frees the port", () => {
    const udp = openLocal();
    const port = udp.get_port();
    udp.close();
    for (let i = 0; i < 20; i++) {
      const again = waitFor("the port", () => net.open_udp(addressOf(), port)[0] ?? undefined);
      expect(again.get_port()).toBe(port);
      again.close();
    }
  });

  test("sends what send has taken", () => {
    const peer = startUdpPeer();
    for (let i = 1; i <= 20; i++) {
      const udp = openLocal();
      for (let part = 0; part < 5; part++)
        expect(udp.send(addressOf(), peer.port, `${i}.${part}`)).toEqual([true, null]);
      udp.close();
      peer.waitForEvent("message", 5000, 5 * i);
    }
    const texts = peer.events("message").map(({ text }) => text);
    expect(new Set(texts).size).toBe(100);
  });
});

describe("net.datagram", () => {
  function one(
    host = "127.0.0.1",
    type: "udp4" | "udp6" = "udp4",
  ): { udp: net.udp; datagram: net.datagram; from: number } {
    const udp = unwrap(net.open_udp(addressOf(host), 0));
    const peer = startUdpPeer({ type });
    peer.send({ do: "send", port: udp.get_port(), host, text: "what is in it" });
    return { udp, datagram: receiveFrom(udp), from: peer.port };
  }

  test.each([
    ["127.0.0.1", "udp4"],
    ["::1", "udp6"],
  ] as const)("get_address(): where it came from, %s", (host, type) => {
    const { udp, datagram } = one(host, type);
    const address = datagram.get_address();
    expect(address).toBeInstanceOf(net.address);
    expect(address.get_status()).toEqual(["success", null]);
    expect(address.get_ip()).toBe(host);
    udp.close();
  });

  test("get_port(): where it came from; an answer goes there", () => {
    const udp = openLocal();
    const peer = startUdpPeer();
    peer.send({ do: "send", port: udp.get_port(), host: "127.0.0.1", text: "a question" });
    const datagram = receiveFrom(udp);
    expect(datagram.get_port()).toBe(peer.port);
    expect(udp.send(datagram.get_address(), datagram.get_port(), "an answer")).toEqual([true, null]);
    expect(peer.waitForEvent("message").text).toBe("an answer");
    udp.close();
  });

  test("get_data(): its bytes, owned by the caller", () => {
    const { udp, datagram } = one();
    expect(datagram).toBeInstanceOf(net.datagram);
    const data = datagram.get_data();
    expect(String(data)).toBe("what is in it");
    data.fill(0);
    expect(udp.receive()).toEqual([null, null]);
    udp.close();
  });

  test("stays valid after the socket is closed", () => {
    const { udp, datagram, from } = one();
    udp.close();
    // Another socket gets the memory, and fills it.
    const next = openLocal();
    const peer = startUdpPeer();
    for (let i = 0; i < 5; i++) {
      peer.send({ do: "send", port: next.get_port(), host: "127.0.0.1", bytes: 60_000 });
      receiveFrom(next);
    }
    expect(String(datagram.get_data())).toBe("what is in it");
    expect(datagram.get_port()).toBe(from);
    expect(datagram.get_address().get_ip()).toBe("127.0.0.1");
    next.close();
  });
});

describe("departs: UDP to an address that is not resolved is a failure, and nothing is sent", () => {
  test("nothing is sent to localhost", () => {
    const here = startUdpPeer({ host: "127.0.0.1" });
    const six = startUdpPeer({ type: "udp6" });
    const { output, errors } = runProgram(
      `import { net } from "ringnet";
      const ports = process.argv.slice(1).map(Number);
      const [udp] = net.open_udp(null, 0);
      // What is sent after the name was resolved arrives there: on Bun a refusal would be an error of a later send.
      const elsewhere = ports.map((port) => net.open_udp(net.resolve_address("127.0.0.9")[0], port));
      const early = [];
      // An address stays unresolved for some tens of microseconds: try until it was so before and after the call.
      for (let i = 0; i < 1000 && early.length < 10; i++) {
        const [address] = net.resolve_address("elsewhere.test");
        const before = address.get_status()[0];
        const results = ports.map((port) => udp.send(address, port, "for somebody else"));
        if (before === "waiting" && address.get_status()[0] === "waiting") early.push(...results);
        address.wait_until_resolved(5000);
      }
      const markers = ["127.0.0.1", "::1"].map((ip, i) => udp.send(net.resolve_address(ip)[0], ports[i], "the end"));
      for (const socket of [udp, ...elsewhere.map(([each]) => each)]) socket?.close();
      console.log(JSON.stringify({ early, markers }));`,
      { args: [`${here.port}`, `${six.port}`], names: { "elsewhere.test": ["127.0.0.9"] } },
    );
    expect(errors).toBe("");
    const { early, markers } = JSON.parse(output);
    expect(early).toHaveLength(10);
    for (const result of early) expect(result).toEqual([false, expect.stringMatching(/elsewhere\.test/)]);
    for (const result of markers) expect(result).toEqual([true, null]);
    // What was sent before would have arrived before.
    for (const peer of [here, six]) expect(peer.waitForEvent("message").text).toBe("the end");
  });
});

describe("net: what UDP has in common with the rest", () => {
  test("the root and ringnet/net export open_udp and the classes", async () => {
    const subpath = (await import("ringnet/net")) as unknown as Record<string, unknown>;
    expect(subpath.open_udp ?? (subpath.net as typeof net).open_udp).toBe(net.open_udp);
    expect(net.udp).toBeTypeOf("function");
    expect(net.datagram).toBeTypeOf("function");
  });

  test("receive never blocks, and send does not either", () => {
    const udp = openLocal();
    const peer = startUdpPeer();
    const { milliseconds } = timed(() => {
      for (let i = 0; i < 1000; i++) {
        udp.receive();
        udp.send(addressOf(), peer.port, "x");
      }
    });
    expect(milliseconds).toBeLessThan(3000);
    udp.close();
  });

  test("nc -u, both ways", () => {
    const udp = openLocal();
    const nc = new Process("nc", ["-u", "-n", "127.0.0.1", `${udp.get_port()}`]);
    nc.send("from nc\n");
    const datagram = receiveFrom(udp);
    expect(String(datagram.get_data())).toBe("from nc\n");
    expect(udp.send(datagram.get_address(), datagram.get_port(), "to nc\n")).toEqual([true, null]);
    nc.waitForOutput(/^to nc$/m);
    udp.close();
  });
});
