/** Unmodified C programs that emscripten has built with emscripten.js and emscripten.c: both ends, and what they print. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { pause } from "../support/waiting.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { portOf, runGuest, startGuest } from "./support.js";

describe("a client", () => {
  test("looks up a name, connects, sends, half-closes, and reads to the end", () => {
    const { port } = startPeer("late", { bytes: 0, text: "hello" });
    expect(runGuest("client", "localhost", port)).toBe(`connected to port ${port}\nthe end\n`);
    const echo = startPeer("echo");
    expect(runGuest("client", "127.0.0.1", echo.port)).toBe(`connected to port ${echo.port}\nhello\nthe end\n`);
  });

  test("gets errors for a refusal, and for a name that does not exist", () => {
    expect(runGuest("client", "127.0.0.1", closedPort())).toContain("connect: Connection refused");
    expect(runGuest("client", "nobody.invalid", 80)).toBe("getaddrinfo fails\n");
  });

  test("connects without blocking", () => {
    expect(runGuest("nonblocking", startPeer("silent").port).split("\n")).toEqual([
      "connect: Operation in progress",
      "SO_ERROR: none",
      "recv: Resource temporarily unavailable",
      "SO_RCVTIMEO: 50000 us",
      "recv in its time: Resource temporarily unavailable",
      "",
    ]);
    expect(runGuest("nonblocking", closedPort())).toContain("SO_ERROR: Connection refused");
  });

  test("receives ten megabytes", () => {
    const { port } = startPeer("source", { bytes: 10e6 });
    expect(runGuest("sink", port)).toContain("10000000 bytes");
  });
});

describe("a server", () => {
  test("accepts and echoes lines, through the C library's streams", () => {
    const guest = startGuest("server");
    const socket = connect({ host: "127.0.0.1", port: portOf(guest), timeout: 5000 });
    for (const line of ["one", "two", "x".repeat(200)]) {
      socket.writeAll(`${line}\n`);
      expect(socket.readLine(5000)).toBe(line);
    }
    socket.end();
    expect(socket.readAll(5000).length).toBe(0);
    guest.waitForExit();
    expect(guest.output).toContain("from 127.0.0.1\ndone\n");
    socket.close();
  });

  test.each(["select", "poll"])("serves several clients at once with %s", (way) => {
    const guest = startGuest(way, 3);
    const port = portOf(guest);
    const sockets = [1, 2, 3].map(() => connect({ host: "127.0.0.1", port, timeout: 5000 }));
    for (let round = 0; round < 3; round++) {
      for (const [i, socket] of sockets.entries()) socket.writeAll(`${round} ${i}\n`);
      for (const [i, socket] of [...sockets.entries()].reverse()) expect(socket.readLine(5000)).toBe(`${round} ${i}`);
    }
    for (const socket of sockets) socket.close();
    guest.waitForExit();
    expect(guest.output).toContain("3 clients");
  });

  test("serves a WebAssembly client", () => {
    const guest = startGuest("server");
    expect(runGuest("client", "127.0.0.1", portOf(guest))).toContain("hello\nthe end\n");
    guest.waitForExit();
  });
});

describe("other calls", () => {
  test("exchanges datagrams: sendto, sendmsg, recvmsg, FIONREAD, MSG_PEEK", () => {
    expect(runGuest("datagrams", startUdpPeer({ echo: true }).port).split("\n")).toEqual([
      "one from the port: 1",
      "two, cut: 1",
      "FIONREAD: 5",
      "peek 5, receive 5",
      "nothing more: Resource temporarily unavailable",
      "select: 0",
      "",
    ]);
  });

  test("Unix domain sockets; copies of descriptors name one socket", () => {
    expect(runGuest("local", join(temporaryFolder(), "socket"))).toBe(
      "copy 40: 1, the end after the last: 0\nclosed: Bad file descriptor\n",
    );
  });

  test("mistakes return errno values", () => {
    expect(runGuest("errors", closedPort()).split("\n")).toEqual([
      "connect: Connection refused",
      "short address: Invalid argument",
      "send: Broken pipe",
      "recv: Socket not connected",
      "accept: Invalid argument",
      "getpeername: Socket not connected",
      "file: Not a socket",
      "no descriptor: Bad file descriptor",
      "family: Address family not supported by protocol",
      "protocol: Protocol not supported",
      "option: Protocol not available",
      "pointer: Bad address",
      "TCP_NODELAY: 1",
      "localhost: 127.0.0.1",
      "nobody.invalid: none",
      "poll: 2, POLLNVAL: 1",
      "",
    ]);
  });

  test("waits for standard input, a socket and a pipe together, without waking up meanwhile", () => {
    const peer = startPeer("manual");
    const guest = startGuest("input", peer.port);
    guest.waitForOutput(/waiting/);
    // Checking every 5 ms would make 200 in a second.
    expect(switchesWithin(1000, guest.pid)).toBeLessThan(50);
    peer.send({ do: "write", text: "first" });
    guest.waitForOutput(/socket: first/);
    guest.send("second");
    guest.waitForOutput(/stdin: second/);
    peer.send({ do: "write", text: "third" });
    guest.waitForOutput(/socket: third/);
    guest.endInput();
    guest.waitForOutput(/stdin: end/);
    peer.send({ do: "end" });
    guest.waitForOutput(/socket: end/);
    guest.waitForExit();
    expect(guest.output).toMatch(/socket: first.*stdin: second.*socket: third.*stdin: end.*socket: end\npipe: 1/s);
  });
});

/** How often the main thread of a process gives up the processor within `ms`. */
function switchesWithin(ms: number, pid: number): number {
  const count = () => {
    const status = readFileSync(`/proc/${pid}/task/${pid}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1]);
  };
  const before = count();
  pause(ms);
  return count() - before;
}
