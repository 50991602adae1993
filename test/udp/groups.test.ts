/**
 * Broadcast, multicast and TTLs, seen by other sockets and by a watcher of packets, in network namespaces.
 */

import { bindUdp } from "ringnet";
import { describe, expect, test } from "vitest";
import { errorOf } from "../tcp/sockets.js";
import { LOOPBACK_ONLY, ONE_NETWORK, runInNamespace } from "./support/namespaces.js";
import { startUdpPeer } from "./support/udp-peers.js";

describe("broadcast", () => {
  test("is refused unless allowed: EACCES", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receiver = bindUdp({ host: "0.0.0.0" });
      const socket = bindUdp({ host: "0.0.0.0" });
      const refusals = ["10.9.0.255", "127.255.255.255"].map((host) => {
        socket.send("not allowed", receiver.port, host);
        socket.waitUntilReadable(5000);
        return codeOf(() => socket.receive());
      });
      socket.setBroadcast(true);
      socket.send("allowed", receiver.port, "10.9.0.255");
      const { data, address } = receiver.receiveWait(5000);
      socket.setBroadcast(false);
      socket.send("not allowed any more", receiver.port, "10.9.0.255");
      socket.waitUntilReadable(5000);
      refusals.push(codeOf(() => socket.receive()));
      console.log(JSON.stringify({ refusals, data: String(data), address, more: receiver.receive() }));`,
    );
    expect(result).toEqual({
      refusals: ["EACCES", "EACCES", "EACCES"],
      data: "allowed",
      address: "10.9.0.1",
      more: null,
    });
  });

  test("bindUdp({ broadcast: true }), on a socket for both families too", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receivers = [bindUdp({ host: "0.0.0.0", reuseAddr: true })];
      receivers.push(bindUdp({ host: "0.0.0.0", reuseAddr: true, port: receivers[0].port }));
      const socket = bindUdp({ broadcast: true });
      socket.send("to all", receivers[0].port, "10.9.0.255");
      console.log(JSON.stringify(receivers.map((each) => String(each.receiveWait(5000).data))));`,
    );
    expect(result).toEqual(["to all", "to all"]);
  });
});

