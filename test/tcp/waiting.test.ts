/**
 * The `waitUntil…` methods: what they wait for, how long, and what ends them early.
 */

import { connect, listen, NetError } from "ringnet";
import { describe, expect, test, vi } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { median, timed, waitFor } from "../support/waiting.js";
import { errorOf, fill, openTo, readBytes } from "./sockets.js";

describe("a timed wait against a silent peer ends within 20 ms of its timeout", () => {
  const stuck = () => {
    const socket = connect({ host: "127.0.0.1", port: startUnanswering().port });
    return { wait: (ms: number) => socket.waitUntilConnected(ms), close: () => socket.close() };
  };
  const silent = () => {
    const socket = openTo(startPeer("silent"));
    return { wait: (ms: number) => socket.waitUntilReadable(ms), close: () => socket.close() };
  };
  const full = () => {
    const socket = openTo(startPeer("silent"));
    fill(socket);
    return { wait: (ms: number) => socket.waitUntilWritable(ms), close: () => socket.close() };
  };
  const undrained = () => {
    const socket = openTo(startPeer("silent"));
    fill(socket);
    return { wait: (ms: number) => socket.waitUntilDrained(ms), close: () => socket.close() };
  };
  const server = () => {
    const server = listen({ host: "127.0.0.1" });
    return { wait: (ms: number) => server.waitUntilAcceptable(ms), close: () => server.close() };
  };

  test.each([
    ["waitUntilConnected", stuck],
    ["waitUntilReadable", silent],
    ["waitUntilWritable", full],
    ["waitUntilDrained", undrained],
    ["waitUntilAcceptable", server],
  ])("%s", (_name, prepare) => {
    const { wait, close } = prepare();
    for (const timeout of [10, 100, 400]) {
      const times = Array.from({ length: 5 }, () => timed(() => wait(timeout)).milliseconds);
      expect(Math.min(...times)).toBeGreaterThanOrEqual(timeout - 1);
      expect(median(times)).toBeLessThan(timeout + 250);
    }
    close();
  });

  test("a timeout of 0 polls once", () => {
    const socket = openTo(startPeer("silent"));
    const { value, milliseconds } = timed(() => Array.from({ length: 1000 }, () => socket.waitUntilReadable(0)));
    expect(value).not.toContain(true);
    expect(milliseconds).toBeLessThan(500);
    expect(socket.waitUntilReadable(0)).toBe(false);
    socket.close();
  });
});

describe("a wait returns for", () => {
  test("waitUntilReadable: bytes", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    for (const timeout of [-1, 5000, Number.POSITIVE_INFINITY]) {
      peer.send({ do: "write", text: "x", delay: 100 });
      const { value, milliseconds } = timed(() => socket.waitUntilReadable(timeout));
      expect(value).toBe(true);
      expect(milliseconds).toBeLessThan(1000);
      expect(socket.waitUntilReadable(0)).toBe(true); // it is still there
      expect(String(socket.read())).toBe("x");
      expect(socket.waitUntilReadable(0)).toBe(false);
    }
    socket.close();
  });

  test("waitUntilReadable: the end", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "end", delay: 100 });
    expect(socket.waitUntilReadable(-1)).toBe(true);
    expect(socket.read()).toBeNull();
    expect(socket.waitUntilReadable(-1)).toBe(true);
    socket.close();
  });

  test("waitUntilReadable: an error that read will throw", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset", delay: 100 });
    expect(socket.waitUntilReadable(-1)).toBe(true);
    expect(errorOf(() => socket.read()).code).toBe("ECONNRESET");
    socket.close();
  });

  test("waitUntilReadable before the connection is established", () => {
    const peer = startPeer("greeter", { text: "hello" });
    const socket = connect({ host: "localhost", port: peer.port });
    expect(socket.waitUntilReadable(5000)).toBe(true);
    expect(String(readBytes(socket, 5))).toBe("hello");
    socket.close();
  });

  test("waitUntilWritable: room", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    expect(socket.waitUntilWritable(0)).toBe(true);
    fill(socket);
    expect(socket.waitUntilWritable(0)).toBe(false);
    peer.send({ do: "resume", delay: 100 });
    const { value, milliseconds } = timed(() => socket.waitUntilWritable(-1));
    expect(value).toBe(true);
    expect(milliseconds).toBeLessThan(5000);
    expect(socket.writable).toBeGreaterThan(0);
    socket.close();
  });

  test("waitUntilDrained: nothing pending", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    expect(socket.waitUntilDrained(0)).toBe(0);
    fill(socket);
    expect(socket.waitUntilDrained(0)).toBeGreaterThan(0);
    peer.send({ do: "resume", delay: 100 });
    expect(socket.waitUntilDrained(-1)).toBe(0);
    socket.close();
  });
});

