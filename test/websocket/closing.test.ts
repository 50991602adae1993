/**
 * How a WebSocket ends: codes and reasons from either side, lost connections, programs that end.
 */

import type { NetError } from "ringnet";
import {
  listenWebSocket,
  type OpenWebSocketOptions,
  openWebSocket,
  type WebSocket,
  type WebSocketServer,
} from "ringnet/websocket";
import { afterEach, describe, expect, test } from "vitest";
import { runProgram } from "../support/programs.js";
import { type Frame, startRawPeer, startWsPeer, type WsPeerOptions } from "./support/peers.js";

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

function pair(peerOptions: WsPeerOptions = {}) {
  const peer = startWsPeer(peerOptions);
  const socket = open(peer.url);
  peer.waitForEvent("connection");
  return { peer, socket };
}

function rawPair(first: Frame[] = [], stall = false) {
  const peer = startRawPeer({ first, stall });
  const socket = open(peer.url);
  peer.waitForEvent("request");
  return { peer, socket };
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as NetError).code;
  }
  return "nothing was thrown";
}

/** The close code of the next client, or the error with which it is gone. */
function codeOfNext(server: WebSocketServer): number | string | null {
  const socket = server.acceptWait(TIMEOUT);
  opened.push(socket);
  try {
    rest(socket);
    return socket.closeCode;
  } catch (error) {
    return (error as NetError).code;
  }
}

/** Receives what comes, up to the close. */
function rest(socket: WebSocket): (string | Buffer)[] {
  const messages = [];
  for (let message = socket.receive(TIMEOUT); message !== null; message = socket.receive(TIMEOUT))
    messages.push(message);
  return messages;
}

