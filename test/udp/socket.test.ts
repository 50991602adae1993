/**
 * `bindUdp` and the classes `UdpSocket` and `Datagram`.
 */

import { bindUdp, Datagram, MAX_DATAGRAM, NetError, poll, resolve, UdpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, sha256 } from "../support/bytes.js";
import { runProgram } from "../support/programs.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { LOOPBACK_ONLY, runInNamespace } from "./support/namespaces.js";
import { startUdpPeer, type UdpPeer } from "./support/udp-peers.js";

const wrong = (value: unknown) => value as never;

/** A port of 127.0.0.1 that was bound a moment ago and is free now. */
function closedUdpPort(): number {
  const socket = bindUdp({ host: "127.0.0.1" });
  const { port } = socket;
  socket.close();
  waitFor("the port", () => {
    try {
      bindUdp({ host: "127.0.0.1", port }).close();
      return true;
    } catch {
      return false;
    }
  });
  return port;
}

describe("bindUdp", () => {
  test("is bound when it returns, to a free port unless one is given", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    expect(socket).toBeInstanceOf(UdpSocket);
    expect(socket.port).toBeGreaterThan(0);
    expect(socket.address).toBe("127.0.0.1");
    const error = errorOf(() => bindUdp({ host: "127.0.0.1", port: socket.port }));
    expect(error).toMatchObject({ code: "EADDRINUSE", syscall: "bind", address: "127.0.0.1", port: socket.port });
    socket.close();
  });

  test("without options: all interfaces, IPv4 and IPv6 on one socket, both ways", () => {
    const socket = bindUdp();
    expect(socket.address).toBe("::");
    const four = startUdpPeer({ echo: true });
    const six = startUdpPeer({ type: "udp6", echo: true });
    for (const peer of [four, six, four]) {
      expect(socket.send(`to ${peer.host}`, peer.port, peer.host)).toBe(true);
      const datagram = socket.receiveWait(5000);
      expect(String(datagram.data)).toBe(`to ${peer.host}`);
      // Node's way to write an IPv4 address on such a socket: RFC 4291, 2.5.5.2.
      expect(datagram.address.replace(/^::ffff:/, "")).toBe(peer.host);
      expect(datagram.port).toBe(peer.port);
      // An answer to that address arrives.
      expect(socket.send("answer", datagram.port, datagram.address)).toBe(true);
      expect(String(socket.receiveWait(5000).data)).toBe("answer");
    }
    socket.close();
  });

  test("binds IPv6 only with ipv6Only", () => {
    const socket = bindUdp({ host: "::", ipv6Only: true });
    const four = bindUdp({ host: "0.0.0.0", port: socket.port }); // fails if the socket has bound IPv4 too
    const peer = startUdpPeer({ type: "udp6" });
    peer.send({ do: "send", port: socket.port, host: "::1", text: "six" });
    expect(socket.receiveWait(5000)).toMatchObject({ address: "::1", port: peer.port });
    socket.close();
    four.close();
  });

  test("takes a name or an Address as host", () => {
    const named = bindUdp({ host: "localhost" });
    expect(["127.0.0.1", "::1"]).toContain(named.address);
    const addressed = bindUdp({ host: resolve("127.0.0.2") });
    expect(addressed.address).toBe("127.0.0.2");
    named.close();
    addressed.close();
  });

  test("takes an Address that has only IPv6", () => {
    const { output, errors } = runProgram(
      `import { bindUdp, resolve } from "ringnet";
      const address = resolve("six.test");
      address.waitUntilResolved(5000);
      console.log(bindUdp({ host: address }).address);`,
      { names: { "six.test": ["::1"] } },
    );
    expect(errors).toBe("");
    expect(output).toBe("::1\n");
  });

  test("throws EADDRNOTAVAIL and ENOTFOUND", () => {
    expect(errorOf(() => bindUdp({ host: "203.0.113.7" }))).toMatchObject({ code: "EADDRNOTAVAIL", syscall: "bind" });
    expect(errorOf(() => bindUdp({ host: "no-such-host.invalid" })).code).toMatch(/^ENOTFOUND$|^EAI_AGAIN$/);
  });

  test("reuseAddr: several may bind the same port", () => {
    const first = bindUdp({ host: "127.0.0.1", reuseAddr: true });
    const second = bindUdp({ host: "127.0.0.1", port: first.port, reuseAddr: true });
    expect(second.port).toBe(first.port);
    first.close();
    second.close();
  });

  test("programming mistakes throw", () => {
    expect(() => bindUdp({ port: 65_536 })).toThrow(RangeError);
    expect(() => bindUdp({ port: wrong("1") })).toThrow(TypeError);
    expect(() => bindUdp({ host: wrong(5) })).toThrow(TypeError);
    expect(() => bindUdp({ reuseAddr: wrong(1) })).toThrow(TypeError);
    expect(() => bindUdp({ broadcast: wrong("yes") })).toThrow(TypeError);
    expect(() => bindUdp({ receiveBuffer: 100_000 })).toThrow(RangeError);
    expect(() => bindUdp({ sendBuffer: 65_536 })).toThrow(RangeError);
    expect(() => bindUdp(wrong(null))).toThrow(TypeError);
  });
});

