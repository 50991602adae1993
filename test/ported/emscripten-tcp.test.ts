/**
 * What Emscripten's socket tests (github.com/emscripten-core/emscripten, test/test_sockets_node.py, test/test_sockets.py
 * and the programs in test/sockets) assert of TCP and of Unix domain sockets: connecting, serving, back-pressure,
 * peeking, IPv6, readiness. docs/ported-suites.md has the whole list; UDP is in emscripten-udp.test.ts.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { connect, listen, localAddresses, Poller, poll, resolve, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern as someBytes } from "../support/bytes.js";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";
import { timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo, readBytes, writeBytes } from "../tcp/sockets.js";

/** One says ping, the other pong. */
function pingPong(client: TcpSocket, accepted: TcpSocket): void {
  expect(client.write("ping")).toBe(4);
  expect(String(accepted.readExactly(4, 5000))).toBe("ping");
  expect(accepted.write("pong")).toBe(4);
  expect(String(client.readExactly(4, 5000))).toBe("pong");
}

describe("a client", () => {
  test("connects, has its peer's address, and gets back what it sends", () => {
    const peer = startPeer("echo");
    const client = connect({ host: "127.0.0.1", port: peer.port, noDelay: true, keepAlive: true });
    expect(client.waitUntilConnected(5000)).toBe("success");
    expect([client.remoteAddress, client.remotePort]).toEqual(["127.0.0.1", peer.port]);
    client.write("ping");
    expect(String(client.readExactly(4, 5000))).toBe("ping");
    client.close();
  });

  test("gets a large message back whole", () => {
    const peer = startPeer("echo");
    const client = openTo(peer);
    const message = someBytes(8, 0, 131_072);
    writeBytes(client, message);
    expect(readBytes(client, message.length).equals(message)).toBe(true);
    client.close();
  });

  test("has the source address that it asked for", () => {
    const peer = startPeer("echo");
    const client = openTo(peer, { localAddress: "127.0.0.3" });
    expect(client.localAddress).toBe("127.0.0.3");
    expect(peer.waitForEvent("connection").remoteAddress).toBe("127.0.0.3");
    client.close();
  });

  test("has a source port once it is connected, and the same from there on", () => {
    const peer = startPeer("echo");
    const client = connect({ host: "127.0.0.1", port: peer.port });
    expect(client.waitUntilConnected(5000)).toBe("success");
    const { localPort } = client;
    expect(localPort).toBe(peer.waitForEvent("connection").remotePort);
    client.write("ping");
    client.readExactly(4, 5000);
    expect(client.localPort).toBe(localPort);
    client.close();
  });

  test("may send while still connecting", () => {
    const peer = startPeer("echo");
    const client = connect({ host: "127.0.0.1", port: peer.port });
    expect(client.write("Hello")).toBe(5);
    expect(localAddresses().length).toBeGreaterThan(0); // disturbs nothing
    expect(String(client.readExactly(5, 10_000))).toBe("Hello");
    client.close();
  });

  test("is refused where no server listens: poll reports it, read throws instead of ending", () => {
    const client = connect({ host: "127.0.0.1", port: closedPort() });
    expect(poll([client], 5000)).toEqual([client]);
    expect(client.status).toBe("failure");
    expect(client.error?.code).toBe("ECONNREFUSED");
    expect(errorOf(() => client.read()).code).toBe("ECONNREFUSED");
    client.close();
  });

  test("after end(), can read but not write", () => {
    const peer = startPeer("late", { bytes: 1000, seed: 9 });
    const client = openTo(peer);
    client.end();
    expect(errorOf(() => client.write("more")).code).toBe("EPIPE");
    expect(readBytes(client, 1000).equals(someBytes(9, 0, 1000))).toBe(true);
    expect(client.waitUntilReadable(5000)).toBe(true);
    expect(client.read()).toBeNull();
    client.close();
  });

  test("after close(), is reported by poll, whatever the peer does", () => {
    const peer = startPeer("silent");
    const client = openTo(peer);
    client.close();
    expect(poll([client], 5000)).toEqual([client]);
  });
});

test("back-pressure: a peer that never reads makes write return 0, and memory stays bounded", () => {
  const peer = startPeer("silent");
  const client = openTo(peer);
  const chunk = Buffer.alloc(65_536);
  const cap = 512 << 20;
  let taken = 0;
  for (let refused = 0; refused < 20; ) {
    const count = client.write(chunk);
    taken += count;
    if (taken > cap) throw new Error(`${taken} bytes were taken, and more would be`);
    if (count > 0) refused = 0;
    else refused += client.waitUntilWritable(10) ? 0 : 1;
  }
  expect(client.write("x")).toBe(0);
  expect(client.writable).toBe(0);
  expect(client.pendingWrites).toBe(1 << 20); // a ring's size
  expect(client.status).toBe("success");
  client.reset();
});