describe("the program's close", () => {
  const reasons = ["", "r", "because €", "x".repeat(123), "é".repeat(61)];
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    "with code %i arrives, and is answered with the same",
    (code) => {
      const { peer, socket } = pair();
      const reason = reasons[code % reasons.length] as string;
      socket.send("before");
      socket.end(code, reason);
      expect(rest(socket)).toEqual([]);
      expect([socket.closeCode, socket.closeReason]).toEqual([code, reason]);
      expect(peer.waitForEvent("message").text).toBe("before");
      expect(peer.waitForEvent("close")).toMatchObject({ code, reason });
      expect([socket.status, socket.error]).toEqual(["success", null]);
    },
  );

  test("without a code sends an empty frame: 1005 at both ends", () => {
    const { peer, socket } = rawPair([], true);
    socket.end();
    expect(peer.waitForEvent("frame")).toMatchObject({ opcode: 8, bytes: 0, masked: true });
    peer.send({ do: "frames", frames: [{ opcode: 8 }] });
    expect(socket.receive(TIMEOUT)).toBeNull();
    expect([socket.closeCode, socket.closeReason]).toEqual([1005, ""]);
  });

  test("with a reason alone has code 1000", () => {
    const { peer, socket } = pair();
    socket.close(undefined, "done");
    expect(peer.waitForEvent("close")).toMatchObject({ code: 1000, reason: "done" });
  });

  test("with lone surrogates in the reason sends U+FFFD for each", () => {
    const { peer, socket } = pair();
    socket.close(1000, "a\ud800b\udc00");
    expect(peer.waitForEvent("close")).toMatchObject({ code: 1000, reason: "a\ufffdb\ufffd" });
  });

  test("refuses codes and reasons that may not be sent, and stays open", () => {
    const { peer, socket } = pair();
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, Number.NaN]) {
      expect(() => socket.end(code)).toThrow(RangeError);
      expect(() => socket.close(code)).toThrow(RangeError);
    }
    for (const code of ["1000", null, {}]) expect(() => socket.end(code as number)).toThrow(TypeError);
    expect(() => socket.end(1000, 5 as unknown as string)).toThrow(TypeError);
    expect(() => socket.end(1000, "x".repeat(124))).toThrow(/123 bytes/);
    expect(() => socket.end(1000, "é".repeat(62))).toThrow(/123 bytes/);
    socket.send("still open");
    expect(peer.waitForEvent("message").text).toBe("still open");
  });

  test("follows all messages, and the peer's messages are received until it has closed too", () => {
    const { peer, socket } = rawPair([], true);
    for (let i = 0; i < 5; i++) socket.send(`${i}`);
    socket.end(4000);
    const close = peer.waitForEvent("frame", 6);
    expect(
      peer
        .events("frame")
        .slice(0, 5)
        .map(({ text }) => text),
    ).toEqual(["0", "1", "2", "3", "4"]);
    expect(close).toMatchObject({ opcode: 8, code: 4000 });
    peer.send({
      do: "frames",
      frames: [
        { opcode: 1, text: "late" },
        { opcode: 8, hex: "0bb9" + "41" },
      ],
    });
    expect(rest(socket)).toEqual(["late"]);
    expect([socket.closeCode, socket.closeReason]).toEqual([3001, "A"]);
  });

  test("happens once: a second close does nothing, and nothing can be sent", () => {
    const { peer, socket } = pair();
    socket.end(4001, "first");
    socket.end(4002, "second");
    expect(codeOf(() => socket.send("x"))).toBe("EPIPE");
    expect(codeOf(() => socket.sendWait("x", 10))).toBe("EPIPE");
    expect(socket.receive(TIMEOUT)).toBeNull();
    expect(socket.receive()).toBeNull();
    expect(peer.waitForEvent("close")).toMatchObject({ code: 4001, reason: "first" });
    socket.close(4003);
    socket.close(4004);
    expect([socket.closed, socket.closeCode, codeOf(() => socket.receive())]).toEqual([
      true,
      4001,
      "ERR_SOCKET_CLOSED",
    ]);
  });

  test("with close() sends what is pending in the background", () => {
    const { peer, socket } = pair({ paused: true });
    const bytes = Buffer.alloc(900_000);
    socket.sendWait(bytes, TIMEOUT);
    socket.close(4000, "bye");
    peer.send({ do: "resume" });
    expect(peer.waitForEvent("message").bytes).toBe(bytes.length);
    expect(peer.waitForEvent("close")).toMatchObject({ code: 4000, reason: "bye" });
  });

  test("before it is open cancels the attempt, or waits for the handshake if something was sent", () => {
    const peer = startWsPeer();
    const socket = openWebSocket(peer.url);
    socket.send("quick");
    socket.close(4000);
    expect(peer.waitForEvent("message").text).toBe("quick");
    expect(peer.waitForEvent("close").code).toBe(4000);
    const silent = startRawPeer({ answer: "" });
    const other = openWebSocket(silent.url);
    silent.waitForEvent("request");
    other.close();
    silent.waitForEvent("end");
  });

  test("while it opens cancels the attempt, or sends the code", () => {
    const server = listenWebSocket({ host: "127.0.0.1" });
    const seen = new Set<unknown>();
    for (let i = 0; i < 100; i++) {
      const socket = openWebSocket(`ws://127.0.0.1:${server.port}`);
      const start = performance.now();
      while (performance.now() - start < (i % 30) / 10); // until some are open
      socket.close(4000);
      while (server.waitUntilAcceptable(0)) seen.add(codeOfNext(server));
    }
    server.close();
    expect(seen).toContain(4000);
    for (const code of seen) expect([4000, 1006, "ECONNABORTED"]).toContain(code);
  });

  test("terminate ends it immediately: the peer sees 1006", () => {
    const { peer, socket } = pair();
    socket.terminate();
    expect(peer.waitForEvent("close").code).toBe(1006);
    expect(socket.status).toBe("failure");
  });
});