describe("send(data, port, host)", () => {
  test("sends to an IP, a name, an Address", () => {
    const peer = startUdpPeer();
    const socket = bindUdp({ host: "127.0.0.1" });
    const address = resolve("localhost");
    address.waitUntilResolved(5000);
    for (const host of ["127.0.0.1", "localhost", address, resolve("127.0.0.1")]) {
      expect(socket.send(`to ${host}`, peer.port, host)).toBe(true);
    }
    // A name is looked up first: datagrams to IPs may overtake it.
    peer.waitForEvent("message", 5000, 4);
    expect(new Set(peer.events("message").map(({ text }) => text))).toEqual(new Set(["to 127.0.0.1", "to localhost"]));
    socket.close();
  });

  test("a socket for both families reaches names that have either", () => {
    const four = startUdpPeer({ host: "127.0.0.5" });
    const six = startUdpPeer({ type: "udp6", port: four.port });
    const { output, errors } = runProgram(
      `import { bindUdp } from "ringnet";
      const socket = bindUdp();
      const port = Number(process.argv[1]);
      socket.send("by name", port, "four.test");
      socket.send("by name", port, "six.test");
      socket.waitUntilDrained(5000);
      socket.connect(port, "four.test");
      socket.send("connected");
      socket.waitUntilDrained(5000);
      console.log(socket.receive());
      socket.close();`,
      { args: [`${four.port}`], names: { "four.test": ["127.0.0.5"], "six.test": ["::1"] } },
    );
    expect(errors).toBe("");
    expect(output).toBe("null\n"); // no error
    expect(four.waitForEvent("message").text).toBe("by name");
    expect(six.waitForEvent("message").text).toBe("by name");
    expect(four.waitForEvent("message", 5000, 2).text).toBe("connected");
  });

  test.each([0, 1, 65_507])("sends %i bytes over IPv6 and IPv4", (bytes) => {
    const socket = bindUdp();
    for (const type of ["udp4", "udp6"] as const) {
      const peer = startUdpPeer({ type });
      expect(socket.send(pattern(1, 0, bytes), peer.port, peer.host)).toBe(true);
      expect(peer.waitForEvent("message")).toMatchObject({ bytes, sha256: sha256(pattern(1, 0, bytes)) });
      peer.send({ do: "send", port: socket.port, host: peer.host, bytes });
      expect(socket.receiveWait(5000).data.equals(pattern(1, 0, bytes))).toBe(true);
    }
    socket.close();
  });

  test("more than 65,507 bytes: EMSGSIZE, at once", () => {
    expect(MAX_DATAGRAM).toBe(65_507);
    const socket = bindUdp();
    for (const host of ["127.0.0.1", "::1"]) {
      expect(errorOf(() => socket.send(Buffer.alloc(65_508), 9, host))).toMatchObject({
        code: "EMSGSIZE",
        syscall: "send",
      });
    }
    expect(socket.waitUntilDrained(0)).toBe(0);
    socket.close();
  });

  test("the wrong family: EAFNOSUPPORT, at once", () => {
    const four = bindUdp({ host: "0.0.0.0" });
    expect(errorOf(() => four.send("x", 9, "::1"))).toMatchObject({ code: "EAFNOSUPPORT", address: "::1" });
    expect(errorOf(() => four.connect(9, "::1")).code).toBe("EAFNOSUPPORT");
    const six = bindUdp({ host: "::1" });
    expect(errorOf(() => six.send("x", 9, "127.0.0.1"))).toMatchObject({ code: "EAFNOSUPPORT", address: "127.0.0.1" });
    four.close();
    six.close();
  });

  test("an Address that failed: its error; one that is not known yet: ERR_ADDRESS_WAITING", () => {
    const socket = bindUdp();
    const failed = resolve("no-such-host.invalid");
    expect(errorOf(() => socket.send("x", 9, failed)).code).toMatch(/^ERR_ADDRESS_WAITING$|^ENOTFOUND$|^EAI_AGAIN$/);
    failed.waitUntilResolved(20_000);
    expect(errorOf(() => socket.send("x", 9, failed))).toMatchObject({
      code: failed.error?.code,
      message: failed.error?.message,
    });
    socket.close();
  });

  test("a name that does not exist is reported later, once, and the socket still works", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const peer = startUdpPeer();
    expect(socket.send("x", 9, "no-such-host.invalid")).toBe(true);
    expect(socket.waitUntilReadable(20_000)).toBe(true);
    expect(errorOf(() => socket.receive()).code).toMatch(/^ENOTFOUND$|^EAI_AGAIN$/);
    expect(socket.receive()).toBeNull();
    expect(socket.send("going on", peer.port, peer.host)).toBe(true);
    expect(peer.waitForEvent("message").text).toBe("going on");
    socket.close();
  });

  test("programming mistakes throw", () => {
    const socket = bindUdp();
    expect(() => socket.send(wrong(5), 9, "::1")).toThrow(TypeError);
    expect(() => socket.send("x", wrong("9"), "::1")).toThrow(TypeError);
    expect(() => socket.send("x", 0, "::1")).toThrow(RangeError);
    expect(() => socket.send("x", 65_536, "::1")).toThrow(RangeError);
    expect(() => socket.send("x", 9, wrong(5))).toThrow(TypeError);
    expect(() => socket.send("x", 9, "")).toThrow(RangeError);
    expect(() => socket.send("x", 9, "x".repeat(256))).toThrow(RangeError);
    expect(() => socket.send("x", 9)).toThrow("host must be a string, not undefined");
    socket.close();
  });
});

