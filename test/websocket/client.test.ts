/**
 * `openWebSocket`: the handshake, messages in and out, back-pressure, waiting.
 */

import { createHash } from "node:crypto";
import { createRuntime, Poller, poll } from "ringnet";
import { type OpenWebSocketOptions, openWebSocket, type WebSocket } from "ringnet/websocket";
import { afterEach, describe, expect, test } from "vitest";
import { closedPort } from "../support/ports.js";
import { waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";
import { startPythonPeer, startRawPeer, startWsPeer, type WsPeerOptions } from "./support/peers.js";

const TIMEOUT = 20_000;
const opened: WebSocket[] = [];

afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
});

function open(url: string, options: OpenWebSocketOptions = {}): WebSocket {
  const socket = openWebSocket(url, { timeout: TIMEOUT, ...options });
  opened.push(socket);
  return socket;
}

function pair(peerOptions: WsPeerOptions = {}, options: OpenWebSocketOptions = {}) {
  const peer = startWsPeer(peerOptions);
  const socket = open(peer.url, options);
  peer.waitForEvent("connection");
  return { peer, socket };
}

describe("opening", () => {
  test("returns immediately with status waiting, and is readable for pollers once it is open", () => {
    const peer = startWsPeer({ echo: true });
    const socket = openWebSocket(peer.url);
    opened.push(socket);
    expect(socket.status).toBe("waiting");
    expect(poll([socket], TIMEOUT)).toEqual([socket]);
    expect(socket.status).toBe("success");
    expect(poll([socket], 0)).toEqual([]);
  });

  test("sends path, query, headers, user name and subprotocols, and takes the server's choice", () => {
    const { peer, socket } = pair({ protocols: ["b", "a"] });
    expect(socket.protocol).toBe("");
    const other = open(`ws://user:secret@127.0.0.1:${peer.port}/game?room=1`, {
      protocols: ["a", "b"],
      headers: { "X-Token": "t", origin: "http://example.test" },
    });
    const { url, headers, protocol } = peer.waitForEvent("connection", 2);
    expect(url).toBe("/game?room=1");
    expect(headers).toMatchObject({
      "x-token": "t",
      origin: "http://example.test",
      authorization: `Basic ${Buffer.from("user:secret").toString("base64")}`,
      "sec-websocket-protocol": "a,b",
    });
    expect([protocol, other.protocol, other.url]).toEqual(["b", "b", "/game?room=1"]);
    expect(other.headers["sec-websocket-protocol"]).toBe("b");
    expect(other.remotePort).toBe(peer.port);
  });

  test("verifies the server over TLS", () => {
    const authority = new Authority("websocket tests");
    const { cert, key } = authority.issue({ names: ["localhost"] });
    const peer = startWsPeer({ echo: true, cert, key });
    const url = `wss://localhost:${peer.port}`;
    const socket = open(url, { tls: { ca: authority.cert } });
    socket.send("secret");
    expect(socket.receive(TIMEOUT)).toBe("secret");
    expect(errorOf(() => open(url)).code).toMatch(/UNABLE_TO|SELF_SIGNED/);
  });

  test("fails with the system's error, or with the server's answer", () => {
    expect(errorOf(() => open(`ws://127.0.0.1:${closedPort()}`)).code).toBe("ECONNREFUSED");
    expect(errorOf(() => open("ws://nothing.invalid")).code).toMatch(/ENOTFOUND|EAI_AGAIN/);
    const answers: [string, RegExp][] = [
      ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", /answered 404 Not Found/],
      ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", /answered 200 OK/],
      [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        /Accept/,
      ],
      [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: else\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $accept\r\n\r\n",
        /Upgrade/,
      ],
      [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $accept\r\nSec-WebSocket-Protocol: x\r\n\r\n",
        /subprotocol/,
      ],
    ];
    for (const [answer, text] of answers) {
      const peer = startRawPeer({ answer });
      const socket = openWebSocket(peer.url);
      opened.push(socket);
      expect(socket.waitUntilOpen(TIMEOUT)).toBe("failure");
      expect(socket.error?.code).toBe("ERR_WEBSOCKET_HANDSHAKE");
      expect(socket.error?.message).toMatch(text);
      expect(errorOf(() => socket.receive()).message).toBe(socket.error?.message);
      expect(errorOf(() => socket.send("x")).message).toBe(socket.error?.message);
      expect(socket.closeCode).toBeNull();
    }
    expect(errorOf(() => open(startRawPeer({ answer: "this is not HTTP\r\n\r\n" }).url)).code).toMatch(/^HPE_/);
  });

  test("the timeout ends a handshake that is not answered", () => {
    const peer = startRawPeer({ answer: "" });
    const error = errorOf(() => open(peer.url, { timeout: 100 }));
    expect([error.code, error.message]).toEqual(["ETIMEDOUT", expect.stringContaining("after 100 ms")]);
    peer.waitForEvent("end");
  });

  test("refuses wrong arguments before anything happens", () => {
    const wrong: [string, OpenWebSocketOptions, RegExp][] = [
      ["ftp://x", {}, /url must begin with ws: or wss:/],
      ["x", {}, /url must be a URL/],
      ["ws://x/#here", {}, /fragment/],
      ["ws://x", { tls: {} }, /wss:/],
      ["ws://x", { protocols: ["a", "a"] }, /twice/],
      ["ws://x", { protocols: "a b" }, /token/],
      ["ws://x", { headers: { "x\r\ny": "z" } }, /headers/],
      ["ws://x", { headers: { x: "a\r\nb" } }, /headers\.x/],
      ["ws://x", { headers: { Upgrade: "h2c" } }, /Upgrade/],
      ["ws://x", { maxPayload: -1 }, /maxPayload/],
      ["ws://x", { pingInterval: 1.5 }, /pingInterval/],
      ["ws://x", { perMessageDeflate: 1 as unknown as boolean }, /perMessageDeflate/],
      ["ws://x", { receiveBuffer: 5000 }, /receiveBuffer/],
      ["ws://x", { origin: "y" } as OpenWebSocketOptions, /use headers/],
      ["ws://x", { timeout: "1" as unknown as number }, /timeout/],
    ];
    for (const [url, options, text] of wrong) expect(() => openWebSocket(url, options)).toThrow(text);
  });

  test("opens on a separate runtime, which closes it with 1001", () => {
    const peer = startWsPeer({ echo: true });
    const runtime = createRuntime();
    const socket = open(peer.url, { runtime });
    socket.send("x");
    expect(socket.receive(TIMEOUT)).toBe("x");
    runtime.close();
    expect(peer.waitForEvent("close").code).toBe(1001);
    expect(socket.error?.code).toBe("ERR_RUNTIME_CLOSED");
  });
});