describe("multicast over IPv4", () => {
  test("addMembership and dropMembership", () => {
    const receiver = bindUdp({ host: "0.0.0.0" });
    const sender = bindUdp({ host: "127.0.0.1" });
    sender.setMulticastInterface("127.0.0.1");
    const outsider = bindUdp({ host: "0.0.0.0" });
    const send = (text: string) => {
      expect(sender.send(text, receiver.port, "239.255.7.7")).toBe(true);
      expect(sender.send(text, receiver.port, "127.0.0.1")).toBe(true);
    };
    send("before");
    expect(String(receiver.receiveWait(5000).data)).toBe("before");
    receiver.addMembership("239.255.7.7", "127.0.0.1");
    send("member");
    expect(String(receiver.receiveWait(5000).data)).toBe("member");
    expect(String(receiver.receiveWait(5000).data)).toBe("member");
    receiver.dropMembership("239.255.7.7", "127.0.0.1");
    send("after");
    expect(String(receiver.receiveWait(5000).data)).toBe("after");
    expect(receiver.receive()).toBeNull();
    expect(outsider.receive()).toBeNull();
    for (const socket of [receiver, sender, outsider]) socket.close();
  });

  test("from and to node:dgram", () => {
    const group = "239.255.7.8";
    const peer = startUdpPeer({ host: "0.0.0.0", groups: [{ group, interface: "127.0.0.1" }] });
    const socket = bindUdp({ host: "0.0.0.0" });
    socket.setMulticastInterface("127.0.0.1");
    socket.addMembership(group, "127.0.0.1");
    socket.send("to the group", peer.port, group);
    expect(peer.waitForEvent("message").text).toBe("to the group");
    socket.close();
  });

  test("several receivers on one port get a copy each", () => {
    const receivers = [bindUdp({ host: "0.0.0.0", reuseAddr: true })];
    for (let i = 0; i < 3; i++) receivers.push(bindUdp({ host: "0.0.0.0", reuseAddr: true, port: receivers[0]?.port }));
    for (const each of receivers) each.addMembership("239.255.7.9", "127.0.0.1");
    const sender = bindUdp({ host: "127.0.0.1" });
    sender.setMulticastInterface("127.0.0.1");
    sender.send("a copy each", receivers[0]?.port, "239.255.7.9");
    for (const each of receivers) expect(String(each.receiveWait(5000).data)).toBe("a copy each");
    for (const each of [sender, ...receivers]) each.close();
  });

  test("setMulticastInterface chooses the outgoing interface", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receiver = bindUdp({ host: "0.0.0.0" });
      receiver.addMembership("239.255.7.7", "10.9.0.1");
      const socket = bindUdp({ host: "0.0.0.0" });
      socket.setMulticastInterface("10.9.0.1");
      socket.send("out there", receiver.port, "239.255.7.7");
      const first = receiver.receiveWait(5000).address;
      socket.setMulticastInterface("127.0.0.1"); // without members
      socket.send("in here", receiver.port, "239.255.7.7");
      socket.send("the last one", receiver.port, "10.9.0.1");
      console.log(JSON.stringify([first, String(receiver.receiveWait(5000).data), receiver.receive()]));`,
    );
    expect(result).toEqual(["10.9.0.1", "the last one", null]);
  });

  test("setMulticastLoopback(false): members on this machine get nothing", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receiver = bindUdp({ host: "0.0.0.0" });
      receiver.addMembership("239.255.7.7", "10.9.0.1");
      const socket = bindUdp({ host: "0.0.0.0" });
      socket.setMulticastInterface("10.9.0.1");
      socket.setMulticastLoopback(false);
      socket.send("not for us", receiver.port, "239.255.7.7");
      socket.setMulticastLoopback(true);
      socket.send("for us", receiver.port, "239.255.7.7");
      console.log(JSON.stringify([String(receiver.receiveWait(5000).data), receiver.receive()]));`,
    );
    expect(result).toEqual(["for us", null]);
  });

  test("these calls throw their own errors", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    expect(errorOf(() => socket.addMembership("10.0.0.1")).code).toBe("EINVAL");
    expect(errorOf(() => socket.addMembership("239.1.2.3", "203.0.113.7")).code).toBe("ENODEV");
    expect(errorOf(() => socket.addMembership("rubbish")).code).toBe("EINVAL");
    expect(errorOf(() => socket.dropMembership("239.1.2.3", "127.0.0.1")).code).toBe("EADDRNOTAVAIL");
    socket.addMembership("239.1.2.3", "127.0.0.1");
    expect(errorOf(() => socket.addMembership("239.1.2.3", "127.0.0.1")).code).toBe("EADDRINUSE");
    expect(errorOf(() => socket.setMulticastInterface("203.0.113.7")).code).toMatch(/^EADDRNOTAVAIL$|^ENODEV$/);
    expect(errorOf(() => socket.setMulticastInterface("rubbish")).code).toBe("EINVAL");
    // The socket still works.
    const peer = startUdpPeer();
    socket.send("alive", peer.port, peer.host);
    expect(peer.waitForEvent("message").text).toBe("alive");
    socket.close();
  });

  test("programming mistakes throw", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const wrong = (value: unknown) => value as never;
    expect(() => socket.addMembership(wrong(5))).toThrow(TypeError);
    expect(() => socket.addMembership("239.1.2.3", wrong(5))).toThrow(TypeError);
    expect(() => socket.setTtl(0)).toThrow(RangeError);
    expect(() => socket.setTtl(256)).toThrow(RangeError);
    expect(() => socket.setMulticastTtl(256)).toThrow(RangeError);
    expect(() => socket.setMulticastTtl(wrong("1"))).toThrow(TypeError);
    expect(() => socket.setMulticastLoopback(wrong(1))).toThrow(TypeError);
    expect(() => socket.setBroadcast(wrong(undefined))).toThrow(TypeError);
    expect(() => socket.setMulticastInterface(wrong(1))).toThrow(TypeError);
    socket.close();
  });
});

