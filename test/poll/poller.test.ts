/**
 * `Poller`: everything that can be watched, together; what is reported, how often, and when a wait ends.
 */

import { inspect } from "node:util";
import { bindUdp, connect, type Handle, listen, Poller, poll, resolve, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { median, pause, timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";
import { namesOf, sendDatagrams } from "./handles.js";

/** What a poller's thread writes into shared memory before it sleeps. */
const ANYTHING = -1;

test("a socket, a server, a UDP socket and an address in one poller, each reported for its own news", () => {
  const peer = startPeer("manual");
  const socket = openTo(peer);
  const server = listen({ host: "127.0.0.1" });
  const udp = bindUdp({ host: "127.0.0.1" });
  const address = resolve("localhost");
  const handles = { socket, server, udp, address };
  const poller = new Poller();
  for (const handle of Object.values(handles)) poller.add(handle);
  expect(poller.size).toBe(4);

  expect(namesOf(poller.wait(5000), handles)).toEqual(["address"]);
  expect(address.status).toBe("success");
  expect(poller.wait(50)).toEqual([]);

  peer.send({ do: "write", text: "x" });
  expect(namesOf(poller.wait(5000), handles)).toEqual(["socket"]);
  expect(String(socket.read())).toBe("x");
  expect(poller.wait(50)).toEqual([]);

  startPeer("silent", { connect: server.port });
  expect(namesOf(poller.wait(5000), handles)).toEqual(["server"]);
  acceptFrom(server).close();
  expect(poller.wait(50)).toEqual([]);

  sendDatagrams(udp.port, "a datagram");
  expect(namesOf(poller.wait(5000), handles)).toEqual(["udp"]);
  expect(String(udp.receive()?.data)).toBe("a datagram");
  expect(poller.wait(50)).toEqual([]);

  // All at once.
  sendDatagrams(udp.port, "another");
  startPeer("silent", { connect: server.port });
  peer.send({ do: "write", text: "y" });
  waitFor("three that are ready", () => poller.wait(0).length === 3);
  expect(namesOf(poller.wait(-1), handles)).toEqual(["server", "socket", "udp"]);
  for (const handle of Object.values(handles)) handle.close();
});

describe("what is not consumed is reported again", () => {
  test("bytes of a socket", () => {
    const peer = startPeer("greeter", { text: "0123456789" });
    const socket = openTo(peer);
    const poller = new Poller().add(socket);
    waitFor("the greeting", () => socket.readable === 10);
    for (let left = 10; left > 0; left--) {
      expect(poller.wait(0)).toEqual([socket]);
      expect(poller.wait(-1)).toEqual([socket]);
      expect(socket.read(1)).toHaveLength(1);
    }
    expect(poller.wait(0)).toEqual([]);
    expect(poller.wait(50)).toEqual([]);
    socket.close();
  });

  test("clients of a server", () => {
    const server = listen({ host: "127.0.0.1" });
    const poller = new Poller().add(server);
    startPeer("silent", { connect: server.port, connections: 3 }).waitForEvent("connection", 5000, 3);
    for (let left = 3; left > 0; left--) {
      expect(poller.wait(5000)).toEqual([server]);
      expect(poller.wait(0)).toEqual([server]);
      acceptFrom(server).close();
    }
    expect(poller.wait(50)).toEqual([]);
    server.close();
  });

  test("datagrams", () => {
    const udp = bindUdp({ host: "127.0.0.1" });
    const poller = new Poller().add(udp);
    sendDatagrams(udp.port, "one", "", "three");
    for (const text of ["one", "", "three"]) {
      expect(poller.wait(5000)).toEqual([udp]);
      expect(poller.wait(0)).toEqual([udp]);
      expect(String(udp.receive()?.data)).toBe(text);
    }
    expect(poller.wait(50)).toEqual([]);
    udp.close();
  });

  test("the end of a stream, until a call returned it", () => {
    const peer = startPeer("halfClosed", { text: "bye" });
    const socket = openTo(peer);
    const poller = new Poller().add(socket);
    waitFor("the text", () => socket.readable === 3);
    expect(String(socket.read())).toBe("bye");
    for (let i = 0; i < 3; i++) expect(poller.wait(5000)).toEqual([socket]);
    expect(socket.read()).toBeNull();
    expect(poller.wait(50)).toEqual([]);
    socket.close();
  });

  test("a failure and an end stay reported, whatever getters are read", () => {
    const look = (socket: TcpSocket): void => {
      for (let i = 0; i < 3; i++) {
        expect(socket.status).toMatch(/success|failure/);
        expect(socket.error?.code ?? "ECONNRESET").toBe("ECONNRESET");
        expect(socket.readable + socket.pendingWrites).toBe(0);
        expect(inspect(socket, { showHidden: true, getters: true })).toContain("TcpSocket");
        expect(socket.state).toMatchObject({ connecting: false, readable: 0 });
      }
    };
    const [ending, failing] = [startPeer("manual"), startPeer("manual")];
    const [ended, failed] = [openTo(ending), openTo(failing)];
    ending.waitForEvent("connection");
    ending.send({ do: "end" });
    failing.waitForEvent("connection");
    failing.send({ do: "reset" });
    const poller = new Poller().add(ended).add(failed);
    waitFor("both", () => poller.wait(1000).length === 2);
    look(ended);
    look(failed);
    expect(new Set(poller.wait(0))).toEqual(new Set([ended, failed]));
    expect(ended.state).toMatchObject({ open: true, readEnded: true, writeEnded: false, failed: false });
    expect(failed.state).toMatchObject({ open: false, failed: true, writable: 0 });
    expect(ended.read()).toBeNull();
    expect(errorOf(() => failed.read()).code).toBe("ECONNRESET");
    expect(poller.wait(50)).toEqual([]);
    ended.close();
    failed.close();
    expect(failed.state).toMatchObject({ connecting: false, open: false, failed: true, readable: 0, writable: 0 });
  });

  test("a failure, until a call threw it", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    const poller = new Poller().add(socket);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    for (let i = 0; i < 3; i++) expect(poller.wait(5000)).toEqual([socket]);
    expect(errorOf(() => socket.read()).code).toBe("ECONNRESET");
    expect(poller.wait(50)).toEqual([]);
    socket.close();
  });
});

describe("a failure that one direction has taken", () => {
  const failed = (): { socket: TcpSocket; readers: Poller; writers: Poller } => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    const readers = new Poller().add(socket);
    const writers = new Poller().add(socket, { writable: true });
    waitFor("the failure", () => socket.state.failed);
    return { socket, readers, writers };
  };

  test.each<[string, (socket: TcpSocket) => void]>([
    ["write", (socket) => socket.write("x")],
    ["claim", (socket) => socket.claim()],
    ["writeAll", (socket) => socket.writeAll("x", 1000)],
    ["waitUntilWritable", (socket) => socket.waitUntilWritable(1000)],
  ])("is still reported to readers after %s has thrown it", (_, call) => {
    const { socket, readers, writers } = failed();
    expect(writers.wait(5000)).toEqual([socket]);
    expect(errorOf(() => call(socket)).code).toBe("ECONNRESET");
    expect(writers.wait(50)).toEqual([]);
    for (let i = 0; i < 3; i++) {
      expect(readers.wait(5000)).toEqual([socket]);
      expect(poll([socket])).toEqual([socket]);
    }
    expect(errorOf(() => socket.read()).code).toBe("ECONNRESET");
    expect(readers.wait(50)).toEqual([]);
    expect(poll([socket])).toEqual([]);
    socket.close();
  });

  test.each<[string, (socket: TcpSocket) => void]>([
    ["read", (socket) => socket.read()],
    ["peek", (socket) => socket.peek()],
    ["readLine", (socket) => socket.readLine(1000)],
  ])("is still reported to writers after %s has thrown it", (_, call) => {
    const { socket, readers, writers } = failed();
    expect(readers.wait(5000)).toEqual([socket]);
    expect(errorOf(() => call(socket)).code).toBe("ECONNRESET");
    expect(readers.wait(50)).toEqual([]);
    for (let i = 0; i < 3; i++) expect(writers.wait(5000)).toEqual([socket]);
    expect(errorOf(() => socket.write("x")).code).toBe("ECONNRESET");
    expect(writers.wait(50)).toEqual([]);
    socket.close();
  });

  test("reaches a reader that has still bytes to read when a write throws it", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer, { receiveBuffer: 4096 });
    const poller = new Poller().add(socket);
    peer.waitForEvent("connection");
    peer.send({ do: "write", bytes: 20_000 });
    waitFor("a full ring", () => socket.readable === 4096);
    peer.send({ do: "reset" });
    const thrown = errorOf(() => {
      for (let i = 0; i < 1000; i++) {
        socket.write("x");
        pause(5);
      }
    });
    let bytes = 0;
    const error = errorOf(() => {
      for (;;) {
        expect(poller.wait(10_000)).toEqual([socket]);
        bytes += socket.read()?.length ?? Number.NaN;
      }
    });
    expect(bytes).toBeGreaterThanOrEqual(4096);
    expect(error.message).toBe(thrown.message);
    expect(poller.wait(50)).toEqual([]);
    socket.close();
  });
});

