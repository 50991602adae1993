/**
 * Peers that reset, end or die: while this side reads, writes, connects or is in a TLS handshake, and in the middle of a frame.
 */

import { connect, listen, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, fill, openTo, readToEnd } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";

const MEGABYTE = 1_000_000;
/** The error codes of a reset, depending on what this side is doing when it arrives. */
const RESET = ["ECONNRESET", "EPIPE"];
/** Far more than any of these takes, and far less than the timeouts of the waits in question. */
const SOON = 5000;

describe("reset while reading", () => {
  test.each([1, 1000, 100_000, 5 * MEGABYTE])(
    "after %d bytes: those that arrived are delivered in order, then the error",
    (bytes) => {
      const peer = startPeer("manual");
      const socket = openTo(peer, { receiveBuffer: 1 << 16 });
      peer.waitForEvent("connection");
      peer.send({ do: "write", bytes, seed: 3 });
      peer.send({ do: "reset", delay: 100 });
      const { bytes: got, error } = readToEnd(socket, 10_000);
      expect(RESET).toContain(error?.code);
      expect(got.equals(pattern(3, 0, got.length))).toBe(true);
      expect(got.length).toBeLessThanOrEqual(bytes);
      if (bytes <= 1000) expect(got.length).toBe(bytes);
      expect(socket.status).toBe("failure");
    },
  );

  test.each<[string, (socket: TcpSocket) => unknown]>([
    ["readExactly", (socket) => socket.readExactly(100, 20_000)],
    ["readLine", (socket) => socket.readLine(20_000)],
    ["readUntil", (socket) => socket.readUntil("\0", 20_000)],
    ["readAll", (socket) => socket.readAll(20_000)],
  ])("%s throws at once, and what had arrived stays readable", (_name, wait) => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "write", text: "half a fra" });
    peer.send({ do: "reset", delay: 300 });
    const { value: error, milliseconds } = timed(() => errorOf(() => wait(socket)));
    expect(RESET).toContain(error.code);
    expect(milliseconds).toBeLessThan(SOON);
    expect(String(socket.read())).toBe("half a fra");
    expect(errorOf(() => socket.read()).code).toBe(error.code);
  });

  test("before the program's first call", () => {
    const peer = startPeer("reset");
    const socket = openTo(peer, { timeout: undefined }); // the reset may come before the first check of the connection
    expect(socket.waitUntilReadable(SOON)).toBe(true);
    expect(errorOf(() => socket.read()).code).toBe("ECONNRESET");
  });
});

describe("reset while writing", () => {
  test.each<[string, (socket: TcpSocket) => unknown]>([
    ["writeAll", (socket) => socket.writeAll(Buffer.alloc(50 * MEGABYTE), 20_000)],
    [
      "waitUntilWritable",
      (socket) => {
        while (socket.waitUntilWritable(20_000)) socket.write(Buffer.alloc(1 << 16)); // the system may take a little more
      },
    ],
    ["waitUntilDrained", (socket) => socket.waitUntilDrained(20_000)],
  ])("%s throws at once", (name, wait) => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    if (name !== "writeAll") fill(socket);
    peer.send({ do: "reset", delay: 300 });
    const { value: error, milliseconds } = timed(() => errorOf(() => wait(socket)));
    expect(RESET).toContain(error.code);
    expect(milliseconds).toBeLessThan(SOON);
    expect(socket.status).toBe("failure");
    socket.close();
  });

  test("in the middle of a stream both ways: what the peer had sent is delivered", () => {
    const peer = startPeer("reset", { after: 300_000, text: "before the reset" });
    const socket = openTo(peer);
    const error = errorOf(() => {
      for (;;) socket.writeAll(pattern(4, 0, 100_000), 20_000);
    });
    expect(RESET).toContain(error.code);
    expect(String(readToEnd(socket).bytes)).toBe("before the reset");
  });
});

describe("reset while connecting", () => {
  test("fails a connection whose listener closes while its queue is full", () => {
    const stuck = startUnanswering();
    const socket = connect({ host: stuck.host, port: stuck.port });
    expect(socket.waitUntilConnected(200)).toBe("waiting");
    stuck.release();
    expect(socket.waitUntilConnected(20_000)).toBe("failure");
    expect(["ECONNREFUSED", "ECONNRESET"]).toContain(socket.error?.code);
  });

  test("200 at once to a peer that resets all: each ends with an error, none hangs", () => {
    const peer = startPeer("reset");
    const sockets = Array.from({ length: 200 }, () => connect({ host: peer.host, port: peer.port }));
    const codes = sockets.map((socket) => {
      socket.waitUntilConnected(10_000);
      expect(socket.waitUntilReadable(10_000)).toBe(true);
      return errorOf(() => socket.read()).code;
    });
    expect(new Set(codes)).toEqual(new Set(["ECONNRESET"]));
  });
});

