/** `wasi:sockets/tcp` called as a hostile or careless guest would: errors are codes of the WIT. */

import { bindUdp, connect } from "ringnet";
import { monotonicClock } from "ringnet/wasi/clocks";
import { poll } from "ringnet/wasi/io";
import {
  createSockets,
  type IpSocketAddress,
  instanceNetwork,
  network,
  tcp,
  tcpCreateSocket,
} from "ringnet/wasi/sockets";
import { describe, expect, test } from "vitest";
import { queuedClients } from "../support/kernel.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { waitFor } from "../support/waiting.js";
import { dropped, ipv4, ipv6, thrownBy } from "./support.js";

const LIMIT = 10_000_000_000n;
const net = instanceNetwork.instanceNetwork();
const { TcpSocket } = tcp;
type Socket = InstanceType<typeof TcpSocket>;

function newSocket(family: "ipv4" | "ipv6" = "ipv4"): Socket {
  return tcpCreateSocket.createTcpSocket(family);
}

/** Calls `finish` until it no longer throws `would-block`; polls the socket in between, for at most 10 s. */
function awaited<T>(socket: Socket, finish: () => T): T {
  const limit = monotonicClock.subscribeDuration(LIMIT);
  for (;;) {
    try {
      return finish();
    } catch (error) {
      if (error !== "would-block" || limit.ready()) throw error;
      poll.poll([socket.subscribe(), limit]);
    }
  }
}

function connected(address: IpSocketAddress) {
  const socket = newSocket(address.tag);
  socket.startConnect(net, address);
  const [input, output] = awaited(socket, () => socket.finishConnect());
  return { socket, input, output };
}