describe("a status that changes", () => {
  test("a connection that is established is reported once", () => {
    const peer = startPeer("manual");
    const socket = connect({ host: peer.host, port: peer.port });
    const poller = new Poller().add(socket);
    expect(poller.wait(5000)).toEqual([socket]);
    expect(poller.wait(50)).toEqual([]);
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("a connection that is established while the wait falls asleep is reported", () => {
    const peer = startPeer("manual");
    const socket = connect({ host: peer.host, port: peer.port });
    const poller = new Poller().add(socket);
    const { store } = Atomics;
    try {
      Atomics.store = ((words: Int32Array, index: number, value: number) => {
        const stored = store(words, index, value);
        if (value !== ANYTHING) return stored;
        Atomics.store = store;
        waitFor("the connection", () => socket.status === "success");
        return stored;
      }) as typeof store;
      expect(poller.wait(5000)).toEqual([socket]);
    } finally {
      Atomics.store = store;
    }
    socket.close();
  });

  test("a connection that fails is reported until a call has thrown it", () => {
    const stuck = startUnanswering();
    const socket = connect({ host: stuck.host, port: stuck.port });
    const poller = new Poller().add(socket);
    expect(poller.wait(50)).toEqual([]);
    stuck.release();
    expect(poller.wait(20_000)).toEqual([socket]);
    expect(poller.wait(0)).toEqual([socket]);
    expect(socket.status).toBe("failure");
    expect(poller.wait(0)).toEqual([socket]);
    errorOf(() => socket.read());
    expect(poller.wait(50)).toEqual([]);
    socket.close();
  });

  test("a resolved address, and one that fails", () => {
    for (const [name, status] of [
      ["localhost", "success"],
      ["no such name", "failure"],
    ] as const) {
      const address = resolve(name);
      const poller = new Poller().add(address);
      expect(poller.wait(20_000)).toEqual([address]);
      expect(address.status).toBe(status);
      expect(poller.wait(0)).toEqual([]);
      address.close();
    }
  });

  test("an address is reported even if the program read its status first", () => {
    let late = 0;
    for (let attempt = 0; attempt < 200 && late < 5; attempt++) {
      const address = resolve("localhost");
      const poller = new Poller().add(address);
      if (poller.wait(0).length > 0) continue; // it was resolved before it could be watched
      late++;
      waitFor("the address", () => address.status === "success");
      expect(poller.wait(5000)).toEqual([address]);
      expect(poller.wait(10)).toEqual([]);
    }
    expect(late).toBe(5);
  });

  test("an IP literal is not reported", () => {
    expect(new Poller().add(resolve("127.0.0.1")).wait(50)).toEqual([]);
  });
});

describe("the set", () => {
  test("adding twice equals adding once", () => {
    const socket = openTo(startPeer("greeter"));
    const poller = new Poller().add(socket).add(socket);
    expect(poller.size).toBe(1);
    expect(poller.has(socket)).toBe(true);
    expect(poller.wait(5000)).toEqual([socket]);
    expect(poller.delete(socket)).toBe(true);
    expect(poller.delete(socket)).toBe(false);
    expect(poller.has(socket)).toBe(false);
    expect(poller.size).toBe(0);
    socket.close();
  });

  test("a removed handle is not reported; one that is added again is, immediately", () => {
    const socket = openTo(startPeer("greeter"));
    const poller = new Poller().add(socket);
    expect(poller.wait(5000)).toEqual([socket]);
    poller.delete(socket);
    expect(poller.wait(50)).toEqual([]);
    poller.add(socket);
    expect(poller.wait(0)).toEqual([socket]);
    poller.delete(socket);
    poller.add(socket);
    expect(poller.wait(0)).toEqual([socket]);
    expect(poller.wait(0)).toEqual([socket]);
    socket.close();
  });

  test("a handle that was ready before it was added is reported immediately", () => {
    const socket = openTo(startPeer("greeter"));
    const server = listen({ host: "127.0.0.1" });
    startPeer("silent", { connect: server.port });
    expect(socket.waitUntilReadable(5000)).toBe(true);
    expect(server.waitUntilAcceptable(5000)).toBe(true);
    const handles = { socket, server };
    expect(namesOf(new Poller().add(socket).add(server).wait(0), handles)).toEqual(["server", "socket"]);
    socket.close();
    server.close();
  });

  test("one socket in two pollers", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    const [first, second] = [new Poller().add(socket), new Poller().add(socket)];
    expect(first.wait(0)).toEqual([]);
    expect(second.wait(0)).toEqual([]);
    peer.send({ do: "write", text: "x" });
    expect(first.wait(5000)).toEqual([socket]);
    expect(second.wait(0)).toEqual([socket]);
    first.delete(socket);
    expect(second.wait(0)).toEqual([socket]);
    socket.close();
    expect(second.wait(0)).toEqual([socket]);
    expect(first.wait(0)).toEqual([]);
  });

  test("a program may add, delete and close while it iterates over the ready handles", () => {
    const peer = startPeer("greeter", { text: "x" });
    const sockets = Array.from({ length: 6 }, () => openTo(peer));
    const poller = new Poller();
    for (const socket of sockets) poller.add(socket);
    waitFor("all of them", () => poller.wait(0).length === 6);
    const [taken, closed, ...others] = [...poller.wait(0)] as TcpSocket[];
    const reported: Handle[] = [];
    let added: Handle | null = null;
    for (const handle of poller.wait(0)) {
      reported.push(handle);
      if (reported.length > 1) continue;
      poller.delete(taken as Handle);
      closed?.close();
      added = openTo(peer);
      poller.add(added);
    }
    expect(new Set(reported)).toEqual(new Set(sockets)); // the list stays as it was
    waitFor("the new one", () => poller.wait(0).includes(added as Handle));
    expect(new Set(poller.wait(0))).toEqual(new Set([...others, added]));
    for (const socket of sockets) socket.close();
  });

  test("refuses what is not a handle", () => {
    for (const nothing of [null, undefined, 1, {}, "socket", []]) {
      expect(() => new Poller().add(nothing as never)).toThrow(TypeError);
    }
  });
});

describe("closing", () => {
  test("a handle of each kind is reported once as closed, and no longer watched", () => {
    const peer = startPeer("manual");
    const handles = {
      socket: openTo(peer),
      waiting: connect({ host: "127.0.0.1", port: startUnanswering().port }),
      server: listen({ host: "127.0.0.1" }),
      udp: bindUdp({ host: "127.0.0.1" }),
      address: resolve("localhost"),
      literal: resolve("127.0.0.1"),
    };
    handles.address.waitUntilResolved(5000);
    const poller = new Poller();
    for (const handle of Object.values(handles)) poller.add(handle);
    waitFor("nothing to report", () => poller.wait(20).length === 0);
    for (const handle of Object.values(handles)) handle.close();
    expect(namesOf(poller.wait(0), handles)).toEqual(Object.keys(handles).sort());
    for (const handle of Object.values(handles)) {
      expect(handle.closed).toBe(true);
      expect(poller.has(handle)).toBe(false);
    }
    expect(poller.size).toBe(0);
    expect(poller.wait(100)).toEqual([]);
  });

  test("a handle that is ready when it is closed is reported once, as closed", () => {
    const socket = openTo(startPeer("greeter"));
    const poller = new Poller().add(socket);
    expect(poller.wait(5000)).toEqual([socket]);
    socket.close();
    expect(poller.wait(5000)).toEqual([socket]);
    expect(poller.wait(50)).toEqual([]);
  });

  test("a handle that was closed before it was added is reported once", () => {
    const socket = openTo(startPeer("manual"));
    socket.close();
    const poller = new Poller().add(socket);
    expect(poller.wait(0)).toEqual([socket]);
    expect(poller.wait(0)).toEqual([]);
    expect(poller.size).toBe(0);
  });

  test("a removed handle is not reported as closed", () => {
    const socket = openTo(startPeer("manual"));
    const poller = new Poller().add(socket);
    poller.delete(socket);
    socket.close();
    expect(poller.wait(50)).toEqual([]);
    const other = openTo(startPeer("manual"));
    poller.add(other);
    other.close();
    poller.delete(other);
    expect(poller.wait(50)).toEqual([]);
  });

  test("a new handle in the slot of a closed one is not mistaken for it", () => {
    const peer = startPeer("echo");
    const poller = new Poller();
    for (let round = 0; round < 10; round++) {
      const sockets = Array.from({ length: 20 }, () => openTo(peer));
      for (const socket of sockets) poller.add(socket);
      expect(poller.wait(20)).toEqual([]);
      for (const socket of sockets) socket.write("x");
      const ready = new Set<Handle>();
      waitFor("all echoes", () => {
        for (const handle of poller.wait(1000)) ready.add(handle);
        return ready.size === 20;
      });
      expect(ready).toEqual(new Set(sockets));
      for (const socket of sockets) socket.close();
      expect(poller.wait(0)).toHaveLength(20);
      expect(poller.size).toBe(0);
    }
  });
});

describe("the timeout of a wait", () => {
  test("a wait that times out returns an empty list", () => {
    const socket = openTo(startPeer("silent"));
    const poller = new Poller().add(socket);
    for (const timeout of [10, 100, 300]) {
      const waits = Array.from({ length: 5 }, () => timed(() => poller.wait(timeout)));
      for (const { value, milliseconds } of waits) {
        expect(value).toEqual([]);
        expect(milliseconds).toBeGreaterThanOrEqual(timeout - 1);
      }
      expect(median(waits.map(({ milliseconds }) => milliseconds))).toBeLessThan(timeout + 250);
    }
    socket.close();
  });

  test("an empty poller waits as long", () => {
    expect(timed(() => new Poller().wait(100)).milliseconds).toBeGreaterThanOrEqual(99);
  });

  test("-1 waits until something happens", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    const poller = new Poller().add(socket);
    peer.waitForEvent("connection");
    for (const timeout of [-1, Number.POSITIVE_INFINITY, 10_000]) {
      peer.send({ do: "write", text: "x", delay: 100 });
      const { value, milliseconds } = timed(() => [...poller.wait(timeout)]);
      expect(value).toEqual([socket]);
      expect(milliseconds).toBeLessThan(5000);
      socket.read();
    }
    socket.close();
  });

  test("a wrong timeout throws", () => {
    const poller = new Poller();
    expect(() => poller.wait(-2)).toThrow(RangeError);
    expect(() => poller.wait(Number.NaN)).toThrow(RangeError);
    expect(() => poller.wait("1" as never)).toThrow(TypeError);
  });
});

test("a hundred busy connections lose nothing", () => {
  const poller = new Poller();
  const peer = startPeer("source", { bytes: 50_000, seed: 3, piece: 1000 });
  const left = new Map(Array.from({ length: 100 }, () => [openTo(peer, { receiveBuffer: 4096 }), 50_000]));
  for (const socket of left.keys()) poller.add(socket);
  const deadline = performance.now() + 20_000;
  while (left.size > 0 && performance.now() < deadline) {
    for (const handle of poller.wait(1000)) {
      const socket = handle as TcpSocket;
      if (socket.closed) continue;
      const bytes = socket.read(700);
      if (bytes !== null) left.set(socket, (left.get(socket) as number) - bytes.length);
      else {
        expect(left.get(socket)).toBe(0);
        left.delete(socket);
        socket.close();
      }
    }
  }
  expect(left.size).toBe(0);
});

test("a wait ends when the peer's process is killed", () => {
  const peer = startPeer("manual");
  const socket = openTo(peer);
  const poller = new Poller().add(socket);
  new Process("sh", ["-c", `sleep 0.2; kill -9 ${peer.pid}`]);
  expect(poller.wait(10_000)).toEqual([socket]);
  expect(socket.read()).toBeNull();
  socket.close();
});
