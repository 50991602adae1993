/**
 * `read`, `readInto`, `readable`, and what follows the last byte.
 */

import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { pause, waitFor } from "../support/waiting.js";
import { errorOf, openTo, readBytes, readToEnd, writeBytes } from "./sockets.js";

describe("read(max)", () => {
  test("returns received bytes, at most max", () => {
    const peer = startPeer("greeter", { text: "0123456789" });
    const socket = openTo(peer);
    waitFor("the greeting", () => socket.readable === 10);
    expect(String(socket.read(3))).toBe("012");
    expect(String(socket.read(0))).toBe("");
    expect(String(socket.read(Number.POSITIVE_INFINITY))).toBe("3456789");
    expect(socket.read()).toEqual(Buffer.alloc(0));
    expect(socket.bytesRead).toBe(10);
    socket.close();
  });

  test("returns a Buffer owned by the caller", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer);
    writeBytes(socket, Buffer.from("first"));
    expect(socket.waitUntilReadable(5000)).toBe(true);
    const first = socket.read() as Buffer;
    expect(Buffer.isBuffer(first)).toBe(true);
    writeBytes(socket, Buffer.alloc(3 << 20, 1));
    readBytes(socket, 3 << 20);
    expect(first.toString()).toBe("first");
    socket.close();
  });

  test("returns an empty Buffer while the connection is waiting", () => {
    const stuck = startUnanswering();
    const socket = connect({ host: "127.0.0.1", port: stuck.port });
    expect(socket.read()).toHaveLength(0);
    expect(socket.readable).toBe(0);
    socket.close();
  });
});

describe("readInto(target)", () => {
  test("fills the target with received bytes and returns their number", () => {
    const peer = startPeer("greeter", { text: "0123456789" });
    const socket = openTo(peer);
    waitFor("the greeting", () => socket.readable === 10);
    const target = Buffer.alloc(8, ".");
    expect(socket.readInto(target.subarray(2, 6))).toBe(4);
    expect(String(target)).toBe("..0123..");
    expect(socket.readInto(new Uint8Array(0))).toBe(0);
    expect(socket.readInto(target)).toBe(6);
    expect(String(target)).toBe("456789..");
    expect(socket.readInto(target)).toBe(0);
    socket.close();
  });

  test("returns null at the end, however often it is called", () => {
    const peer = startPeer("halfClosed", { text: "x" });
    const socket = openTo(peer);
    const target = new Uint8Array(new SharedArrayBuffer(10));
    waitFor("a byte", () => socket.readInto(target) === 1);
    expect(target[0]).toBe(120);
    expect(socket.waitUntilReadable(5000)).toBe(true);
    for (let i = 0; i < 3; i++) expect(socket.readInto(target)).toBeNull();
    expect(socket.read()).toBeNull();
    socket.close();
  });
});

describe("readable", () => {
  test("is the number of bytes that can be read now", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    expect(socket.readable).toBe(0);
    peer.send({ do: "write", text: "12345" });
    waitFor("five bytes", () => socket.readable === 5);
    peer.send({ do: "write", text: "67" });
    waitFor("seven bytes", () => socket.readable === 7);
    socket.read(4);
    expect(socket.readable).toBe(3);
    socket.close();
    expect(socket.readable).toBe(0);
  });

  test("never exceeds the receive buffer", () => {
    const peer = startPeer("source", { bytes: 1_000_000 });
    const socket = openTo(peer, { receiveBuffer: 8192 });
    waitFor("a full ring", () => socket.readable === 8192);
    pause(50);
    expect(socket.readable).toBe(8192);
    socket.close();
  });
});

describe("a stream arrives as it was sent", () => {
  test.each([
    [4096, 2_000_000],
    [65_536, 20_000_000],
    [1 << 20, 50_000_000],
  ])("through a ring of %d bytes, %d bytes", (receiveBuffer, bytes) => {
    const peer = startPeer("source", { bytes, seed: 11 });
    const socket = openTo(peer, { receiveBuffer });
    const all = readToEnd(socket, 20_000);
    expect(all.error).toBeNull();
    expect(all.bytes.length).toBe(bytes);
    expect(sha256(all.bytes)).toBe(patternHash(11, bytes));
    expect(socket.bytesRead).toBe(bytes);
    socket.close();
  });

  test("byte by byte", () => {
    const peer = startPeer("drip", { text: "drop by drop", interval: 5 });
    const socket = openTo(peer);
    expect(readToEnd(socket).bytes.toString()).toBe("drop by drop");
    socket.close();
  });

  test("also when read only after the peer has ended", () => {
    const peer = startPeer("source", { bytes: 60_000, seed: 12 });
    const socket = openTo(peer, { receiveBuffer: 4096 }); // the others wait in the kernel
    peer.waitForEvent("connection");
    pause(200);
    expect(socket.readable).toBe(4096);
    expect(readToEnd(socket)).toEqual({ bytes: pattern(12, 0, 60_000), error: null });
    socket.close();
  });
});

describe("delivers what arrived before the error", () => {
  test("a reset, with all bytes in the ring", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "write", bytes: 100_000, seed: 13 });
    waitFor("the bytes", () => socket.readable === 100_000);
    peer.send({ do: "reset" });
    waitFor("the failure", () => socket.status === "failure");
    expect(socket.error?.code).toBe("ECONNRESET");
    expect(socket.readable).toBe(100_000);
    const { bytes, error } = readToEnd(socket);
    expect(bytes.equals(pattern(13, 0, 100_000))).toBe(true);
    expect(error?.code).toBe("ECONNRESET");
    expect(errorOf(() => socket.read()).message).toBe(error?.message);
    expect(errorOf(() => socket.readInto(Buffer.alloc(1))).message).toBe(error?.message);
    socket.close();
  });

  test("a reset, with bytes left in the kernel because the ring is full", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer, { receiveBuffer: 4096 });
    peer.waitForEvent("connection");
    peer.send({ do: "write", bytes: 40_000, seed: 14 });
    waitFor("a full ring", () => socket.readable === 4096);
    waitFor("the kernel to take the others", () => {
      peer.send({ do: "report" });
      pause(20);
      return peer.events("report").at(-1)?.sent === 40_000;
    });
    peer.send({ do: "reset" });
    peer.waitForEvent("close");
    const { bytes, error } = readToEnd(socket);
    expect(bytes.length).toBe(40_000);
    expect(bytes.equals(pattern(14, 0, 40_000))).toBe(true);
    expect(error?.code).toBe("ECONNRESET");
    socket.close();
  });

  test("a reset right behind the last bytes is never taken for the end of the stream", () => {
    const peer = startPeer("manual");
    for (let i = 1; i <= 30; i++) {
      const socket = openTo(peer);
      peer.waitForEvent("connection", 5000, i);
      peer.send({ do: "write", text: "the last bytes" });
      peer.send({ do: "reset" });
      const { bytes, error } = readToEnd(socket);
      expect(error?.code).toBe("ECONNRESET");
      expect(bytes.toString()).toBe("the last bytes");
      socket.close();
    }
  });

  test("a write that fails", () => {
    const peer = startPeer("reset", { text: "before the reset", after: 1 });
    const socket = openTo(peer);
    expect(socket.write("x")).toBe(1);
    waitFor("the failure", () => socket.status === "failure");
    expect(errorOf(() => socket.write("y")).code).toBe("ECONNRESET");
    const { bytes, error } = readToEnd(socket);
    expect(bytes.toString()).toBe("before the reset");
    expect(error?.code).toBe("ECONNRESET");
    socket.close();
  });
});
