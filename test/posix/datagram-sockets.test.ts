/** Datagram sockets of src/posix. */

import {
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  createSocket,
  type InternetAddress,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLIN,
  POLLOUT,
  type PosixSocket,
  poll,
  SOCK_DGRAM,
} from "ringnet/posix";
import { describe, expect, test } from "vitest";
import { closedPort } from "../support/ports.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { failure, loopback, newSocket, receiveText, sendText } from "./support.js";

const udp = (family?: number): PosixSocket => newSocket(family, SOCK_DGRAM);
const portOf = (socket: PosixSocket): number => (socket.localAddress() as InternetAddress).port;

describe("datagram sockets", () => {
  test("are bound by the first use; a datagram has its sender's address", () => {
    const peer = startUdpPeer({ echo: true });
    const socket = udp();
    expect(socket.send([Buffer.from("pi"), Buffer.from("ng")], 0, loopback(peer.port))).toBe(4);
    const target = Buffer.alloc(10);
    expect(socket.receive([target])).toEqual({ length: 4, address: loopback(peer.port), truncated: false });
    expect(String(target.subarray(0, 4))).toBe("ping");
    expect(portOf(socket)).toBeGreaterThan(0);
  });

  test("connect: send needs no address, datagrams from others are dropped, AF_UNSPEC undoes it", () => {
    const peer = startUdpPeer({ echo: true });
    const socket = udp();
    expect(failure(() => sendText(socket, "x"))).toBe("EDESTADDRREQ");
    socket.connect(loopback(peer.port));
    const other = udp();
    other.send([Buffer.from("stranger")], 0, loopback(portOf(socket)));
    sendText(socket, "ping");
    expect(receiveText(socket, 10)).toBe("ping");
    expect(socket.send([Buffer.from("x")], 0, loopback(peer.port))).toBe(1);
    expect(failure(() => socket.send([Buffer.from("x")], 0, loopback(1)))).toBe("EISCONN");
    socket.connect({ family: AF_UNSPEC });
    expect(failure(() => socket.remoteAddress())).toBe("ENOTCONN");
  });

  test("a datagram longer than the buffers is truncated; MSG_TRUNC returns its length; MSG_PEEK keeps it", () => {
    const [one, two] = [udp(), udp()];
    two.bind(loopback(0));
    one.send([Buffer.from("0123456789")], 0, loopback(portOf(two)));
    expect(two.receive([Buffer.alloc(4)], MSG_PEEK | MSG_TRUNC)).toMatchObject({ length: 10, truncated: true });
    expect(two.readable).toBe(10);
    const targets = [Buffer.alloc(2), Buffer.alloc(3)];
    expect(two.receive(targets)).toMatchObject({ length: 5, truncated: true });
    expect(targets.join(" ")).toBe("01 234");
    expect(failure(() => receiveText(two, 10, MSG_DONTWAIT))).toBe("EAGAIN");
  });

  test("receives an empty datagram", () => {
    const [one, two] = [udp(), udp()];
    two.bind(loopback(0));
    one.send([Buffer.alloc(0)], 0, loopback(portOf(two)));
    expect(two.receive([Buffer.alloc(4)])).toMatchObject({ length: 0, address: { port: portOf(one) } });
  });

  test("a later call throws a refusal, which is POLLERR until then", () => {
    const socket = udp();
    socket.connect(loopback(closedPort()));
    sendText(socket, "x");
    const polled = { source: socket, events: POLLIN, found: 0 };
    expect(poll([polled], 10_000)).toBe(1);
    expect(polled.found).toBe(POLLIN | POLLERR);
    expect(failure(() => receiveText(socket, 1))).toBe("ECONNREFUSED");
    expect(failure(() => receiveText(socket, 1, MSG_DONTWAIT))).toBe("EAGAIN");
  });

  test("work over IPv6, and with IPv4-mapped addresses", () => {
    const server = udp(AF_INET6);
    server.bind({ family: AF_INET6, ip: "::", port: 0 });
    const [six, four] = [udp(AF_INET6), udp()];
    six.send([Buffer.from("6")], 0, { family: AF_INET6, ip: "::1", port: portOf(server) });
    expect(server.receive([Buffer.alloc(1)]).address).toMatchObject({ family: AF_INET6, ip: "::1" });
    four.send([Buffer.from("4")], 0, loopback(portOf(server)));
    const { address } = server.receive([Buffer.alloc(1)]);
    expect(address).toEqual({ family: AF_INET6, ip: "::ffff:127.0.0.1", port: portOf(four) });
    server.send([Buffer.from("back")], 0, address);
    expect(receiveText(four, 10)).toBe("back");
  });

  test("unsupported calls and addresses fail", () => {
    const socket = udp();
    expect(failure(() => socket.listen(1))).toBe("EOPNOTSUPP");
    expect(failure(() => socket.accept())).toBe("EOPNOTSUPP");
    expect(failure(() => socket.send([Buffer.alloc(70_000)], 0, loopback(9)))).toBe("EMSGSIZE");
    expect(failure(() => socket.send([Buffer.alloc(1)], 0, loopback(0)))).toBe("EINVAL");
    expect(failure(() => socket.connect({ family: AF_INET6, ip: "::1", port: 9 }))).toBe("EAFNOSUPPORT");
    expect(failure(() => createSocket(AF_UNIX, SOCK_DGRAM))).toBe("EPROTONOSUPPORT");
    const polled = { source: socket, events: POLLOUT, found: 0 };
    expect(poll([polled], 0)).toBe(1);
  });
});
