/** `wasi:sockets/udp` and `ip-name-lookup`, called as a hostile or careless guest would. */

import { monotonicClock } from "ringnet/wasi/clocks";
import { poll } from "ringnet/wasi/io";
import {
  createSockets,
  type IpAddress,
  type IpSocketAddress,
  instanceNetwork,
  ipNameLookup,
  udpCreateSocket,
} from "ringnet/wasi/sockets";
import { describe, expect, test } from "vitest";
import { closedPort } from "../support/ports.js";
import { root } from "../support/processes.js";
import { runProgram } from "../support/programs.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { dropped, ipv4, ipv6, thrownBy } from "./support.js";

const net = instanceNetwork.instanceNetwork();
const [major = 0] = process.versions.node.split(".").map(Number);

function bound(address: IpSocketAddress = ipv4(0)) {
  const socket = udpCreateSocket.createUdpSocket(address.tag);
  socket.startBind(net, address);
  socket.finishBind();
  return socket;
}

/** Waits at most 10 s. */
function received(incoming: ReturnType<ReturnType<typeof bound>["stream"]>[0]): string[] {
  poll.poll([incoming.subscribe(), monotonicClock.subscribeDuration(10_000_000_000n)]);
  return incoming.receive(10n).map(({ data }) => Buffer.from(data).toString());
}

describe("states", () => {
  test("a socket that is not bound has no streams and no address", () => {
    const socket = udpCreateSocket.createUdpSocket("ipv4");
    expect(thrownBy(() => socket.finishBind())).toBe("not-in-progress");
    expect(thrownBy(() => socket.stream(undefined))).toBe("invalid-state");
    expect(thrownBy(() => socket.localAddress())).toBe("invalid-state");
    socket.startBind(net, ipv4(0));
    expect(thrownBy(() => socket.startBind(net, ipv4(0)))).toBe("concurrency-conflict");
    expect(thrownBy(() => socket.stream(undefined))).toBe("invalid-state");
    socket.finishBind();
    expect(thrownBy(() => socket.startBind(net, ipv4(0)))).toBe("invalid-state");
    expect(thrownBy(() => socket.remoteAddress())).toBe("invalid-state");
    dropped(socket);
    expect(thrownBy(() => socket.localAddress())).toBe("invalid-state");
  });

  test("wrong addresses are invalid arguments", () => {
    const socket = bound();
    for (const address of [ipv6(80), ipv4(0), { tag: "ipv4", val: { port: 80, address: [0, 0, 0, 0] } }] as const) {
      expect(thrownBy(() => socket.stream(address as IpSocketAddress))).toBe("invalid-argument");
    }
    const mapped = { tag: "ipv6", val: { ...ipv6(80).val, address: [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1] } };
    expect(thrownBy(() => bound(ipv6(0)).stream(mapped as IpSocketAddress))).toBe("invalid-argument");
    expect(thrownBy(() => bound(mapped as IpSocketAddress))).toBe("invalid-argument");
    expect(thrownBy(() => bound(socket.localAddress()))).toBe("address-in-use");
  });
});