describe("errors of sending that the system finds later", () => {
  test("ENETUNREACH, through both APIs, once each, and the socket still works", () => {
    const result = runInNamespace(
      LOOPBACK_ONLY,
      `const socket = bindUdp();
      socket.send("lost", 9, "203.0.113.1");
      socket.waitUntilReadable(5000);
      const first = codeOf(() => socket.receive());
      const second = socket.receive();
      socket.send("lost", 9, "2001:db8::1");
      socket.waitUntilDrained(5000);
      const third = codeOf(() => socket.send("this one is not taken", socket.port, "127.0.0.1"));
      socket.send("this one is", socket.port, "127.0.0.1");
      const data = String(socket.receiveWait(5000).data);
      const [udp] = net.open_udp(null, 0);
      const [far] = net.resolve_address("203.0.113.1");
      const sent = udp.send(far, 9, "lost");
      const reported = until("the error", () => { const [, message] = udp.receive(); return message; });
      console.log(JSON.stringify({ first, second, third, data, sent, reported, after: udp.receive() }));`,
    );
    expect(result).toEqual({
      first: "ENETUNREACH",
      second: null,
      third: "ENETUNREACH",
      data: "this one is",
      sent: [true, null],
      reported: expect.stringMatching(/ENETUNREACH.*203\.0\.113\.1/),
      after: [null, null],
    });
  });

  test("many errors are each reported exactly once", () => {
    const result = runInNamespace(
      LOOPBACK_ONLY,
      `const socket = bindUdp();
      let reported = 0;
      let taken = 0;
      while (taken < 50) {
        try {
          if (socket.send("lost", 9, "203.0.113.1")) taken++;
        } catch {
          reported++;
        }
      }
      socket.waitUntilDrained(5000);
      for (const end = performance.now() + 5000; reported < 50 && performance.now() < end; ) {
        if (codeOf(() => socket.receive()) === "ENETUNREACH") reported++;
      }
      console.log(JSON.stringify({ taken, reported, after: codeOf(() => socket.receive()) }));`,
    );
    expect(result).toEqual({ taken: 50, reported: 50, after: "nothing was thrown" });
  });
});

