/** setsockopt and getsockopt of src/posix. */

import {
  AF_UNIX,
  getOption,
  IPPROTO_IP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_DONTWAIT,
  type PosixSocket,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  setOption,
} from "ringnet/posix";
import { describe, expect, test } from "vitest";
import { closedPort } from "../support/ports.js";
import { failure, loopback, newSocket, receiveText } from "./support.js";

const int = (...values: number[]): Buffer => Buffer.from(new Int32Array(values).buffer);
const get = (socket: PosixSocket, level: number, name: number, room = 4): number[] => [
  ...new Int32Array(getOption(socket, level, name, room, () => 111).slice().buffer),
];
const [REUSEADDR, TYPE, ERROR, KEEPALIVE, LINGER, RCVTIMEO, SNDTIMEO, ACCEPTCONN, PROTOCOL] = [
  2, 3, 4, 9, 13, 20, 21, 30, 38,
];
const NODELAY = 1;
const KEEPIDLE = 4;

describe("options", () => {
  test("getsockopt returns what setsockopt has set; flags are 0 or 1", () => {
    const socket = newSocket();
    for (const [level, name] of [
      [SOL_SOCKET, REUSEADDR],
      [SOL_SOCKET, KEEPALIVE],
      [IPPROTO_TCP, NODELAY],
    ] as const) {
      expect(get(socket, level, name)).toEqual([0]);
      setOption(socket, level, name, int(17));
      expect(get(socket, level, name)).toEqual([1]);
    }
    setOption(socket, SOL_SOCKET, LINGER, int(5, 3));
    expect(get(socket, SOL_SOCKET, LINGER, 8)).toEqual([1, 3]);
  });

  test("SO_TYPE, SO_PROTOCOL and SO_ACCEPTCONN describe the socket", () => {
    const [tcp, udp] = [newSocket(), newSocket(undefined, SOCK_DGRAM)];
    expect([tcp, udp].map((socket) => get(socket, SOL_SOCKET, TYPE)[0])).toEqual([SOCK_STREAM, SOCK_DGRAM]);
    expect([tcp, udp].map((socket) => get(socket, SOL_SOCKET, PROTOCOL)[0])).toEqual([IPPROTO_TCP, IPPROTO_UDP]);
    expect(get(tcp, SOL_SOCKET, ACCEPTCONN)).toEqual([0]);
    tcp.bind(loopback(0));
    tcp.listen(1);
    expect(get(tcp, SOL_SOCKET, ACCEPTCONN)).toEqual([1]);
  });

  test("SO_ERROR returns the number of a pending error, once", () => {
    const socket = newSocket();
    socket.nonBlocking = true;
    expect(failure(() => socket.connect(loopback(closedPort())))).toBe("EINPROGRESS");
    socket.nonBlocking = false;
    expect(failure(() => receiveText(socket, 1))).toBe("ECONNREFUSED");
    expect(get(socket, SOL_SOCKET, ERROR)).toEqual([0]);
  });

  test.each([
    ["32", int(1, 250_000), 8],
    ["64", int(1, 0, 250_000, 0), 16],
  ])("times with %s bits", (_bits, value, room) => {
    const socket = newSocket();
    setOption(socket, SOL_SOCKET, RCVTIMEO, value);
    setOption(socket, SOL_SOCKET, SNDTIMEO, value);
    expect([socket.receiveTimeout, socket.sendTimeout]).toEqual([1250, 1250]);
    expect(Buffer.from(getOption(socket, SOL_SOCKET, RCVTIMEO, room, () => 0))).toEqual(value);
  });

  test("refuses unknown options and options of other protocols with ENOPROTOOPT, wrong values with EINVAL", () => {
    const socket = newSocket();
    expect(failure(() => setOption(socket, SOL_SOCKET, 999, int(1)))).toBe("ENOPROTOOPT");
    expect(failure(() => setOption(socket, 999, 1, int(1)))).toBe("ENOPROTOOPT");
    expect(failure(() => setOption(newSocket(AF_UNIX), IPPROTO_TCP, NODELAY, int(1)))).toBe("ENOPROTOOPT");
    expect(failure(() => setOption(newSocket(undefined, SOCK_DGRAM), IPPROTO_TCP, NODELAY, int(1)))).toBe(
      "ENOPROTOOPT",
    );
    expect(failure(() => setOption(socket, SOL_SOCKET, REUSEADDR, Buffer.alloc(3)))).toBe("EINVAL");
    expect(failure(() => setOption(socket, IPPROTO_TCP, KEEPIDLE, int(0)))).toBe("EINVAL");
    expect(failure(() => setOption(socket, SOL_SOCKET, RCVTIMEO, int(0, 1e6)))).toBe("EDOM");
    expect(failure(() => setOption(socket, IPPROTO_IP, 2, int(300)))).toBe("EINVAL");
  });

  test("multicast: a member receives what is sent to the group", () => {
    const [member, sender] = [newSocket(undefined, SOCK_DGRAM), newSocket(undefined, SOCK_DGRAM)];
    setOption(member, SOL_SOCKET, REUSEADDR, int(1));
    member.bind({ ...loopback(0), ip: "0.0.0.0" });
    const [group, own] = [Buffer.from([239, 255, 7, 7]), Buffer.from([127, 0, 0, 1])];
    setOption(member, IPPROTO_IP, 35, Buffer.concat([group, own]));
    setOption(sender, IPPROTO_IP, 32, own);
    const { port } = member.localAddress() as { port: number };
    sender.send([Buffer.from("all")], 0, { ...loopback(port), ip: "239.255.7.7" });
    expect(receiveText(member, 10)).toBe("all");
    setOption(member, IPPROTO_IP, 36, Buffer.concat([group, own]));
    sender.send([Buffer.from("none")], 0, { ...loopback(port), ip: "239.255.7.7" });
    expect(failure(() => receiveText(member, 10, MSG_DONTWAIT))).toBe("EAGAIN");
  });
});
