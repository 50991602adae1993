/** Stream sockets of src/posix: what the system's calls do, the package's do too. */

import { join } from "node:path";
import { bindUdp } from "ringnet";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  type PosixSocket,
  poll,
  SHUT_RD,
  SHUT_WR,
} from "ringnet/posix";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { queuedClients } from "../support/kernel.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { waitFor } from "../support/waiting.js";
import {
  closedLater,
  connectedPair,
  failure,
  loopback,
  loopback6,
  newSocket,
  receiveText,
  sendText,
  unix,
} from "./support.js";

const until = (socket: PosixSocket, events: number): number => {
  const polled = { source: socket, events, found: 0 };
  poll([polled], 10_000);
  return polled.found;
};

/** A client of a peer in another process. */
function clientOf(port: number): PosixSocket {
  const socket = newSocket();
  socket.connect(loopback(port));
  return socket;
}

describe("connect", () => {
  test("blocks until connected; bytes go both ways", () => {
    const peer = startPeer("echo");
    const socket = clientOf(peer.port);
    expect(sendText(socket, "hello")).toBe(5);
    expect(receiveText(socket, 5, MSG_WAITALL)).toBe("hello");
    expect(socket.remoteAddress()).toEqual(loopback(peer.port));
    expect(socket.localAddress()).toMatchObject({ ip: "127.0.0.1", port: expect.any(Number) });
    expect(failure(() => socket.connect(loopback(peer.port)))).toBe("EISCONN");
  });

  test("fails with the system's error, and can be repeated", () => {
    const socket = newSocket();
    expect(failure(() => socket.connect(loopback(closedPort())))).toBe("ECONNREFUSED");
    expect(socket.takeError()).toBeNull();
    socket.connect(loopback(startPeer("echo").port));
    sendText(socket, "again");
    expect(receiveText(socket, 5, MSG_WAITALL)).toBe("again");
  });

  test("non-blocking: EINPROGRESS, then writable, then 0 once and EISCONN", () => {
    const { port } = startPeer("echo");
    const socket = newSocket();
    socket.nonBlocking = true;
    expect(failure(() => socket.connect(loopback(port)))).toBe("EINPROGRESS");
    expect(until(socket, POLLOUT)).toBe(POLLOUT);
    expect(socket.takeError()).toBeNull();
    expect(failure(() => socket.connect(loopback(port)))).toBeNull();
    expect(failure(() => socket.connect(loopback(port)))).toBe("EISCONN");
  });

  test("non-blocking: a refusal is POLLERR and SO_ERROR, once", () => {
    const socket = newSocket();
    socket.nonBlocking = true;
    expect(failure(() => socket.connect(loopback(closedPort())))).toBe("EINPROGRESS");
    expect(until(socket, POLLOUT) & (POLLERR | POLLOUT | POLLHUP)).toBe(POLLERR | POLLOUT | POLLHUP);
    expect(socket.takeError()).toBe("ECONNREFUSED");
    expect(socket.takeError()).toBeNull();
  });

  test("refuses an address of another family; AF_UNSPEC disconnects", () => {
    const socket = newSocket();
    expect(failure(() => socket.connect(loopback6(1)))).toBe("EAFNOSUPPORT");
    socket.connect(loopback(startPeer("echo").port));
    socket.connect({ family: AF_UNSPEC });
    expect(failure(() => socket.remoteAddress())).toBe("ENOTCONN");
  });

  test("connects from the address and port of bind", () => {
    const peer = startPeer("silent");
    const socket = newSocket();
    socket.bind({ family: AF_INET, ip: "127.0.0.2", port: 0 });
    const { port } = socket.localAddress() as { port: number };
    socket.connect(loopback(peer.port));
    expect(peer.waitForEvent("connection")).toMatchObject({ remoteAddress: "127.0.0.2", remotePort: port });
  });
});

describe.each([
  ["IPv4", AF_INET, () => loopback(0)],
  ["IPv6", AF_INET6, () => loopback6(0)],
  ["Unix", AF_UNIX, () => unix(join(temporaryFolder(), "socket"))],
])("servers, %s", (_name, family, address) => {
  test("bind, listen, accept, both ways, both ends", () => {
    const [server, client, accepted] = connectedPair(family, address());
    expect(server.listening).toBe(true);
    expect(accepted.localAddress()).toEqual(server.localAddress());
    if (family !== AF_UNIX) expect(accepted.remoteAddress()).toEqual(client.localAddress());
    sendText(client, "question");
    expect(receiveText(accepted, 8, MSG_WAITALL)).toBe("question");
    sendText(accepted, "answer");
    accepted.shutdown(SHUT_WR);
    expect(receiveText(client, 100, MSG_WAITALL)).toBe("answer");
    expect(receiveText(client, 100)).toBe("");
    expect(failure(() => sendText(accepted, "more"))).toBe("EPIPE");
    sendText(client, "still");
    expect(receiveText(accepted, 5, MSG_WAITALL)).toBe("still");
  });
});