describe("connect(port, host)", () => {
  test("send needs no address, and others' datagrams do not arrive", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const friend = startUdpPeer({ echo: true });
    const stranger = startUdpPeer();
    socket.connect(friend.port, friend.host);
    stranger.send({ do: "send", port: socket.port, host: "127.0.0.1", text: "from a stranger" });
    stranger.waitForEvent("sent");
    expect(socket.send("from a friend")).toBe(true);
    expect(socket.receiveWait(5000)).toMatchObject({ address: "127.0.0.1", port: friend.port });
    expect(socket.receive()).toBeNull();
    socket.close();
  });

  test("an Address, IPv6, and both families on one socket", () => {
    const socket = bindUdp();
    for (const type of ["udp4", "udp6", "udp4"] as const) {
      const peer = startUdpPeer({ type, echo: true });
      socket.connect(peer.port, resolve(peer.host));
      expect(socket.send(`hello ${peer.host}`)).toBe(true);
      expect(String(socket.receiveWait(5000).data)).toBe(`hello ${peer.host}`);
    }
    socket.close();
  });

  test("no receiver: ECONNREFUSED, once for each refusal, and the socket still works", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const port = closedUdpPort();
    socket.connect(port, "127.0.0.1");
    expect(socket.send("anybody?")).toBe(true);
    expect(socket.waitUntilReadable(5000)).toBe(true);
    expect(errorOf(() => socket.receive()).code).toBe("ECONNREFUSED");
    expect(socket.receive()).toBeNull();
    expect(socket.send("anybody?")).toBe(true);
    expect(errorOf(() => socket.receiveWait(5000)).code).toBe("ECONNREFUSED");
    const peer = startUdpPeer({ port, echo: true });
    expect(socket.send("now?")).toBe(true);
    expect(String(socket.receiveWait(5000).data)).toBe("now?");
    expect(peer.events("message")).toHaveLength(1);
    socket.close();
  });

  test("unconnected: send without an address is an error", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    expect(errorOf(() => socket.send("x")).code).toBe("EDESTADDRREQ");
    socket.close();
  });

  test("connected: send with an address is reported later as an error, and the socket still works", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const friend = startUdpPeer();
    const other = startUdpPeer();
    socket.connect(friend.port, friend.host);
    let [taken, reported] = [0, 0];
    const count = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        expect((error as NetError).code).toBe("ERR_SOCKET_DGRAM_IS_CONNECTED");
        reported++;
        return true;
      }
    };
    for (let i = 0; i < 1000; i++) {
      const before = reported;
      count(() => socket.send("x", other.port, other.host));
      if (reported === before) taken++;
    }
    expect(socket.waitUntilDrained(5000)).toBe(0);
    while (count(() => socket.receive()) !== null);
    expect(reported).toBeGreaterThan(0);
    expect(reported).toBeLessThanOrEqual(taken); // several at once may be reported as one
    expect(socket.send("to a friend")).toBe(true);
    expect(friend.waitForEvent("message").text).toBe("to a friend");
    expect(other.events("message")).toHaveLength(0);
    socket.close();
  });

  test("a connect that the system refuses throws at once, and leaves the socket unconnected", () => {
    const result = runInNamespace(
      LOOPBACK_ONLY,
      `const friend = bindUdp({ host: "127.0.0.1" });
      const socket = bindUdp({ host: "127.0.0.1" });
      socket.connect(friend.port, "127.0.0.1");
      const refused = codeOf(() => socket.connect(9, "203.0.113.1"));
      const unsent = codeOf(() => socket.send("to nobody"));
      const undone = codeOf(() => socket.disconnect()) !== "nothing was thrown";
      socket.send("with an address", friend.port, "127.0.0.1");
      const first = String(friend.receiveWait(5000).data);
      socket.connect(friend.port, "127.0.0.1");
      socket.send("again");
      const second = String(friend.receiveWait(5000).data);
      console.log(JSON.stringify({ refused, unsent, undone, first, second, later: socket.receive() }));`,
    );
    expect(result).toEqual({
      refused: "ENETUNREACH",
      unsent: "EDESTADDRREQ",
      undone: true,
      first: "with an address",
      second: "again",
      later: null,
    });
  });

  test("a connect that is refused before the system is asked changes nothing", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const friend = startUdpPeer({ echo: true });
    socket.connect(friend.port, friend.host);
    expect(errorOf(() => socket.connect(9, "::1")).code).toBe("EAFNOSUPPORT");
    expect(errorOf(() => socket.connect(9, "no such host")).code).toBe("ENOTFOUND");
    expect(() => socket.connect(0, "127.0.0.1")).toThrow(RangeError);
    expect(socket.send("still there?")).toBe(true);
    expect(String(socket.receiveWait(5000).data)).toBe("still there?");
    socket.close();
  });

  test("disconnect() undoes it", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const friend = startUdpPeer();
    const other = startUdpPeer({ echo: true });
    socket.connect(friend.port, friend.host);
    socket.disconnect();
    expect(errorOf(() => socket.send("x")).code).toBe("EDESTADDRREQ");
    expect(socket.send("to the other", other.port, other.host)).toBe(true);
    expect(String(socket.receiveWait(5000).data)).toBe("to the other");
    expect(errorOf(() => socket.disconnect())).toBeInstanceOf(NetError);
    socket.close();
  });

  test("programming mistakes throw", () => {
    const socket = bindUdp();
    expect(() => socket.connect(0, "::1")).toThrow(RangeError);
    expect(() => socket.connect(wrong("9"), "::1")).toThrow(TypeError);
    expect(() => socket.connect(9, wrong(undefined))).toThrow(TypeError);
    socket.close();
  });
});