test("peek consumes nothing: the bytes can be peeked again, and then read", () => {
  const server = listen({ host: "127.0.0.1" });
  const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
  const accepted = acceptFrom(server);
  client.write("peekme");
  waitFor("all six", () => accepted.readable === 6);
  for (let i = 0; i < 2; i++) expect(Buffer.from(accepted.peek() as Uint8Array).toString()).toBe("peekme");
  expect(poll([accepted], 0)).toEqual([accepted]);
  expect(accepted.bytesRead).toBe(0);
  expect(String(accepted.read())).toBe("peekme");
  expect(accepted.peek()).toHaveLength(0);
  expect(poll([accepted], 0)).toEqual([]);
  for (const each of [client, accepted, server]) each.close();
});

describe("a server", () => {
  test("has the system's port at once, and the addresses of its clients", () => {
    const server = listen({ host: "127.0.0.1", port: 0, backlog: 4 });
    expect(server.port).toBeGreaterThan(0);
    const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    const accepted = acceptFrom(server);
    expect([accepted.remoteAddress, accepted.remotePort]).toEqual(["127.0.0.1", client.localPort]);
    pingPong(client, accepted);
    for (const each of [client, accepted, server]) each.close();
  });

  test("serves a client of another process", () => {
    const server = listen({ host: "127.0.0.1" });
    const peer = startPeer("source", { connect: server.port, bytes: 4, keepOpen: true });
    const accepted = server.acceptWait(10_000);
    expect(accepted.readExactly(4, 5000)).toEqual(someBytes(1, 0, 4));
    accepted.write("pong");
    accepted.end();
    expect(peer.waitForEvent("end").bytes).toBe(4);
    accepted.close();
    server.close();
  });

  test("listen() throws for a port in use", () => {
    const peer = startPeer("silent");
    expect(errorOf(() => listen({ host: "127.0.0.1", port: peer.port })).code).toBe("EADDRINUSE");
  });

  test("departure: all clients of a burst can be accepted at once", () => {
    const server = listen({ host: "127.0.0.1" });
    const clients = [1, 2, 3].map(() => connect({ host: "127.0.0.1", port: server.port, timeout: 5000 }));
    const accepted = clients.map(() => server.acceptWait(5000));
    expect(new Set(accepted.map((each) => each.remotePort))).toEqual(new Set(clients.map((each) => each.localPort)));
    expect(server.accept()).toBeNull();
    for (const each of [...clients, ...accepted, server]) each.close();
  });

  test("on ::1 serves IPv6; on :: serves only IPv6 with ipv6Only", () => {
    const server = listen({ host: "::1" });
    const client = connect({ host: "::1", port: server.port, timeout: 5000 });
    const accepted = acceptFrom(server);
    expect(accepted.remoteAddress).toBe("::1");
    pingPong(client, accepted);
    for (const each of [client, accepted, server]) each.close();

    const alone = listen({ host: "::", ipv6Only: true });
    expect(errorOf(() => connect({ host: "127.0.0.1", port: alone.port, timeout: 5000 })).code).toBe("ECONNREFUSED");
    connect({ host: "::1", port: alone.port, timeout: 5000 }).close();
    alone.close();
  });
});

describe("a Unix domain socket", () => {
  test("is bound to its path at once, serves, and removes its file", () => {
    const path = join(temporaryFolder(), "socket");
    const server = listen({ path, backlog: 4 });
    expect(server.address).toBe(path);
    const client = connect({ path, timeout: 5000 });
    const accepted = acceptFrom(server);
    pingPong(client, accepted);
    for (const each of [client, accepted, server]) each.close();
    waitFor("the path to be free", () => !existsSync(path));
  });

  test("talks to another process", () => {
    const path = join(temporaryFolder(), "socket");
    startPeer("echo", { path });
    const client = connect({ path, timeout: 5000 });
    client.write("ping");
    expect(String(client.readExactly(4, 5000))).toBe("ping");
    client.close();
  });

  test("fails with ENOENT where there is no file", () => {
    const path = join(temporaryFolder(), "nobody");
    expect(errorOf(() => connect({ path, timeout: 5000 })).code).toBe("ENOENT");
  });

  test("listen() throws for a path in use", () => {
    const path = join(temporaryFolder(), "socket");
    const server = listen({ path });
    expect(errorOf(() => listen({ path })).code).toBe("EADDRINUSE");
    server.close();
  });
});