describe("multicast over IPv6", () => {
  test("membership, outgoing interface and loopback work as over IPv4", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receiver = bindUdp({ host: "::" });
      receiver.addMembership("ff02::4242", "::%wire");
      const socket = bindUdp({ host: "::" });
      socket.setMulticastInterface("::%wire");
      socket.send("one", receiver.port, "ff02::4242");
      const { data, address } = receiver.receiveWait(5000);
      socket.setMulticastLoopback(false);
      socket.send("two", receiver.port, "ff02::4242");
      socket.setMulticastLoopback(true);
      socket.send("three", receiver.port, "ff02::4242");
      const after = String(receiver.receiveWait(5000).data);
      receiver.dropMembership("ff02::4242", "::%wire");
      socket.send("four", receiver.port, "ff02::4242");
      socket.send("five", receiver.port, "::1");
      console.log(JSON.stringify([String(data), address, after, String(receiver.receiveWait(5000).data), receiver.receive()]));`,
    );
    expect(result).toEqual(["one", "fe80::1%wire", "three", "five", null]);
  });

  test("a socket for both families joins groups of both", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receiver = bindUdp();
      receiver.addMembership("239.255.7.7", "10.9.0.1");
      receiver.addMembership("ff02::4242", "::%wire");
      const four = bindUdp({ host: "10.9.0.1" });
      four.setMulticastInterface("10.9.0.1");
      const six = bindUdp({ host: "::", ipv6Only: true });
      six.setMulticastInterface("::%wire");
      four.send("four", receiver.port, "239.255.7.7");
      six.send("six", receiver.port, "ff02::4242");
      console.log(JSON.stringify([1, 2].map(() => String(receiver.receiveWait(5000).data)).sort()));`,
    );
    expect(result).toEqual(["four", "six"]);
  });
});

describe("TTL", () => {
  test("setTtl and setMulticastTtl, IPv4", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const watcher = watch();
      const socket = bindUdp({ host: "0.0.0.0" });
      socket.setMulticastInterface("10.9.0.1");
      const ttlOf = (port, host) => {
        socket.send("x", port, host);
        return Number(watcher.waitFor(new RegExp("ttl (\\\\d+) to " + host.replaceAll(".", "\\\\.") + " port " + port + ";")));
      };
      const found = [ttlOf(7001, "127.0.0.1"), ttlOf(7001, "239.255.7.7")];
      socket.setTtl(7);
      socket.setMulticastTtl(9);
      found.push(ttlOf(7002, "127.0.0.1"), ttlOf(7002, "239.255.7.7"));
      socket.setTtl(255);
      socket.setMulticastTtl(255);
      found.push(ttlOf(7003, "127.0.0.1"), ttlOf(7003, "239.255.7.7"));
      console.log(JSON.stringify(found));`,
    );
    expect(result).toEqual([64, 1, 7, 9, 255, 255]);
  });

  test("setTtl and setMulticastTtl, IPv6", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const watcher = watch();
      const socket = bindUdp({ host: "::" });
      socket.setMulticastInterface("::%wire");
      const ttlOf = (port, host) => {
        socket.send("x", port, host);
        return Number(watcher.waitFor(new RegExp("ttl (\\\\d+) to " + host + " port " + port + ";")));
      };
      const found = [ttlOf(7001, "::1"), ttlOf(7001, "ff02::4242")];
      socket.setTtl(7);
      socket.setMulticastTtl(9);
      found.push(ttlOf(7002, "::1"), ttlOf(7002, "ff02::4242"));
      console.log(JSON.stringify(found));`,
    );
    expect(result).toEqual([64, 1, 7, 9]);
  });

  test("setMulticastTtl(0): datagrams stay on this machine", () => {
    const result = runInNamespace(
      ONE_NETWORK,
      `const receiver = bindUdp({ host: "0.0.0.0" });
      receiver.addMembership("239.255.7.7", "10.9.0.1");
      const watcher = watch();
      const socket = bindUdp({ host: "0.0.0.0" });
      socket.setMulticastInterface("10.9.0.1");
      socket.setMulticastTtl(0);
      socket.send("stays here", receiver.port, "239.255.7.7");
      const data = String(receiver.receiveWait(5000).data);
      socket.setMulticastTtl(1);
      socket.send("may go", 7001, "239.255.7.7");
      watcher.waitFor(/(to 239\\.255\\.7\\.7 port 7001);/);
      console.log(JSON.stringify([data, watcher.seen().includes("ttl 0 ")]));`,
    );
    expect(result).toEqual(["stays here", false]);
  });
});

test("without IPv6 the socket is for IPv4", () => {
  const result = runInNamespace(
    `${LOOPBACK_ONLY} && (sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 || echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6)`,
    `const socket = bindUdp();
    socket.send("still works", socket.port, "127.0.0.1");
    console.log(JSON.stringify(String(socket.receiveWait(5000).data)));`,
  );
  expect(result).toBe("still works");
});