describe("a wait of -1 ends when the connection fails", () => {
  test("waitUntilConnected: the server has stopped listening", () => {
    const stuck = startUnanswering();
    const socket = connect({ host: "127.0.0.1", port: stuck.port });
    expect(socket.waitUntilConnected(50)).toBe("waiting");
    stuck.release();
    expect(socket.waitUntilConnected(-1)).toBe("failure");
    expect(socket.error).toBeInstanceOf(NetError);
    socket.close();
  });

  test("waitUntilReadable: the peer is killed and its system ends the connection", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "die", delay: 200 });
    const { value, milliseconds } = timed(() => socket.waitUntilReadable(-1));
    expect(value).toBe(true);
    expect(milliseconds).toBeLessThan(5000);
    expect(socket.read()).toBeNull();
    socket.close();
  });

  test("waitUntilReadable: the peer is killed with unread bytes and its system resets the connection", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    socket.write(Buffer.alloc(500_000));
    expect(socket.waitUntilDrained(1000)).toBe(0);
    peer.send({ do: "die", delay: 200 });
    expect(socket.waitUntilReadable(-1)).toBe(true);
    expect(errorOf(() => socket.read()).code).toBe("ECONNRESET");
    expect(socket.status).toBe("failure");
    socket.close();
  });

  test("waitUntilWritable: the peer is killed", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    fill(socket);
    peer.send({ do: "die", delay: 200 });
    const error = errorOf(() => {
      // The kernel may still have had some room when the peer was killed.
      while (socket.waitUntilWritable(-1)) socket.write(Buffer.alloc(65_536));
    });
    expect(error.code).toMatch(/^(ECONNRESET|EPIPE)$/);
    socket.close();
  });

  test("waitUntilDrained: the peer is killed", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    fill(socket);
    peer.send({ do: "die", delay: 200 });
    expect(errorOf(() => socket.waitUntilDrained(-1)).code).toMatch(/^(ECONNRESET|EPIPE)$/);
    socket.close();
  });

  test("a failed connection does not wait", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    waitFor("the failure", () => socket.status === "failure");
    const { milliseconds } = timed(() => {
      expect(socket.waitUntilConnected(-1)).toBe("failure");
      expect(socket.waitUntilReadable(-1)).toBe(true);
      expect(errorOf(() => socket.waitUntilWritable(-1)).code).toBe("ECONNRESET");
    });
    expect(milliseconds).toBeLessThan(1000);
    socket.close();
  });
});

test("a caller that waits for an answer is not woken when its request has been sent", () => {
  const socket = openTo(startPeer("pieces"));
  const request = `${JSON.stringify({ pieces: [{ base64: "eA==", delay: 5 }] })}\n`;
  const sleeps = vi.spyOn(Atomics, "wait");
  const rounds = 30;
  for (let i = 0; i < rounds; i++) {
    socket.writeAll(request, 5000);
    expect(String(socket.readExactly(1, 5000))).toBe("x");
  }
  expect(sleeps.mock.calls.length).toBeLessThan(1.5 * rounds); // with a wake-up for each request: 2
  sleeps.mockRestore();
  socket.close();
});
