/**
 * `noDelay` and `keepAlive`, seen from outside: in the kernel's own table, and by the time that small writes take.
 */

import { readFileSync } from "node:fs";
import { connect, listen, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { median, timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";

const { key, cert } = new Authority("the authority").issue({ names: ["localhost"] });
const tls = { rejectUnauthorized: false };

/** The kind of timer that runs for a connection over 127.0.0.1, and the seconds until it expires: proc(5), /proc/net/tcp. */
function timerOf(socket: TcpSocket): { kind: number; seconds: number } {
  const port = (socket.localPort as number).toString(16).toUpperCase().padStart(4, "0");
  const remote = (socket.remotePort as number).toString(16).toUpperCase().padStart(4, "0");
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1)) {
    const [, local, peer, , , timer] = line.trim().split(/\s+/);
    if (!local?.endsWith(`:${port}`) || !peer?.endsWith(`:${remote}`)) continue;
    const [kind, ticks] = (timer as string).split(":");
    return { kind: Number.parseInt(kind as string, 16), seconds: Number.parseInt(ticks as string, 16) / 100 };
  }
  throw new Error("the kernel does not know this connection");
}

const KEEP_ALIVE_TIMER = 2;

function expectKeepAlive(socket: TcpSocket, seconds: number): void {
  waitFor("the timer", () => timerOf(socket).kind === KEEP_ALIVE_TIMER && timerOf(socket).seconds <= seconds);
  expect(timerOf(socket).seconds).toBeGreaterThan(seconds - 20);
}

describe("keep-alive", () => {
  test("is off by default", () => {
    const socket = openTo(startPeer("silent"));
    expect(timerOf(socket).kind).toBe(0);
    socket.close();
  });

  test.each([
    [60_000, 60],
    [300_000, 300],
  ])("keepAlive: %d sets the delay when connecting", (keepAlive, seconds) => {
    const socket = openTo(startPeer("silent"), { keepAlive });
    expectKeepAlive(socket, seconds);
    socket.close();
  });

  test("keepAlive sets the delay when connecting with TLS", () => {
    const socket = openTo(startPeer("silent", { tls: { key, cert } }), { keepAlive: 300_000, tls });
    expectKeepAlive(socket, 300);
    socket.close();
  });

  test("keepAlive: true takes the system's delay", () => {
    const socket = openTo(startPeer("silent"), { keepAlive: true });
    expectKeepAlive(socket, Number(readFileSync("/proc/sys/net/ipv4/tcp_keepalive_time", "latin1")));
    socket.close();
  });

  test("setKeepAlive turns it on, changes and turns it off", () => {
    const socket = openTo(startPeer("silent"));
    socket.setKeepAlive(true, 100_000);
    expectKeepAlive(socket, 100);
    socket.setKeepAlive(true, 50_000);
    expectKeepAlive(socket, 50);
    socket.setKeepAlive(false);
    waitFor("no timer", () => timerOf(socket).kind === 0);
    socket.setNoDelay(false); // does not turn it on again
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 70_000);
    socket.setNoDelay(false); // nor off
    expectKeepAlive(socket, 70);
    socket.close();
  });

  test("setKeepAlive applies before the connection is established", () => {
    const peer = startPeer("silent");
    const socket = connect({ host: peer.host, port: peer.port });
    socket.setKeepAlive(true, 100_000);
    expect(socket.waitUntilConnected(5000)).toBe("success");
    expectKeepAlive(socket, 100);
    socket.close();
  });

  test("applies to a server's clients", () => {
    const server = listen({ host: "127.0.0.1", keepAlive: true });
    startPeer("silent", { connect: server.port });
    const client = acceptFrom(server);
    expectKeepAlive(client, Number(readFileSync("/proc/sys/net/ipv4/tcp_keepalive_time", "latin1")));
    client.setKeepAlive(true, 100_000);
    expectKeepAlive(client, 100);
    client.close();
    server.close();
  });

  test("applies to a server's clients, with a delay", () => {
    const server = listen({ host: "127.0.0.1", keepAlive: 60_000 });
    startPeer("silent", { connect: server.port });
    const client = acceptFrom(server);
    expectKeepAlive(client, 60);
    client.close();
    server.close();
  });

  test("refuses what is not a delay, and a closed connection", () => {
    const socket = openTo(startPeer("silent"));
    for (const delay of [-1, 0.5, Number.NaN, 2 ** 40]) {
      expect(() => socket.setKeepAlive(true, delay)).toThrow(RangeError);
      expect(() => connect({ port: 1, keepAlive: delay })).toThrow(RangeError);
    }
    expect(() => socket.setKeepAlive("on" as never)).toThrow(TypeError);
    expect(() => socket.setNoDelay(1 as never)).toThrow(TypeError);
    expect(() => connect({ port: 1, noDelay: "no" as never })).toThrow(TypeError);
    socket.close();
    expect(errorOf(() => socket.setKeepAlive(true)).code).toBe("ERR_SOCKET_CLOSED");
    expect(errorOf(() => socket.setNoDelay(true)).code).toBe("ERR_SOCKET_CLOSED");
  });
});

describe("no delay", () => {
  /**
   * The median time of two small writes, the second after the first was sent, and the answer to both. With Nagle's algorithm the
   * second waits until the first is acknowledged, which the peer delays by 40 ms.
   */
  function writeWriteRead(socket: TcpSocket): number {
    const times = Array.from({ length: 25 }, () => {
      return timed(() => {
        socket.write("1234");
        socket.waitUntilDrained(1000);
        socket.write("5678");
        expect(String(socket.readExactly(6, 5000))).toBe("answer");
      }).milliseconds;
    });
    return median(times.slice(10)); // the first acknowledgements of a connection are not delayed
  }

  test("is on by default, and can be turned off and on", () => {
    const socket = openTo(startPeer("answer"));
    expect(writeWriteRead(socket)).toBeLessThan(20);
    socket.setNoDelay(false);
    expect(writeWriteRead(socket)).toBeGreaterThan(30);
    socket.setNoDelay();
    expect(writeWriteRead(socket)).toBeLessThan(20);
    socket.close();
  });

  test("with TLS it is on by default, and can be turned off when connecting", () => {
    const peer = startPeer("answer", { tls: { key, cert } });
    const quick = openTo(peer, { tls });
    expect(writeWriteRead(quick)).toBeLessThan(20);
    quick.close();
    const slow = openTo(peer, { tls, noDelay: false });
    expect(writeWriteRead(slow)).toBeGreaterThan(30);
    slow.close();
  });

  test("noDelay: false turns it off when connecting", () => {
    const socket = openTo(startPeer("answer"), { noDelay: false });
    expect(writeWriteRead(socket)).toBeGreaterThan(30);
    socket.close();
  });

  test("applies to a server's clients", () => {
    for (const noDelay of [undefined, true, false]) {
      const server = listen({ host: "127.0.0.1", noDelay });
      startPeer("answer", { connect: server.port });
      const client = acceptFrom(server);
      const milliseconds = writeWriteRead(client);
      if (noDelay === false) expect(milliseconds).toBeGreaterThan(30);
      else expect(milliseconds).toBeLessThan(20);
      client.close();
      server.close();
    }
  });
});