function listening(address = ipv4(0)): Socket {
  const socket = newSocket(address.tag);
  socket.startBind(net, address);
  socket.finishBind();
  socket.startListen();
  socket.finishListen();
  return socket;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe("states", () => {
  test("start-listen resets a client that has connected since start-bind; accept never returns it", () => {
    const server = newSocket();
    server.startBind(net, ipv4(0));
    server.finishBind();
    const { port } = server.localAddress().val;
    const early = startPeer("sink", { connect: port });
    early.waitForEvent("connection");
    waitFor("the networking thread to accept the client", () => queuedClients(port) === 0);
    bindUdp().close(); // the thread has handled what it has accepted before
    server.startListen();
    server.finishListen();
    early.waitForEvent("error");
    expect(thrownBy(() => server.accept())).toBe("would-block");
    dropped(server);
  });

  test("an unbound socket can neither listen, accept nor be shut down, and has no address", () => {
    const socket = newSocket();
    for (const finish of [() => socket.finishBind(), () => socket.finishConnect(), () => socket.finishListen()]) {
      expect(thrownBy(finish)).toBe("not-in-progress");
    }
    for (const call of [
      () => socket.startListen(),
      () => socket.accept(),
      () => socket.shutdown("both"),
      () => socket.localAddress(),
      () => socket.remoteAddress(),
    ]) {
      expect(thrownBy(call)).toBe("invalid-state");
    }
    expect(socket.isListening()).toBe(false);
    expect(socket.subscribe().ready()).toBe(true);
  });

  test("while an operation is in progress, others conflict with it", () => {
    const socket = newSocket();
    socket.startBind(net, ipv4(0));
    expect(thrownBy(() => socket.localAddress())).toBe("invalid-state");
    expect(thrownBy(() => socket.startBind(net, ipv4(0)))).toBe("concurrency-conflict");
    expect(thrownBy(() => socket.startConnect(net, ipv4(80)))).toBe("concurrency-conflict");
    socket.finishBind();
    expect(thrownBy(() => socket.startBind(net, ipv4(0)))).toBe("invalid-state");
    socket.startListen();
    expect(thrownBy(() => socket.startListen())).toBe("concurrency-conflict");
    expect(thrownBy(() => socket.accept())).toBe("concurrency-conflict");
    socket.finishListen();
    expect(socket.isListening()).toBe(true);
    expect(thrownBy(() => socket.accept())).toBe("would-block");
    expect(thrownBy(() => socket.startConnect(net, ipv4(80)))).toBe("invalid-state");
    expect(socket.subscribe().ready()).toBe(false);
  });

  test("a failed connection closes the socket", () => {
    const socket = newSocket();
    socket.startConnect(net, ipv4(closedPort()));
    expect(thrownBy(() => awaited(socket, () => socket.finishConnect()))).toBe("connection-refused");
    expect(thrownBy(() => socket.finishConnect())).toBe("not-in-progress");
    expect(thrownBy(() => socket.startConnect(net, ipv4(80)))).toBe("invalid-state");
  });

  test("a connection that is not answered blocks nothing, and can be dropped", () => {
    const socket = newSocket();
    socket.startConnect(net, ipv4(startUnanswering().port));
    expect(thrownBy(() => socket.finishConnect())).toBe("would-block");
    expect(thrownBy(() => socket.startConnect(net, ipv4(80)))).toBe("concurrency-conflict");
    const timer = monotonicClock.subscribeDuration(20_000_000n);
    const pollable = socket.subscribe();
    expect([...poll.poll([pollable, timer])]).toEqual([1]);
    dropped(socket);
    expect(pollable.ready()).toBe(true);
    expect(thrownBy(() => socket.finishConnect())).toBe("not-in-progress");
  });
});

describe("addresses", () => {
  test("the wrong family, IPv4 mapped into IPv6, multicast and the unspecified address are invalid arguments", () => {
    const port = closedPort();
    const mapped = { tag: "ipv6", val: { ...ipv6(port).val, address: [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1] } };
    const multicast = { tag: "ipv4", val: { port, address: [224, 0, 0, 1] } };
    const broadcast = { tag: "ipv4", val: { port, address: [255, 255, 255, 255] } };
    const group = { tag: "ipv6", val: { ...ipv6(port).val, address: [0xff02, 0, 0, 0, 0, 0, 0, 1] } };
    const nowhere = { tag: "ipv4", val: { port, address: [0, 0, 0, 0] } };
    const four = newSocket();
    const six = newSocket("ipv6");
    for (const address of [ipv6(port), multicast, broadcast, nowhere, ipv4(0)] as IpSocketAddress[]) {
      expect(thrownBy(() => four.startConnect(net, address))).toBe("invalid-argument");
    }
    for (const address of [ipv4(port), mapped, group] as IpSocketAddress[]) {
      expect(thrownBy(() => six.startConnect(net, address))).toBe("invalid-argument");
      expect(thrownBy(() => six.startBind(net, address))).toBe("invalid-argument");
    }
  });

  test("a bound address is in use, and an address of another host can't be bound", () => {
    const first = listening();
    const second = newSocket();
    expect(thrownBy(() => second.startBind(net, first.localAddress()))).toBe("address-in-use");
    const foreign: IpSocketAddress = { tag: "ipv4", val: { port: 0, address: [192, 0, 2, 1] } };
    expect(thrownBy(() => second.startBind(net, foreign))).toBe("address-not-bindable");
    second.startBind(net, ipv4(0)); // a failed bind may be repeated
    second.finishBind();
  });

  test("a bound socket connects from its port, over IPv6 too", () => {
    for (const address of [ipv4(0), ipv6(0)]) {
      const server = listening(address);
      const client = newSocket(address.tag);
      client.startBind(net, address);
      client.finishBind();
      const bound = client.localAddress();
      client.startConnect(net, server.localAddress());
      expect(client.localAddress()).toEqual(bound);
      awaited(client, () => client.finishConnect());
      const [accepted] = awaited(server, () => server.accept());
      expect(accepted.remoteAddress()).toEqual(bound);
      expect(client.remoteAddress()).toEqual(server.localAddress());
    }
  });
});

describe("networks", () => {
  test("without permission, and objects of other classes, deny access", () => {
    const closed = createSockets({ enableNetwork: false }).instanceNetwork.instanceNetwork();
    for (const denied of [closed, new network.Network(), {}, undefined] as never[]) {
      expect(thrownBy(() => newSocket().startBind(denied, ipv4(0)))).toBe("access-denied");
      expect(thrownBy(() => newSocket().startConnect(denied, ipv4(80)))).toBe("access-denied");
    }
  });

  test("a socket stays with the network that it was bound to", () => {
    const socket = newSocket();
    socket.startBind(net, ipv4(0));
    socket.finishBind();
    const other = createSockets().instanceNetwork.instanceNetwork();
    expect(thrownBy(() => socket.startConnect(other, ipv4(80)))).toBe("invalid-argument");
  });
});

describe("options", () => {
  test("0 is an invalid argument, everything else is kept or clamped", () => {
    const socket = newSocket();
    for (const call of [
      () => socket.setListenBacklogSize(0n),
      () => socket.setKeepAliveIdleTime(0n),
      () => socket.setKeepAliveInterval(0n),
      () => socket.setKeepAliveCount(0),
      () => socket.setHopLimit(0),
      () => socket.setReceiveBufferSize(0n),
      () => socket.setSendBufferSize(0n),
    ]) {
      expect(thrownBy(call)).toBe("invalid-argument");
    }
    const most = 2n ** 64n - 1n;
    socket.setListenBacklogSize(most);
    socket.setKeepAliveIdleTime(1n);
    expect(socket.keepAliveIdleTime()).toBe(1_000_000_000n);
    socket.setKeepAliveIdleTime(most);
    expect(socket.keepAliveIdleTime()).toBe(32767_000_000_000n);
    socket.setKeepAliveInterval(42_000_000_000n);
    expect(socket.keepAliveInterval()).toBe(42_000_000_000n);
    socket.setSendBufferSize(most);
    expect(socket.sendBufferSize()).toBeGreaterThan(0n);
  });

  test("accepted sockets inherit them", () => {
    const server = listening();
    server.setKeepAliveEnabled(true);
    server.setHopLimit(42);
    const client = connected(server.localAddress());
    const [accepted] = awaited(server, () => server.accept());
    server.setHopLimit(43);
    expect([accepted.keepAliveEnabled(), accepted.hopLimit()]).toEqual([true, 42]);
    expect(thrownBy(() => client.socket.setListenBacklogSize(1n))).toBe("invalid-state");
  });
});

describe("streams", () => {
  test("reading goes on after this side has ended", () => {
    const peer = startPeer("sink", { reply: "heard you" });
    const { socket, input, output } = connected(ipv4(peer.port));
    output.blockingWriteAndFlush(Buffer.from("hello"));
    socket.shutdown("send");
    socket.shutdown("send"); // idempotent
    expect(thrownBy(() => output.checkWrite())).toEqual({ tag: "closed" });
    expect(thrownBy(() => output.flush())).toEqual({ tag: "closed" });
    expect(text(input.blockingRead(100n))).toBe("heard you");
    expect(thrownBy(() => input.blockingRead(100n))).toEqual({ tag: "closed" });
    expect(thrownBy(() => input.read(0n))).toEqual({ tag: "closed" });
    expect(peer.waitForEvent("end").bytes).toBe(5);
  });

  test("writing goes on after the peer has ended", () => {
    const peer = startPeer("halfClosed", { text: "bye" });
    const { socket, input, output } = connected(ipv4(peer.port));
    expect(text(input.blockingRead(100n))).toBe("bye");
    expect(thrownBy(() => input.blockingRead(100n))).toEqual({ tag: "closed" });
    expect(output.checkWrite()).toBeGreaterThan(0n);
    output.write(Buffer.from("still here"));
    socket.shutdown("both");
    expect(peer.waitForEvent("end").bytes).toBe(10);
  });

  test("shutdown for receiving discards what has arrived", () => {
    const { socket, input } = connected(ipv4(startPeer("greeter").port));
    input.subscribe().block();
    socket.shutdown("receive");
    expect(thrownBy(() => input.read(10n))).toEqual({ tag: "closed" });
    expect(input.subscribe().ready()).toBe(true);
  });

  test("a reset is the failure of the last operation once, then the stream is closed", () => {
    const peer = startPeer("manual");
    const { input, output } = connected(ipv4(peer.port));
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    const failure = thrownBy(() => input.blockingRead(1n)) as { tag: string; val: never };
    expect(failure.tag).toBe("last-operation-failed");
    expect(network.networkErrorCode(failure.val)).toBe("connection-reset");
    expect((failure.val as Error & { toDebugString(): string }).toDebugString()).toMatch(/ECONNRESET/);
    expect(thrownBy(() => input.read(1n))).toEqual({ tag: "closed" });
    expect(thrownBy(() => output.checkWrite())).toMatchObject({ tag: "last-operation-failed" });
    expect(thrownBy(() => output.checkWrite())).toEqual({ tag: "closed" });
  });

  test("a failed write does not keep a reader waiting: the failure follows the bytes that have arrived", () => {
    const peer = startPeer("manual");
    const { input, output } = connected(ipv4(peer.port));
    peer.waitForEvent("connection");
    // Until this side reads, its buffer is full, and the networking thread does not notice the end.
    const bytes = connect({ host: peer.host, port: peer.port }).options.receiveBuffer;
    peer.send({ do: "write", connection: 0, bytes });
    monotonicClock.subscribeDuration(300_000_000n).block();
    peer.send({ do: "reset", connection: 0 });
    const failure = thrownBy(() => {
      for (;;) output.blockingWriteAndFlush(new Uint8Array(4096));
    });
    expect(failure).toMatchObject({ tag: "last-operation-failed" });
    const [pollable, limit] = [input.subscribe(), monotonicClock.subscribeDuration(LIMIT)];
    const end = thrownBy(() => {
      for (;;) {
        expect([...poll.poll([pollable, limit])]).toEqual([0]);
        input.read(BigInt(bytes));
      }
    });
    expect(end).toMatchObject({ tag: "last-operation-failed" });
  });

  test("blocking-flush waits until there is room again, and allows nothing", () => {
    const peer = startPeer("manual", { paused: true });
    const { output } = connected(ipv4(peer.port));
    peer.waitForEvent("connection");
    const pollable = output.subscribe();
    const pause = () => monotonicClock.subscribeDuration(200_000_000n);
    while (poll.poll([pollable, pause()])[0] === 0) output.writeZeroes(output.checkWrite());
    expect(output.checkWrite()).toBe(0n);
    peer.send({ do: "resume", delay: 100 });
    output.blockingFlush();
    expect(pollable.ready()).toBe(true);
    expect(thrownBy(() => output.write(Buffer.from("x")))).toBeInstanceOf(trapClass());
    expect(output.checkWrite()).toBeGreaterThan(0n);
  });

  test("a value that is no list of bytes is an error of the caller, not a failure of the stream", () => {
    const { output } = connected(ipv4(startPeer("sink").port));
    output.checkWrite();
    expect(thrownBy(() => output.write({ length: 1 } as Uint8Array))).toBeInstanceOf(TypeError);
    expect(output.checkWrite()).toBeGreaterThan(0n);
  });

  test("check-write allows nothing while the peer does not read, and writing beyond it traps", () => {
    const peer = startPeer("manual", { paused: true });
    const { output } = connected(ipv4(peer.port));
    expect(thrownBy(() => output.write(Buffer.from("x")))).toBeInstanceOf(trapClass());
    let sent = 0n;
    const timer = monotonicClock.subscribeDuration(300_000_000n);
    const pollable = output.subscribe();
    while (!(poll.poll([pollable, timer]).length === 1 && timer.ready())) {
      const permit = output.checkWrite();
      output.writeZeroes(permit);
      sent += permit;
    }
    expect(output.checkWrite()).toBe(0n);
    expect(pollable.ready()).toBe(false);
    expect(thrownBy(() => output.blockingWriteAndFlush(new Uint8Array(4097)))).toBeInstanceOf(trapClass());
    peer.send({ do: "resume" });
    pollable.block();
    expect(output.checkWrite()).toBeGreaterThan(0n);
    dropped(output);
    expect(sent).toBeGreaterThan(1_000_000n);
  });

  test("splice moves what has arrived", () => {
    const from = connected(ipv4(startPeer("greeter", { text: "through" }).port));
    const sink = startPeer("sink");
    const to = connected(ipv4(sink.port));
    expect(to.output.blockingSplice(from.input, 4n)).toBe(4n);
    expect(to.output.splice(from.input, 100n)).toBe(3n);
    expect(to.output.splice(from.input, 100n)).toBe(0n);
    to.socket.shutdown("send");
    expect(sink.waitForEvent("end").bytes).toBe(7);
  });

  test("the connection ends when its last handle is dropped, after the bytes written", () => {
    const peer = startPeer("sink");
    const { socket, input, output } = connected(ipv4(peer.port));
    dropped(socket);
    expect(thrownBy(() => socket.remoteAddress())).toBe("invalid-state");
    dropped(input);
    expect(thrownBy(() => input.read(1n))).toEqual({ tag: "closed" });
    expect(output.checkWrite()).toBeGreaterThan(99_999n);
    output.write(new Uint8Array(100_000));
    const pollable = output.subscribe();
    dropped(output);
    dropped(output); // as no guest can
    expect(pollable.ready()).toBe(true);
    expect(peer.waitForEvent("end").bytes).toBe(100_000);
  });
});

/** Traps are JavaScript errors: jco lets them through to the caller of the guest. */
function trapClass(): ErrorConstructor {
  return (globalThis as unknown as { WebAssembly: { RuntimeError: ErrorConstructor } }).WebAssembly.RuntimeError;
}

test("poll traps without pollables, and does not report a timer before its time", () => {
  expect(thrownBy(() => poll.poll([]))).toBeInstanceOf(trapClass());
  const start = monotonicClock.now();
  const [soon, late] = [20_000_000n, 3_600_000_000_000n].map((ns) => monotonicClock.subscribeDuration(ns));
  expect([...poll.poll([late, soon] as never)]).toEqual([1]);
  expect(monotonicClock.now() - start).toBeGreaterThanOrEqual(20_000_000n);
  expect(monotonicClock.subscribeInstant(0n).ready()).toBe(true);
  expect(monotonicClock.subscribeDuration(2n ** 64n - 1n).ready()).toBe(false);
});