describe("receive() and receiveWait(timeout)", () => {
  test("a Datagram: data, address, port", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const peer = startUdpPeer();
    peer.send({ do: "send", port: socket.port, host: "127.0.0.1", text: "hello" });
    const datagram = socket.receiveWait(5000);
    expect(datagram).toBeInstanceOf(Datagram);
    expect({ ...datagram }).toEqual({ data: Buffer.from("hello"), address: "127.0.0.1", port: peer.port });
    expect(socket.receive()).toBeNull();
    socket.close();
  });

  test("receiveWait blocks until one arrives", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const peer = startUdpPeer();
    for (let i = 0; i < 20; i++) {
      peer.send({ do: "send", port: socket.port, host: "127.0.0.1", text: `number ${i}` });
      expect(String(socket.receiveWait(-1).data)).toBe(`number ${i}`);
    }
    socket.close();
  });

  test("receiveWait throws ETIMEDOUT after the timeout", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const { value, milliseconds } = timed(() => errorOf(() => socket.receiveWait(200)));
    expect(value.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeGreaterThanOrEqual(199);
    expect(milliseconds).toBeLessThan(1000);
    expect(errorOf(() => socket.receiveWait(0)).code).toBe("ETIMEDOUT");
    expect(() => socket.receiveWait(-2)).toThrow(RangeError);
    socket.close();
  });

  test("waitUntilReadable(timeout)", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    expect(socket.waitUntilReadable(0)).toBe(false);
    expect(socket.waitUntilReadable(50)).toBe(false);
    const peer = startUdpPeer();
    peer.send({ do: "send", port: socket.port, host: "127.0.0.1", bytes: 0 });
    expect(socket.waitUntilReadable(5000)).toBe(true);
    expect(socket.waitUntilReadable(0)).toBe(true);
    expect(socket.receive()?.data).toHaveLength(0);
    expect(socket.waitUntilReadable(0)).toBe(false);
    socket.close();
  });

  test("poll reports it", () => {
    const quiet = bindUdp({ host: "127.0.0.1" });
    const socket = bindUdp({ host: "127.0.0.1" });
    expect(poll([quiet, socket], 0)).toEqual([]);
    const peer = startUdpPeer();
    peer.send({ do: "send", port: socket.port, host: "127.0.0.1", text: "x" });
    expect([...poll([quiet, socket], 5000)]).toEqual([socket]);
    socket.receive();
    expect([...poll([quiet, socket], 0)]).toEqual([]);
    quiet.close();
    socket.close();
  });
});