describe("calls that wait and calls that do not", () => {
  test("with nothing there, non-blocking calls return at once, and blocking calls are woken", () => {
    const server = listen({ host: "127.0.0.1" });
    expect(server.accept()).toBeNull();
    const peer = startPeer("manual", { connect: server.port });
    const accepted = server.acceptWait(10_000);
    expect(accepted.remotePort).toBeGreaterThan(0);
    expect(accepted.read()).toHaveLength(0);

    peer.waitForEvent("connection");
    peer.send({ do: "write", text: "ping", delay: 100 });
    expect(accepted.waitUntilReadable(10_000)).toBe(true);
    expect(String(accepted.readExactly(4, 5000))).toBe("ping");

    peer.send({ do: "end", delay: 100 });
    expect(accepted.waitUntilReadable(10_000)).toBe(true);
    expect(accepted.read()).toBeNull();
    accepted.close();
    server.close();
  });

  test("with something there, blocking calls return at once", () => {
    const server = listen({ host: "127.0.0.1" });
    const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    expect(poll([server], 5000)).toEqual([server]);
    client.write("pong");
    const accepted = server.acceptWait(0);
    expect(poll([accepted], 5000)).toEqual([accepted]);
    waitFor("all four", () => accepted.readable === 4);
    expect(String(accepted.readExactly(4, 0))).toBe("pong");
    for (const each of [client, accepted, server]) each.close();
  });

  test("a reset wakes a waiting read; departure: later calls throw the error again", () => {
    const peer = startPeer("manual");
    const client = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset", delay: 100 });
    expect(client.waitUntilReadable(10_000)).toBe(true);
    for (let i = 0; i < 2; i++) expect(errorOf(() => client.read()).code).toBe("ECONNRESET");
    client.close();
  });

  test("a peer's end wakes a poller, and does not end this side", () => {
    const peer = startPeer("manual");
    const client = openTo(peer);
    const poller = new Poller().add(client);
    peer.waitForEvent("connection");
    peer.send({ do: "end", delay: 100 });
    expect(poller.wait(10_000)).toEqual([client]);
    expect(client.read()).toBeNull();
    expect(client.status).toBe("success");
    writeBytes(client, Buffer.from("still open this way"));
    client.end();
    expect(peer.waitForEvent("close").bytes).toBe(19);
    client.close();
  });
});

test("length-prefixed messages that arrived together are read one by one", () => {
  const peer = startPeer("scripted");
  const messages = Array.from({ length: 9 }, (_, i) => Buffer.from(Array.from({ length: 9 - i }, (_, j) => j + 1)));
  peer.script(
    ...messages.map(
      (each) => ({ do: "send", text: `${String.fromCharCode(each.length)}${each.toString("latin1")}` }) as const,
    ),
    { do: "close" },
  );
  const client = openTo(peer);
  for (const message of messages) {
    const length = client.readExactly(1, 5000)?.[0];
    expect(length).toBe(message.length);
    expect(client.readExactly(length as number, 5000)).toEqual(message);
  }
  expect(client.readExactly(1, 5000)).toBeNull();
  client.close();
});

test("the answer of a server that closes remains readable piece by piece, then the end", () => {
  const peer = startPeer("scripted");
  peer.script({ do: "receive", bytes: 10 }, { do: "return" }, { do: "close" });
  const client = openTo(peer);
  const digits = "0123456789";
  expect(poll([client], 0)).toEqual([]); // nothing to do yet
  for (const digit of digits) expect(client.write(digit)).toBe(1);
  peer.waitForEvent("played");
  waitFor("all ten", () => client.readable === 10);
  for (const digit of digits) {
    expect(poll([client], 0)).toEqual([client]);
    expect(String(client.read(1))).toBe(digit);
  }
  expect(poll([client], 5000)).toEqual([client]);
  expect(client.read()).toBeNull();
  expect(poll([client], 0)).toEqual([]);
  client.close();
});

test("names: an IP resolves at once, localhost to the loopback address, an unknown name fails", () => {
  const literal = resolve("10.9.8.7");
  expect([literal.status, literal.ips]).toEqual(["success", ["10.9.8.7"]]);
  const local = resolve("localhost");
  expect(local.waitUntilResolved(10_000)).toBe("success");
  expect(local.ips.length).toBeGreaterThan(0);
  for (const ip of local.ips) expect(["127.0.0.1", "::1"]).toContain(ip);
  expect(local.ips.filter((ip) => ip === "127.0.0.1").length).toBeLessThanOrEqual(1);
  const nobody = resolve(`${"n".repeat(64)}.invalid`);
  expect(nobody.waitUntilResolved(10_000)).toBe("failure");
  expect([nobody.error?.code, nobody.ip]).toEqual(["ENOTFOUND", null]);
});

test("connecting, writing and reading work in a worker thread", () => {
  const peer = startPeer("echo");
  const thread = `
    Promise.all([import("ringnet"), import("node:fs")]).then(([{ connect }, { writeSync }]) => {
      const socket = connect({ host: "127.0.0.1", port: ${peer.port}, timeout: 5000 });
      socket.writeAll("ping", 5000);
      writeSync(1, socket.readExactly(4, 5000));
      socket.close();
    });`;
  const { code, output, errors } = runProgram(
    `import { Worker } from "node:worker_threads"; new Worker(${JSON.stringify(thread)}, { eval: true });`,
  );
  expect([code, output, errors]).toEqual([0, "ping", ""]);
});

test("a blocked poll of many handles is woken by the one that becomes ready", () => {
  const peer = startPeer("manual");
  const clients = [1, 2, 3].map(() => openTo(peer));
  peer.waitForEvent("connection", 10_000, 3);
  peer.send({ do: "write", text: "x", connection: 1, delay: 100 });
  const { value, milliseconds } = timed(() => poll(clients, 10_000));
  expect(value).toEqual([clients[1]]);
  expect(milliseconds).toBeLessThan(10_000);
  for (const client of clients) client.close();
});
