/** A Rust program with `std::net`, unmodified, as a component: both ends of connections in other processes. */

import { beforeAll, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { node, Process } from "../support/processes.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { type Component, transpileSockets } from "./support.js";

let sockets: Component;

beforeAll(async () => {
  sockets = await transpileSockets();
});

describe("a component of std::net", () => {
  test("receives what the peer sends after a half-close", () => {
    const peer = startPeer("sink", { reply: "heard you" });
    expect(sockets.run("talk", `127.0.0.1:${peer.port}`, "hello")).toBe(
      `127.0.0.1:${peer.port} 127.0.0.1\nheard you\n`,
    );
    expect(peer.waitForEvent("end").bytes).toBe(5);
  });

  test("connects over IPv6", () => {
    const peer = startPeer("sink", { host: "::1", reply: "six" });
    expect(sockets.run("talk", `[::1]:${peer.port}`, "hello")).toBe(`[::1]:${peer.port} ::1\nsix\n`);
  });

  test("gets the error of a refused connection", () => {
    expect(sockets.run("talk", `127.0.0.1:${closedPort()}`, "hello")).toMatch(/ConnectionRefused/);
  });

  test("sends everything before its connection is dropped", () => {
    const peer = startPeer("sink");
    expect(sockets.run("upload", `127.0.0.1:${peer.port}`, 10_000_000)).toBe("");
    expect(peer.waitForEvent("end").bytes).toBe(10_000_000);
  });

  test("receives a stream whole", () => {
    const peer = startPeer("source", { bytes: 20_000_000 });
    expect(sockets.run("download", `127.0.0.1:${peer.port}`)).toMatch(/^20000000 \d+\n$/);
  });

  test("serves clients", () => {
    const server = sockets.start("serve", 2);
    const port = Number(server.waitForOutput(/(\d+)\n/)[1]);
    const client = `const s = require("net").connect(${port}, "127.0.0.1", () => s.end("a\\nb\\n")); s.pipe(process.stdout);`;
    for (let i = 0; i < 2; i++) {
      const process = new Process(node, ["-e", client]);
      process.waitForExit();
      expect(process.output).toBe("a\nb\n");
    }
    server.waitForExit();
    expect(server.errors).toBe("");
  });

  test("exchanges datagrams, connected and not", () => {
    expect(sockets.run("datagrams", `127.0.0.1:${startUdpPeer({ echo: true }).port}`)).toBe("one true\ntwo\n");
    const six = startUdpPeer({ echo: true, type: "udp6" });
    expect(sockets.run("datagrams", `[::1]:${six.port}`)).toBe("one true\ntwo\n");
  });

  test("looks up names", () => {
    expect(sockets.run("resolve", "localhost")).toMatch(/^(127\.0\.0\.1|\[::1\]):80\n/);
    expect(sockets.run("resolve", "no-such-name.invalid")).toMatch(/Error/);
  });

  test("reads without blocking", () => {
    expect(sockets.run("read-now", `127.0.0.1:${startPeer("silent").port}`)).toBe("Err(WouldBlock)\n");
  });

  test("reads its standard input while the peer answers", () => {
    const guest = sockets.start("copy", `127.0.0.1:${startPeer("echo").port}`);
    guest.send("one\n");
    guest.waitForOutput(/one\n/);
    guest.send("two\n");
    guest.waitForOutput(/two\n/);
    expect(guest.errors).toBe("");
  });
});