describe("waitUntilWritable(timeout) and waitUntilDrained(timeout)", () => {
  test("a sender that waits for room loses nothing", () => {
    const socket = bindUdp({ host: "127.0.0.1", sendBuffer: 131_072 });
    const peer = startUdpPeer({ receiveBuffer: 1 << 22 });
    let sent = 0;
    let full = 0;
    while (sent < 200) {
      if (socket.send(pattern(sent, 0, 10_000), peer.port, peer.host)) sent++;
      else {
        full++;
        expect(socket.waitUntilWritable(5000)).toBe(true);
      }
      if (sent % 10 === 0) peer.waitForEvent("message", 5000, sent); // so that the kernel's buffer never fills
    }
    expect(socket.waitUntilDrained(5000)).toBe(0);
    expect(socket.waitUntilWritable(0)).toBe(true);
    expect(full).toBeLessThan(200);
    for (const [i, { sha256: hash }] of peer.events("message").entries())
      expect(hash).toBe(sha256(pattern(i, 0, 10_000)));
    socket.close();
  });
});

describe("close()", () => {
  test("is idempotent, equals Symbol.dispose, and everything else throws afterwards", () => {
    let socket: UdpSocket;
    {
      using scoped = bindUdp({ host: "127.0.0.1" });
      socket = scoped;
    }
    socket.close();
    expect(socket.closed).toBe(true);
    const calls: (() => unknown)[] = [
      () => socket.send("x", 9, "127.0.0.1"),
      () => socket.receive(),
      () => socket.receiveWait(-1),
      () => socket.waitUntilReadable(-1),
      () => socket.waitUntilWritable(-1),
      () => socket.waitUntilDrained(-1),
      () => socket.connect(9, "127.0.0.1"),
      () => socket.disconnect(),
      () => socket.setBroadcast(true),
      () => socket.setTtl(1),
      () => socket.setMulticastTtl(1),
      () => socket.setMulticastLoopback(true),
      () => socket.setMulticastInterface("127.0.0.1"),
      () => socket.addMembership("239.1.1.1"),
      () => socket.dropMembership("239.1.1.1"),
    ];
    const errors = calls.map((call) => errorOf(call));
    expect(new Set(errors.map(({ message }) => message)).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: "ERR_SOCKET_CLOSED", message: expect.stringMatching(/closed/) });
  });

  test("the end of the program sends what was taken", () => {
    const peer = startUdpPeer();
    const { code, milliseconds } = runProgram(
      `import { bindUdp } from "ringnet";
      const socket = bindUdp();
      for (let i = 0; i < 100; i++) socket.send("number " + i, Number(process.argv[1]), "127.0.0.1");`,
      { args: [`${peer.port}`] },
    );
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(8000);
    peer.waitForEvent("message", 5000, 100);
    expect(peer.events("message").map(({ text }) => text)).toEqual(
      Array.from({ length: 100 }, (_, i) => `number ${i}`),
    );
  });

  test("an open socket does not keep the program alive", () => {
    const { code, output } = runProgram(
      `import { bindUdp } from "ringnet";
      console.log(bindUdp().port > 0);`,
    );
    expect(code).toBe(0);
    expect(output).toBe("true\n");
  });

  test("two hundred sockets, one after another and at once", () => {
    const peer: UdpPeer = startUdpPeer({ echo: true });
    for (let i = 0; i < 200; i++) bindUdp({ host: "127.0.0.1" }).close();
    const sockets = Array.from({ length: 200 }, () => bindUdp({ host: "127.0.0.1" }));
    expect(new Set(sockets.map(({ port }) => port)).size).toBe(200);
    for (const [i, socket] of sockets.entries()) socket.send(`${i}`, peer.port, peer.host);
    for (const [i, socket] of sockets.entries()) {
      expect(String(socket.receiveWait(5000).data)).toBe(`${i}`);
      socket.close();
    }
  });
});