describe("messages", () => {
  test.each([false, true])("come back as they were sent, with compression %s", (perMessageDeflate) => {
    const { socket } = pair({ echo: true, perMessageDeflate }, { perMessageDeflate });
    expect(socket.extensions !== "").toBe(perMessageDeflate);
    const messages = [
      "",
      "a",
      "häß€😀\0",
      Buffer.alloc(0),
      Buffer.from([0, 255]),
      "x".repeat(70_000),
      Buffer.alloc(300_000, "ab"),
    ];
    for (const message of messages) {
      socket.sendWait(message, TIMEOUT);
      expect(socket.receive(TIMEOUT)).toEqual(message);
    }
    for (const message of messages) socket.sendWait(message, TIMEOUT);
    for (const message of messages) expect(socket.receive(TIMEOUT)).toEqual(message);
  });

  test.each([4096, 65536])("longer than rings of %i bytes are sent and received in pieces", (size) => {
    const { socket } = pair({ echo: true }, { receiveBuffer: size, sendBuffer: size });
    const text = "0123456789äöü€😀".repeat(8_000);
    socket.sendWait(text, TIMEOUT);
    socket.send("behind");
    expect(socket.receive(TIMEOUT)).toBe(text);
    expect(socket.receive(TIMEOUT)).toBe("behind");
    const bytes = Buffer.alloc(3_000_000, "0123456789a");
    socket.sendWait(bytes, TIMEOUT);
    expect(bytes.equals(socket.receive(TIMEOUT) as Buffer)).toBe(true);
  });

  test("from any view are sent as bytes, and lone surrogates are replaced", () => {
    const { peer, socket } = pair();
    socket.send(new Uint16Array([0x0201, 0x0403]).subarray(1));
    socket.send("a\ud800b");
    expect(peer.waitForEvent("message", 1)).toMatchObject({ binary: true, bytes: 2 });
    expect(peer.waitForEvent("message", 2)).toMatchObject({ binary: false, text: "a\ufffdb" });
    expect(() => socket.send(5 as unknown as string)).toThrow(TypeError);
  });

  test("are exchanged with Python's websockets", () => {
    const peer = startPythonPeer();
    const socket = open(peer.url);
    expect(socket.extensions).toMatch(/permessage-deflate/);
    for (const message of ["hello €", Buffer.alloc(100_000, "xyz"), "long".repeat(100_000)]) {
      socket.sendWait(message, TIMEOUT);
      expect(socket.receive(TIMEOUT)).toEqual(message);
    }
    socket.send("close 4002 see you");
    expect([socket.receive(TIMEOUT), socket.closeCode, socket.closeReason]).toEqual([null, 4002, "see you"]);
    expect(peer.waitForEvent("close").code).toBe(4002);
  });

  test("receive returns undefined without a message, and throws ETIMEDOUT with a timeout", () => {
    const { peer, socket } = pair();
    expect(socket.receive()).toBeUndefined();
    const start = performance.now();
    expect(errorOf(() => socket.receive(50)).code).toBe("ETIMEDOUT");
    expect(performance.now() - start).toBeGreaterThan(45);
    expect(socket.waitUntilReadable(10)).toBe(false);
    peer.send({ do: "send", text: "late", delay: 100 });
    expect(socket.receive(TIMEOUT)).toBe("late");
    expect(() => socket.receive("1" as unknown as number)).toThrow(TypeError);
  });

  test("receiveInto copies a message, and leaves one that is too long", () => {
    const { socket } = pair({ echo: true }, { receiveBuffer: 4096 });
    const target = new Uint8Array(10_000);
    expect(socket.receiveInto(target)).toBeUndefined();
    socket.send("hé");
    expect(socket.receiveInto(target, TIMEOUT)).toBe(3);
    expect(Buffer.from(target.subarray(0, 3)).toString()).toBe("hé");
    for (const length of [100, 9000]) {
      socket.send(Buffer.alloc(length, 7));
      const error = errorOf(() => socket.receiveInto(target.subarray(0, 99), TIMEOUT));
      expect([error.code, error.message]).toEqual(["EMSGSIZE", expect.stringContaining(`${length} bytes`)]);
      target.fill(0);
      expect(socket.receiveInto(target, TIMEOUT)).toBe(length);
      expect(target.subarray(0, length).every((byte) => byte === 7)).toBe(true);
      expect(target[length]).toBe(0);
    }
    socket.send("x");
    expect(errorOf(() => socket.receiveInto(new Uint8Array(0), TIMEOUT)).code).toBe("EMSGSIZE");
    expect(socket.receive()).toBe("x");
  });

  test("a poller reports a socket with messages until they are received", () => {
    const { peer, socket } = pair({}, { timeout: TIMEOUT });
    const poller = new Poller().add(socket);
    expect(poller.wait(20)).toEqual([]);
    peer.send({ do: "send", text: "x", count: 2 });
    expect(poller.wait(TIMEOUT)).toEqual([socket]);
    expect(socket.receive(TIMEOUT)).toBe("x");
    expect(socket.receive(TIMEOUT)).toBe("x");
    expect(poller.wait(20)).toEqual([]);
    peer.send({ do: "close", code: 4000 });
    expect(poller.wait(TIMEOUT)).toEqual([socket]);
    expect(poller.wait(0)).toEqual([socket]);
    expect(socket.receive()).toBeNull();
    expect(poller.wait(20)).toEqual([]);
  });
});