describe("the connection fails if the server aborts the TLS handshake", () => {
  const connectTo = ({ port }: { port: number }, timeout = 20_000) =>
    timed(() => errorOf(() => connect({ host: "127.0.0.1", port, timeout, tls: { rejectUnauthorized: false } })));

  test("by a reset before it sends anything", () => {
    const { value, milliseconds } = connectTo(startPeer("reset", { after: 1 }));
    expect(value.code).toBe("ECONNRESET");
    expect(milliseconds).toBeLessThan(SOON);
  });

  test("by a reset in the middle of its first record", () => {
    const serverHello = "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";
    const { value, milliseconds } = connectTo(startPeer("reset", { text: serverHello }));
    expect(value.code).toBe("ECONNRESET");
    expect(milliseconds).toBeLessThan(SOON);
  });

  test("by an end", () => {
    const { value, milliseconds } = connectTo(startPeer("halfClosed", { text: "" }));
    expect(value.code).toBe("ECONNRESET"); // Node's code for it
    expect(milliseconds).toBeLessThan(SOON);
  });

  test("by its death", () => {
    const peer = startPeer("manual");
    const socket = connect({ host: peer.host, port: peer.port, tls: { rejectUnauthorized: false } });
    peer.waitForEvent("connection");
    peer.send({ do: "die", delay: 100 });
    expect(socket.waitUntilConnected(20_000)).toBe("failure");
    expect(socket.error?.code).toBe("ECONNRESET");
  });

  test("by silence: the caller's timeout holds", () => {
    const { value, milliseconds } = connectTo(startPeer("silent"), 400);
    expect(value.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeGreaterThan(395);
    expect(milliseconds).toBeLessThan(2000);
  });
});

describe("a client that aborts the TLS handshake", () => {
  test.each([
    ["a reset before it sends anything", "reset", {}],
    ["a reset in the middle of its first record", "reset", { text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" }],
    [
      "an end in the middle of its first record",
      "halfClosed",
      { text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" },
    ],
  ] as const)("by %s is not accepted, and other clients are served", (_name, behaviour, options) => {
    const { cert, key } = new Authority("resets").issue({ names: ["localhost"] });
    const server = listen({ host: "127.0.0.1", tls: { cert, key } });
    const rude = startPeer(behaviour, { connect: server.port, connections: 20, ...options });
    rude.waitForEvent("connection", 10_000, 20);
    const polite = startPeer("greeter", { connect: server.port, text: "good day", tls: { rejectUnauthorized: false } });
    const client = acceptFrom(server);
    expect(String(client.readExactly(8, 10_000))).toBe("good day");
    waitFor("all rude clients to be gone", () => rude.events("close").length === 20);
    expect(server.accept()).toBeNull();
    client.close();
    polite.waitForEvent("end");
    server.close();
  });
});

describe("a peer that ends in the middle of a frame", () => {
  const openWith = (text: string) => {
    const peer = startPeer("halfClosed", { text });
    return openTo(peer);
  };

  test("readExactly throws, and the bytes remain readable", () => {
    const socket = openWith("12345");
    expect(errorOf(() => socket.readExactly(10, SOON)).code).toBe("ERR_STREAM_PREMATURE_CLOSE");
    expect(String(socket.readExactly(5, SOON))).toBe("12345");
    expect(socket.readExactly(5, SOON)).toBeNull();
  });

  test("readUntil throws, and the bytes remain readable", () => {
    const socket = openWith("first;second");
    expect(String(socket.readUntil(";", SOON))).toBe("first;");
    expect(errorOf(() => socket.readUntil(";", SOON)).code).toBe("ERR_STREAM_PREMATURE_CLOSE");
    expect(String(socket.readAll(SOON))).toBe("second");
    expect(socket.readUntil(";", SOON)).toBeNull();
  });

  test("readLine: the end of the stream ends a line", () => {
    const socket = openWith("first\r\nlast");
    expect(socket.readLine(SOON)).toBe("first");
    expect(socket.readLine(SOON)).toBe("last");
    expect(socket.readLine(SOON)).toBeNull();
  });

  test("readExactly throws also in a frame longer than the ring", () => {
    const peer = startPeer("source", { bytes: 300_000, seed: 5 });
    const socket = openTo(peer, { receiveBuffer: 4096 });
    expect(errorOf(() => socket.readExactly(400_000, SOON)).code).toBe("ERR_STREAM_PREMATURE_CLOSE");
    expect(socket.readExactly(300_000, SOON)?.equals(pattern(5, 0, 300_000))).toBe(true);
  });
});