describe("peek, receiveInto and nextSize", () => {
  function pair() {
    const socket = bindUdp({ host: "127.0.0.1" });
    const sender = bindUdp({ host: "127.0.0.1" });
    return { socket, sender, send: (data: string | Uint8Array) => sender.send(data, socket.port, "127.0.0.1") };
  }

  test("peek leaves the datagram, however often, and receive takes it", () => {
    const { socket, sender, send } = pair();
    expect(socket.peek()).toBeNull();
    send("one");
    send("");
    send("three");
    expect(socket.waitUntilReadable(5000)).toBe(true);
    for (let i = 0; i < 3; i++) {
      const seen = socket.peek() as Datagram;
      expect([String(seen.data), seen.address, seen.port]).toEqual(["one", "127.0.0.1", sender.port]);
      expect(socket.nextSize).toBe(3);
    }
    expect(poll([socket])).toEqual([socket]);
    expect(String(socket.receive()?.data)).toBe("one");
    expect(String(socket.receiveWait(5000).data)).toBe("");
    expect(String(socket.receiveWait(5000).data)).toBe("three");
    expect(socket.nextSize).toBeNull();
    socket.close();
    sender.close();
    expect(socket.nextSize).toBeNull();
    expect(errorOf(() => socket.peek()).code).toBe("ERR_SOCKET_CLOSED");
  });

  test("receiveInto copies what fits, and returns the datagram's size", () => {
    const { socket, sender, send } = pair();
    const target = Buffer.alloc(8, 46);
    expect(socket.receiveInto(target)).toBeNull();
    send("1234");
    send("123456789");
    send("");
    send("12345678");
    const from = { address: "127.0.0.1", port: sender.port };
    const next = () => {
      socket.waitUntilReadable(5000);
      return socket.receiveInto(target);
    };
    expect(next()).toEqual({ length: 4, size: 4, ...from });
    expect(String(target)).toBe("1234....");
    expect(next()).toEqual({ length: 8, size: 9, ...from });
    expect(String(target)).toBe("12345678");
    expect(next()).toEqual({ length: 0, size: 0, ...from });
    expect(next()).toEqual({ length: 8, size: 8, ...from });
    expect(socket.receive()).toBeNull();
    expect(() => socket.receiveInto("x" as never)).toThrow(TypeError);
    socket.close();
    sender.close();
  });

  test("mixed at random they receive each datagram once, in order, past the ring's end", () => {
    const socket = bindUdp({ host: "127.0.0.1", receiveBuffer: 131_072 });
    const sender = bindUdp({ host: "127.0.0.1" });
    const target = Buffer.alloc(65_507);
    for (let number = 0; number < 400; number++) {
      const sent = pattern(number, 0, 1 + ((number * 7919) % 3000));
      sender.send(sent, socket.port, "127.0.0.1");
      expect(socket.waitUntilReadable(5000)).toBe(true);
      if (number % 3 === 0) expect(socket.peek()?.data).toEqual(sent);
      if (number % 4 === 0) expect(socket.nextSize).toBe(sent.length);
      if (number % 2 === 0) expect(socket.receive()?.data).toEqual(sent);
      else expect(target.subarray(0, socket.receiveInto(target)?.length)).toEqual(sent);
    }
    socket.close();
    sender.close();
  });
});