describe("the peer's close", () => {
  test.each([
    [undefined, undefined, 1005, ""],
    [1000, "", 1000, ""],
    [1001, "going away", 1001, "going away"],
    [1011, "é€😀", 1011, "é€😀"],
    [4999, "x".repeat(123), 4999, "x".repeat(123)],
  ])("with %s %s comes behind its messages", (code, reason, closeCode, closeReason) => {
    const { peer, socket } = pair();
    peer.send({ do: "send", text: "a", count: 3 });
    peer.send({ do: "close", ...(code === undefined ? {} : { code }), ...(reason === undefined ? {} : { reason }) });
    expect([socket.closeCode, socket.closeReason]).toEqual([null, ""]);
    expect(rest(socket)).toEqual(["a", "a", "a"]);
    expect([socket.closeCode, socket.closeReason]).toEqual([closeCode, closeReason]);
    expect(socket.status).toBe("success");
    expect(codeOf(() => socket.send("x"))).toBe("EPIPE");
    expect(peer.waitForEvent("close").code).toBe(closeCode);
  });

  test("waits behind messages that the ring had no room for", () => {
    const peer = startWsPeer();
    const socket = open(peer.url, { receiveBuffer: 4096 });
    peer.send({ do: "send", bytes: 10_000, count: 20 });
    peer.send({ do: "close", code: 4000, reason: "all" });
    expect(rest(socket).map((message) => message.length)).toEqual(Array.from({ length: 20 }, () => 10_000));
    expect([socket.closeCode, socket.closeReason]).toEqual([4000, "all"]);
  });

  test("is received if it arrives with the handshake", () => {
    const { socket } = rawPair([
      { opcode: 1, text: "hello" },
      { opcode: 8, hex: "0fa0" },
    ]);
    expect(rest(socket)).toEqual(["hello"]);
    expect(socket.closeCode).toBe(4000);
  });
});

describe("a connection that is lost", () => {
  test.each(["end", "reset"] as const)("by the peer's %s, is closed with 1006, after its messages", (how) => {
    const { peer, socket } = rawPair();
    peer.send({ do: "frames", frames: [{ opcode: 2, hex: "01" }] });
    expect(socket.waitUntilReadable(TIMEOUT)).toBe(true);
    peer.send({ do: how });
    expect(rest(socket)).toEqual([Buffer.from([1])]);
    expect(socket.closeCode).toBe(1006);
    expect(socket.error?.code ?? "none").toMatch(how === "reset" ? /ECONNRESET|EPIPE/ : /none/);
  });

  test("by a peer that dies in the middle of a message, is closed with 1006", () => {
    const { peer, socket } = rawPair([
      { opcode: 1, text: "whole" },
      { opcode: 2, hex: "0102", length: 1000 },
    ]);
    expect(socket.receive(TIMEOUT)).toBe("whole");
    peer.process.kill();
    expect(socket.receive(TIMEOUT)).toBeNull();
    expect(socket.closeCode).toBe(1006);
  });

  test("by a peer that stalls in the closing handshake, is given up after the linger time", () => {
    const { peer } = rawPair([], true);
    const { errors, output } = runProgram(
      `import { createRuntime } from "ringnet";
      import { openWebSocket } from "ringnet/websocket";
      const runtime = createRuntime({ lingerMs: 300 });
      const socket = openWebSocket("${peer.url}", { timeout: 10_000, runtime });
      socket.end(4000);
      console.log(socket.receive(10_000), socket.closeCode);
      const other = openWebSocket("${peer.url}", { timeout: 10_000, runtime });
      other.send("pending");
      other.close(4001);`,
    );
    expect({ errors, output }).toEqual({ errors: "", output: "null 1006\n" });
    expect(
      peer
        .events("frame")
        .filter(({ code }) => code !== undefined)
        .map(({ code }) => code),
    ).toEqual([4000, 4001]);
  });
});

test.each([100, 0])("%i messages are sent when the program ends, and its WebSocket is closed with 1001", (count) => {
  const peer = startWsPeer();
  const { errors } = runProgram(
    `import { openWebSocket } from "ringnet/websocket";
    const socket = openWebSocket("${peer.url}", { timeout: 10_000 });
    for (let i = 0; i < ${count}; i++) socket.send("x".repeat(1000));`,
  );
  expect(errors).toBe("");
  if (count > 0) peer.waitForEvent("message", count);
  expect(peer.waitForEvent("close").code).toBe(1001);
});