describe("back-pressure", () => {
  test("stops the peer while the program does not read, then delivers every message once and in order", () => {
    const { peer, socket } = pair({}, { receiveBuffer: 4096 });
    const count = 200_000;
    peer.send({ do: "send", numbered: true, count });
    socket.waitUntilReadable(TIMEOUT);
    for (let i = 0; i < count; i++) {
      const message = socket.receive(TIMEOUT);
      if (message !== `${i}`) throw new Error(`got ${message} in the place of ${i}`);
    }
    expect(socket.receive()).toBeUndefined();
  });

  test("a peer that does not read fills the send ring: send returns false, and a poller reports room", () => {
    const { peer, socket } = pair({ paused: true, count: 1 }, { sendBuffer: 65536, perMessageDeflate: false });
    const message = Buffer.alloc(30_000);
    let sent = 0;
    waitFor("a full ring", () => {
      while (socket.send(message)) sent++;
      return socket.bufferedAmount > 30_000 && !socket.waitUntilWritable(300, message.length);
    });
    expect(sent).toBeGreaterThan(1);
    expect(poll([{ handle: socket, writable: true }], 0).length).toBeLessThan(2);
    expect(errorOf(() => socket.sendWait(message, 50)).code).toBe("ETIMEDOUT");
    expect(socket.waitUntilDrained(20)).toBeGreaterThan(30_000);
    peer.send({ do: "resume" });
    expect(socket.waitUntilWritable(TIMEOUT, message.length)).toBe(true);
    expect(socket.send(message)).toBe(true);
    expect(socket.waitUntilDrained(TIMEOUT)).toBe(0);
    peer.waitForEvent("counted", sent + 1);
  });

  test("sendWait takes a message longer than the ring; after a timeout the rest is sent before the next one", () => {
    const { peer, socket } = pair({ paused: true }, { sendBuffer: 65536, perMessageDeflate: false });
    const bytes = Buffer.alloc(20_000_000, "0123456789abc");
    const error = errorOf(() => socket.send(bytes));
    expect([error.code, error.message]).toEqual(["EMSGSIZE", expect.stringContaining("sendWait")]);
    const late = errorOf(() => socket.sendWait(bytes, 100));
    expect([late.code, late.message]).toEqual(["ETIMEDOUT", expect.stringContaining("the rest will be sent before")]);
    expect(socket.send("next")).toBe(false);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    bytes.fill(0); // the rest was copied
    peer.send({ do: "resume" });
    socket.sendWait("next", TIMEOUT);
    expect(peer.waitForEvent("message", 1)).toMatchObject({ bytes: bytes.length, sha256 });
    expect(peer.waitForEvent("message", 2)).toMatchObject({ text: "next" });
  });
});

describe("pings", () => {
  test("of the peer are answered while the program computes", () => {
    const { peer, socket } = pair();
    peer.send({ do: "ping", text: "are you there?" });
    // No call of the package meanwhile.
    waitFor("the pong", () => peer.events("pong").length > 0);
    expect(peer.waitForEvent("pong").text).toBe("are you there?");
    expect(socket.receive()).toBeUndefined();
  });

  test("are sent every pingInterval, and a peer that answers stays", () => {
    const { peer, socket } = pair({}, { pingInterval: 30 });
    peer.waitForEvent("ping", 4);
    expect(socket.status).toBe("success");
  });

  test("end the connection if they are not answered", () => {
    const { peer, socket } = pair({ autoPong: false }, { pingInterval: 50 });
    expect(socket.receive(TIMEOUT)).toBeNull();
    expect([socket.closeCode, socket.error?.code]).toEqual([1006, "ETIMEDOUT"]);
    expect(socket.error?.message).toBe("no answer to a ping within 50 ms");
    expect(peer.waitForEvent("close").code).toBe(1006);
  });
});