describe("streams", () => {
  test("exchange datagrams with a peer, without a remote address and with one", () => {
    const peer = startUdpPeer({ echo: true });
    const socket = bound();
    const [incoming, outgoing] = socket.stream(undefined);
    expect(outgoing.checkSend()).toBeGreaterThan(1n);
    expect(outgoing.send([{ data: Buffer.from("one"), remoteAddress: ipv4(peer.port) }])).toBe(1n);
    expect(received(incoming)).toEqual(["one"]);
    const [next, connected] = socket.stream(ipv4(peer.port));
    expect(socket.remoteAddress()).toEqual(ipv4(peer.port));
    connected.checkSend();
    expect(connected.send([{ data: Buffer.from("two") }])).toBe(1n);
    expect(received(next)).toEqual(["two"]);
    expect(thrownBy(() => incoming.receive(1n))).toBe("invalid-state"); // its pair is superseded
    expect(thrownBy(() => outgoing.checkSend())).toBe("invalid-state");
    dropped(socket);
    connected.checkSend();
    expect(connected.send([{ data: Buffer.from("three"), remoteAddress: ipv4(peer.port) }])).toBe(1n);
    expect(received(next)).toEqual(["three"]);
  });

  test("drop datagrams that others sent before the socket was connected", () => {
    const [peer, other] = [startUdpPeer(), startUdpPeer()];
    const socket = bound();
    const { port } = socket.localAddress().val;
    other.send({ do: "send", port, host: "127.0.0.1", text: "other" });
    const [early] = socket.stream(undefined);
    early.subscribe().block();
    const [incoming] = socket.stream(ipv4(peer.port));
    expect(incoming.receive(10n)).toEqual([]);
    peer.send({ do: "send", port, host: "127.0.0.1", text: "peer" });
    expect(received(incoming)).toEqual(["peer"]);
  });

  test("keep what was received before the socket was connected to the same peer", () => {
    const peer = startUdpPeer();
    const socket = bound();
    peer.send({ do: "send", port: socket.localAddress().val.port, host: "127.0.0.1", text: "early" });
    const [early] = socket.stream(undefined);
    early.subscribe().block();
    const [incoming] = socket.stream(ipv4(peer.port));
    expect(received(incoming)).toEqual(["early"]);
  });

  test("return what has arrived before they report a failure", () => {
    const peer = startUdpPeer();
    const socket = bound();
    const [incoming, outgoing] = socket.stream(ipv4(peer.port));
    peer.send({ do: "send", port: socket.localAddress().val.port, host: "127.0.0.1", text: "last words" });
    incoming.subscribe().block();
    peer.send({ do: "close" });
    peer.waitForEvent("closed");
    outgoing.checkSend();
    outgoing.send([{ data: Buffer.from("x") }]);
    monotonicClock.subscribeDuration(200_000_000n).block(); // until the refusal is here
    expect(received(incoming)).toEqual(["last words"]);
    expect(thrownBy(() => received(incoming))).toBe("connection-refused");
  });

  test("report to the sender alone that one of many peers can't be reached", () => {
    const peer = startUdpPeer();
    const socket = bound();
    const [incoming, outgoing] = socket.stream(undefined);
    const forbidden: IpSocketAddress = { tag: "ipv4", val: { port: 9, address: [255, 255, 255, 255] } };
    const send = (remoteAddress: IpSocketAddress) => {
      outgoing.checkSend();
      return outgoing.send([{ data: Buffer.from("x"), remoteAddress }]);
    };
    send(forbidden);
    const pause = monotonicClock.subscribeDuration(200_000_000n);
    expect([...poll.poll([incoming.subscribe(), pause])]).toEqual([1]);
    peer.send({ do: "send", port: socket.localAddress().val.port, host: "127.0.0.1", text: "hello" });
    expect(received(incoming)).toEqual(["hello"]);
    expect(thrownBy(() => send(ipv4(peer.port)))).toMatch(/access-denied|remote-unreachable|invalid-argument/);
    expect(send(ipv4(peer.port))).toBe(1n);
    expect(peer.waitForEvent("message").text).toBe("x");
  });

  test("refuse wrong datagrams, and trap beyond check-send", () => {
    const [, outgoing] = bound().stream(undefined);
    const attempt = (...datagrams: Parameters<typeof outgoing.send>[0]) => {
      outgoing.checkSend();
      return thrownBy(() => outgoing.send(datagrams));
    };
    const data = Buffer.from("x");
    expect(thrownBy(() => outgoing.send([{ data, remoteAddress: ipv4(9) }]))).toMatchObject({ name: "RuntimeError" });
    expect(attempt({ data })).toBe("invalid-argument");
    expect(attempt({ data, remoteAddress: ipv6(9) })).toBe("invalid-argument");
    expect(attempt({ data, remoteAddress: ipv4(0) })).toBe("invalid-argument");
    expect(attempt({ data: new Uint8Array(65_508), remoteAddress: ipv4(9) })).toBe("datagram-too-large");
    outgoing.checkSend();
    expect(outgoing.send([{ data, remoteAddress: ipv4(closedPort()) }, { data }])).toBe(1n);
    outgoing.checkSend();
    expect(outgoing.send([])).toBe(0n);
    expect(thrownBy(() => outgoing.send([]))).toMatchObject({ name: "RuntimeError" }); // check-send allows one call
  });

  test("report the refusal of a datagram", () => {
    const [incoming, outgoing] = bound().stream(ipv4(closedPort()));
    outgoing.checkSend();
    outgoing.send([{ data: Buffer.from("x"), remoteAddress: undefined }]);
    expect(thrownBy(() => received(incoming))).toBe("connection-refused");
    expect(incoming.receive(1n)).toEqual([]);
  });
});

