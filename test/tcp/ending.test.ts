/**
 * `end`, `reset`, `close` and `Symbol.dispose`.
 */

import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { connectionsTo, openSockets } from "../support/kernel.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf, fill, openTo, readBytes, readToEnd, writeBytes } from "./sockets.js";

describe("end()", () => {
  test("sends what was written and then the end; reading goes on", () => {
    const peer = startPeer("late", { bytes: 3_000_000, seed: 21 });
    const socket = openTo(peer);
    const data = pattern(20, 0, 3_000_000);
    writeBytes(socket, data);
    socket.end();
    socket.end();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: data.length, sha256: sha256(data) });
    const { bytes, error } = readToEnd(socket);
    expect(error).toBeNull();
    expect(sha256(bytes)).toBe(patternHash(21, 3_000_000));
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("while waiting: what was written goes out once connected, then the end", () => {
    const peer = startPeer("sink", { reply: "thanks" });
    const socket = connect({ host: "localhost", port: peer.port });
    socket.write("early");
    socket.end();
    expect(readToEnd(socket).bytes.toString()).toBe("thanks");
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 5 });
    socket.close();
  });

  test("works without a byte written", () => {
    const peer = startPeer("sink", { reply: "nothing?" });
    const socket = openTo(peer);
    socket.end();
    expect(readToEnd(socket).bytes.toString()).toBe("nothing?");
    socket.close();
  });

  test("works after the peer's end, and closes the connection", () => {
    const peer = startPeer("halfClosed", { text: "I end first" });
    const socket = openTo(peer);
    expect(readToEnd(socket).bytes.toString()).toBe("I end first");
    writeBytes(socket, Buffer.from("me too"));
    socket.end();
    expect(peer.waitForEvent("close")).toMatchObject({ bytes: 6, sha256: sha256("me too") });
    socket.close();
    expect(peer.events("error")).toEqual([]);
  });
});

describe("reset()", () => {
  test("the peer sees a reset", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    socket.reset();
    expect(peer.waitForEvent("error").code).toBe("ECONNRESET");
    expect(socket.status).toBe("failure");
    socket.reset();
  });

  test("drops what is pending", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    fill(socket);
    const { milliseconds } = timed(() => socket.reset());
    expect(milliseconds).toBeLessThan(1000);
    peer.send({ do: "resume" });
    expect(peer.waitForEvent("error").code).toBe("ECONNRESET");
  });

  test("cancels a connection attempt", () => {
    const stuck = startUnanswering();
    const socket = connect({ host: "127.0.0.1", port: stuck.port });
    socket.reset();
    expect(socket.status).toBe("failure");
  });
});

describe("close()", () => {
  test("ends the connection cleanly", () => {
    const peer = startPeer("sink");
    const socket = openTo(peer);
    socket.close();
    expect(peer.waitForEvent("close")).toMatchObject({ bytes: 0 });
    expect(peer.events("error")).toEqual([]);
  });

  test("returns immediately, and what was written is still sent", () => {
    const peer = startPeer("slow", { piece: 256 << 10, interval: 10 });
    const socket = openTo(peer, { sendBuffer: 8 << 20 });
    const data = pattern(22, 0, 8_000_000);
    expect(socket.write(data)).toBe(data.length);
    const { milliseconds } = timed(() => socket.close());
    expect(milliseconds).toBeLessThan(1000);
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: data.length, sha256: sha256(data) });
    expect(peer.events("error")).toEqual([]);
  });

  test("sends what was written to a connection that is still waiting", () => {
    const peer = startPeer("sink");
    const socket = connect({ host: "localhost", port: peer.port });
    socket.write("early");
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 5, sha256: sha256("early") });
  });

  test("sends what was written although the peer's bytes were left unread", () => {
    const peer = startPeer("source", { bytes: 300_000, keepOpen: true });
    const before = openSockets();
    const socket = openTo(peer, { receiveBuffer: 4096 });
    readBytes(socket, 1);
    const data = pattern(23, 0, 1_000_000);
    writeBytes(socket, data);
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: data.length, sha256: sha256(data) });
    // Once the peer has ended too, there is nothing to linger for.
    peer.send({ do: "end" });
    waitFor("the socket to be closed", () => openSockets() === before, 3000);
  });

  test("is bounded by the linger time with a peer that never reads", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    fill(socket);
    socket.close();
    // A paused peer reports nothing; the system's table of connections shows it.
    expect(connectionsTo(peer.port)).toBe(1);
    waitFor("the connection to be left", () => connectionsTo(peer.port) === 0, 15_000);
  });

  test("is idempotent; afterwards every method says that the connection is closed", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer);
    socket.close();
    socket.close();
    expect(socket.closed).toBe(true);
    expect(socket.status).toBe("failure");
    expect(socket.error?.message).toMatch(/closed/);
    expect(socket.waitUntilConnected(-1)).toBe("failure");
    const calls = [
      () => socket.read(),
      () => socket.readInto(Buffer.alloc(1)),
      () => socket.write("x"),
      () => socket.pendingWrites,
      () => socket.waitUntilReadable(-1),
      () => socket.waitUntilWritable(-1),
      () => socket.waitUntilDrained(-1),
      () => socket.end(),
      () => socket.setNoDelay(true),
      () => socket.setKeepAlive(true),
    ];
    for (const call of calls) expect(errorOf(call).message).toMatch(/closed/);
    expect(socket.readable).toBe(0);
    expect(socket.writable).toBe(0);
  });

  test("works after the connection failed", () => {
    const peer = startPeer("reset", { after: 0 });
    const socket = connect({ host: "127.0.0.1", port: peer.port });
    socket.waitUntilReadable(5000);
    socket.close();
    expect(socket.closed).toBe(true);
  });

  test("2,000 connections one after another reuse memory", () => {
    const peer = startPeer("echo", { hash: false });
    for (let i = 0; i < 2000; i++) {
      const socket = openTo(peer);
      writeBytes(socket, Buffer.from(`${i}`));
      expect(String(readBytes(socket, `${i}`.length))).toBe(`${i}`);
      socket.close();
    }
  });
});

test("Symbol.dispose closes", () => {
  const peer = startPeer("sink");
  const socket = openTo(peer);
  writeBytes(socket, Buffer.from("bytes"));
  socket[Symbol.dispose]();
  expect(socket.closed).toBe(true);
  socket[Symbol.dispose]();
  expect(peer.waitForEvent("end").bytes).toBe(5);
});