describe("bind", () => {
  test("assigns a port for port 0 immediately, and refuses a port in use", () => {
    const socket = newSocket();
    socket.bind(loopback(0));
    const { port } = socket.localAddress() as { port: number };
    expect(port).toBeGreaterThan(0);
    expect(failure(() => socket.bind(loopback(0)))).toBe("EINVAL");
    const { port: taken } = startPeer("echo");
    expect(failure(() => newSocket().bind(loopback(taken)))).toBe("EADDRINUSE");
    expect(failure(() => newSocket().bind({ family: AF_INET, ip: "192.0.2.1", port: 0 }))).toBe("EADDRNOTAVAIL");
  });

  test("a client that connects before listen is reset, and accept never returns it", () => {
    const server = newSocket();
    server.bind(loopback(0));
    const { port } = server.localAddress() as { port: number };
    const early = startPeer("sink", { connect: port });
    early.waitForEvent("connection");
    expect(server.readiness() & POLLIN).toBe(0);
    waitFor("the networking thread to accept the client", () => queuedClients(port) === 0);
    bindUdp().close(); // the thread has handled what it has accepted before
    server.listen(5);
    early.waitForEvent("error");
    server.nonBlocking = true;
    expect(failure(() => server.accept())).toBe("EAGAIN");
    server.nonBlocking = false;
    startPeer("echo", { connect: port });
    const accepted = closedLater(server.accept());
    sendText(accepted, "late");
    expect(receiveText(accepted, 4, MSG_WAITALL)).toBe("late");
  });

  test("calls that need another state fail", () => {
    const socket = newSocket();
    expect(failure(() => socket.accept())).toBe("EINVAL");
    expect(failure(() => receiveText(socket, 1))).toBe("ENOTCONN");
    expect(failure(() => sendText(socket, "x"))).toBe("EPIPE");
    expect(failure(() => socket.shutdown(SHUT_WR))).toBe("ENOTCONN");
    socket.listen(1);
    expect(failure(() => socket.connect(loopback(1)))).toBe("EISCONN");
  });
});

describe("receive", () => {
  test("times out with EAGAIN, and does not wait with O_NONBLOCK or MSG_DONTWAIT", () => {
    const socket = clientOf(startPeer("silent").port);
    socket.receiveTimeout = 50;
    const start = performance.now();
    expect(failure(() => receiveText(socket, 1))).toBe("EAGAIN");
    expect(performance.now() - start).toBeGreaterThan(45);
    socket.receiveTimeout = 0;
    expect(failure(() => receiveText(socket, 1, MSG_DONTWAIT))).toBe("EAGAIN");
    socket.nonBlocking = true;
    expect(failure(() => receiveText(socket, 1))).toBe("EAGAIN");
  });

  test("MSG_PEEK keeps what it returns, also if fewer bytes have arrived than requested", () => {
    const socket = clientOf(startPeer("echo").port);
    sendText(socket, "abcdef");
    expect(receiveText(socket, 6, MSG_PEEK | MSG_WAITALL)).toBe("abcdef");
    expect(receiveText(socket, 2, MSG_PEEK)).toBe("ab");
    expect(socket.readable).toBe(6);
    expect(until(socket, POLLIN)).toBe(POLLIN);
    expect(receiveText(socket, 3)).toBe("abc");
    expect(receiveText(socket, 100, MSG_PEEK)).toBe("def");
    expect(receiveText(socket, 100)).toBe("def");
    expect(failure(() => receiveText(socket, 1, MSG_PEEK | MSG_DONTWAIT))).toBe("EAGAIN");
  });

  test("MSG_WAITALL fills the buffers one after the other; returns less only at the end", () => {
    const socket = clientOf(startPeer("drip", { text: "0123456789", piece: 1, interval: 5 }).port);
    const targets = [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(4)];
    expect(socket.receive(targets, MSG_WAITALL).length).toBe(7);
    expect(targets.join("|")).toBe("012||3456");
  });

  test("MSG_TRUNC drops bytes without copying them", () => {
    const socket = clientOf(startPeer("echo").port);
    sendText(socket, "dropped kept");
    const target = Buffer.alloc(8);
    expect(socket.receive([target], MSG_TRUNC | MSG_WAITALL).length).toBe(8);
    expect(target).toEqual(Buffer.alloc(8));
    expect(receiveText(socket, 4, MSG_WAITALL)).toBe("kept");
  });

  test("a reset is ECONNRESET once, then the end; sending is EPIPE", () => {
    const peer = startPeer("manual");
    const socket = clientOf(peer.port);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    expect(until(socket, POLLIN) & (POLLERR | POLLHUP)).toBe(POLLERR | POLLHUP);
    expect(failure(() => receiveText(socket, 1))).toBe("ECONNRESET");
    expect(receiveText(socket, 1)).toBe("");
    expect(failure(() => sendText(socket, "x"))).toBe("EPIPE");
  });

  test("returns the end after SHUT_RD", () => {
    const socket = clientOf(startPeer("silent").port);
    socket.shutdown(SHUT_RD);
    expect(receiveText(socket, 1)).toBe("");
    expect(until(socket, POLLIN | POLLRDHUP)).toBe(POLLIN | POLLRDHUP);
  });
});

describe("send", () => {
  test("to a peer that does not read: sends a part within SO_SNDTIMEO, and the rest when there is room", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = clientOf(peer.port);
    peer.waitForEvent("connection");
    const bytes = Buffer.alloc(64e6, "x");
    socket.sendTimeout = 300;
    const sent = socket.send([bytes.subarray(0, 100), bytes.subarray(100)]);
    expect(sent).toBeGreaterThan(1e6);
    expect(sent).toBeLessThan(bytes.length);
    peer.send({ do: "resume" });
    expect(until(socket, POLLOUT)).toBe(POLLOUT);
    socket.sendTimeout = 20_000;
    expect(socket.send([bytes.subarray(sent)])).toBe(bytes.length - sent);
    socket.shutdown(SHUT_WR);
    expect(peer.waitForEvent("end").bytes).toBe(bytes.length);
  });
});