describe("ip-name-lookup", () => {
  function lookUp(name: string): IpAddress[] {
    const stream = ipNameLookup.resolveAddresses(net, name);
    const found: IpAddress[] = [];
    for (;;) {
      try {
        const address = stream.resolveNextAddress();
        if (address === undefined) return found;
        found.push(address);
      } catch (error) {
        if (error !== "would-block") throw error;
        poll.poll([stream.subscribe(), monotonicClock.subscribeDuration(10_000_000_000n)]);
      }
    }
  }

  test("returns addresses of names and literals", () => {
    expect(lookUp("127.0.0.1")).toEqual([{ tag: "ipv4", val: [127, 0, 0, 1] }]);
    expect(lookUp("[::1]")).toEqual([{ tag: "ipv6", val: [0, 0, 0, 0, 0, 0, 0, 1] }]);
    expect(lookUp("DEAD:BEEF::1.2.3.4")).toEqual([{ tag: "ipv6", val: [0xdead, 0xbeef, 0, 0, 0, 0, 0x102, 0x304] }]);
    expect(lookUp("::ffff:1.2.3.4")).toEqual([]); // IPv4 mapped into IPv6 is never returned
    expect(lookUp("localhost").length).toBeGreaterThan(0);
  });

  test("refuses invalid names, and reports names that do not exist", () => {
    for (const name of [
      "",
      " ",
      "a.b<&>",
      "127.0.0.1:80",
      "[127.0.0.1]",
      "[::]:80",
      "http://example.com/",
      "a\0b",
      "x".repeat(300),
    ]) {
      expect(thrownBy(() => lookUp(name))).toBe("invalid-argument");
    }
    expect(["name-unresolvable", "temporary-resolver-failure"]).toContain(
      thrownBy(() => lookUp("no-such-name.invalid")),
    );
    const closed = createSockets({ enableNetwork: false }).instanceNetwork.instanceNetwork();
    expect(thrownBy(() => ipNameLookup.resolveAddresses(closed, "localhost"))).toBe("permanent-resolver-failure");
    const stream = ipNameLookup.resolveAddresses(net, "localhost");
    dropped(stream);
    expect(thrownBy(() => stream.resolveNextAddress())).toBe("invalid-state");
  });
});

test.runIf(major >= 25)("what Node's --permission denies fails with the codes for that", () => {
  const program = `import { instanceNetwork, ipNameLookup, tcpCreateSocket, udpCreateSocket } from "ringnet/wasi/sockets";
    const net = instanceNetwork.instanceNetwork();
    const here = { tag: "ipv4", val: { port: 0, address: [127, 0, 0, 1] } };
    const code = (call) => { try { call(); return "allowed"; } catch (error) { return String(error); } };
    console.log(JSON.stringify([
      code(() => tcpCreateSocket.createTcpSocket("ipv4").startBind(net, here)),
      code(() => udpCreateSocket.createUdpSocket("ipv4").startBind(net, here)),
      code(() => {
        const stream = ipNameLookup.resolveAddresses(net, "localhost");
        stream.subscribe().block();
        stream.resolveNextAddress();
      }),
    ]));`;
  const nodeArgs = ["--permission", "--allow-worker", `--allow-fs-read=${root}`];
  const { output, errors } = runProgram(program, { nodeArgs });
  if (output === "") throw new Error(errors);
  expect(JSON.parse(output)).toEqual(["access-denied", "access-denied", "permanent-resolver-failure"]);
});
