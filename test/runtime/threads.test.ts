/**
 * Several networking threads, and several runtimes.
 */

import { readdirSync, readFileSync } from "node:fs";
import { connect, createRuntime, Poller, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { sendDatagrams } from "../poll/handles.js";
import { startPeer } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf } from "../tcp/sockets.js";

/** How many threads of this process have used CPU time since `before`, a result of `cpuTimes`. */
function busyThreads(before: Map<string, number>): number {
  let busy = 0;
  for (const [thread, time] of cpuTimes()) if (time - (before.get(thread) ?? 0) > 5) busy++;
  return busy;
}

/** Clock ticks that each thread of this process has used. */
function cpuTimes(): Map<string, number> {
  const threads = readdirSync("/proc/self/task");
  return new Map(threads.map((thread) => [thread, ticksOf(`/proc/self/task/${thread}/stat`)]));
}

function ticksOf(path: string): number {
  const stat = readFileSync(path, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Reads from all the sockets until `threads` threads have used CPU time. */
function expectBusyThreads(threads: number, sockets: TcpSocket[]): void {
  const poller = new Poller();
  for (const socket of sockets) poller.add(socket);
  const target = Buffer.alloc(65_536);
  const before = cpuTimes();
  for (const end = performance.now() + 15_000; poller.size > 0 && performance.now() < end; ) {
    for (let round = 0; round < 1000; round++) {
      for (const socket of poller.wait(10) as TcpSocket[]) {
        if (socket.readInto(target) === null) poller.delete(socket);
      }
    }
    if (busyThreads(before) >= threads) return;
  }
  expect(busyThreads(before)).toBeGreaterThanOrEqual(threads);
}

describe("several networking threads", () => {
  test("one poller in one blocking thread watches connections of all of them", () => {
    using runtime = createRuntime({ threads: 3 });
    const peer = startPeer("echo");
    const sockets = Array.from({ length: 12 }, () =>
      runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 }),
    );
    const poller = new Poller();
    for (const socket of sockets) poller.add(socket);
    for (let round = 0; round < 20; round++) {
      const left = new Set(sockets);
      for (const [index, socket] of sockets.entries()) socket.writeAll(`${round} ${index}\n`);
      while (left.size > 0) {
        const ready = poller.wait(5000) as TcpSocket[];
        expect(ready.length).toBeGreaterThan(0);
        for (const socket of ready) {
          expect(socket.readLine(5000)).toBe(`${round} ${sockets.indexOf(socket)}`);
          left.delete(socket);
        }
      }
    }
  });

  test("share the work", () => {
    using runtime = createRuntime({ threads: 2, receiveBuffer: 65_536 });
    const peer = startPeer("source", { bytes: 200_000_000, hash: false });
    const sockets = Array.from({ length: 4 }, () =>
      runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 }),
    );
    expectBusyThreads(3, sockets); // this thread and two networking threads
    for (const socket of sockets) socket.reset();
  });

  test("a server, its clients, UDP sockets and addresses work on any of them", () => {
    using runtime = createRuntime({ threads: 4 });
    for (let round = 0; round < 4; round++) {
      const server = runtime.listen({ host: "127.0.0.1" });
      const client = runtime.connect({ host: runtime.resolve("localhost"), port: server.port });
      const accepted = acceptFrom(server);
      expect(client.waitUntilConnected(5000)).toBe("success");
      accepted.writeAll("to the client\n");
      client.writeAll("to the server\n");
      expect(client.readLine(5000)).toBe("to the client");
      expect(accepted.readLine(5000)).toBe("to the server");
      const udp = runtime.bindUdp({ host: "127.0.0.1" });
      sendDatagrams(udp.port, "x");
      expect(String(udp.receiveWait(5000).data)).toBe("x");
      const address = runtime.resolve("localhost");
      const socket = runtime.connect({ host: address, port: server.port, timeout: 5000 });
      expect(address.waitUntilResolved(5000)).toBe("success");
      socket.close();
    }
  });

  test("servers are spread over them, with their clients", () => {
    using runtime = createRuntime({ threads: 2, receiveBuffer: 65_536 });
    const servers = [runtime.listen({ host: "127.0.0.1" }), runtime.listen({ host: "127.0.0.1" })];
    const sockets = servers.flatMap((server) => {
      startPeer("source", { connect: server.port, connections: 2, bytes: 200_000_000, hash: false });
      return [acceptFrom(server), acceptFrom(server)];
    });
    expectBusyThreads(3, sockets);
    for (const socket of sockets) socket.reset();
  });
});

describe("several runtimes", () => {
  test("are independent: closing one leaves the others alone", () => {
    const peer = startPeer("echo");
    const target = { host: peer.host, port: peer.port, timeout: 5000 };
    const standard = connect(target);
    const [first, second] = [createRuntime(), createRuntime()];
    const [one, two] = [first.connect(target), second.connect(target)];
    const poller = new Poller().add(standard).add(one).add(two);
    first.close();
    expect(errorOf(() => one.read()).code).toBe("ERR_RUNTIME_CLOSED");
    for (const socket of [standard, two]) {
      socket.writeAll("still here\n");
      expect(socket.readLine(5000)).toBe("still here");
    }
    two.writeAll("x");
    waitFor("the second's echo", () => poller.wait(100).includes(two));
    expect(two.readable).toBe(1);
    second.close();
    standard.writeAll("and here\n");
    expect(standard.readLine(5000)).toBe("and here");
    standard.close();
  });

  test("have the functions of the package root", () => {
    using runtime = createRuntime();
    const server = runtime.listen({ host: "127.0.0.1" });
    const client = runtime.connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    expect(acceptFrom(server).remotePort).toBe(client.localPort);
    expect(runtime.resolve("localhost").waitUntilResolved(5000)).toBe("success");
    expect(runtime.localAddresses().some(({ ip }) => ip === "127.0.0.1")).toBe(true);
    expect(runtime.bindUdp({ host: "127.0.0.1" }).port).toBeGreaterThan(0);
  });

  test("an address of one runtime can be the host of another's connections", () => {
    using first = createRuntime();
    using second = createRuntime({ threads: 2 });
    const peer = startPeer("greeter", { text: "hello" });
    const address = first.resolve("localhost");
    const socket = second.connect({ host: address, port: peer.port }); // still waiting
    expect(String(socket.readExactly(5, 5000))).toBe("hello");
    expect(address.waitUntilResolved(5000)).toBe("success");
    const other = second.connect({ host: address, port: peer.port, timeout: 5000 });
    expect(String(other.readExactly(5, 5000))).toBe("hello");
  });
});
