/**
 * Kept connections: when they are reused, checked and closed, and which requests are sent again if one was dead.
 */

import { createHttpClient } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { connectionsTo } from "../support/kernel.js";
import { pause, waitFor } from "../support/waiting.js";
import { type Server, startNodeServer, startRawServer } from "./support/servers.js";

let server: Server;
let raw: Server;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";

beforeAll(() => {
  server = startNodeServer();
  raw = startRawServer({
    keep: `${OK}\r\nok`,
    close: `${OK}Connection: close\r\n\r\nok`,
    old: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    hint: `${OK}Keep-Alive: timeout=1\r\n\r\nok`,
    more: `${OK}\r\nok${OK}\r\nno`,
    nothing: "",
  });
});

function client(options = {}) {
  return createHttpClient({ proxy: null, timeout: 10_000, ...options });
}

function log(): string[] {
  return client().fetch(`${raw.origin}/log`).text().split("\n");
}

test("one connection serves one request after another", () => {
  const one = client();
  const numbers = Array.from({ length: 20 }, () => one.fetch(`${server.origin}/number`).text().split(" ")[0]);
  expect(new Set(numbers).size).toBe(1);
  expect(one.connections).toEqual({ open: 1, idle: 1 });
  one.close();
});

test("an unread response holds its connection, unless it is small", () => {
  const one = client();
  const small = one.fetch(`${server.origin}/bytes/100`);
  expect(small.status).toBe(200);
  expect(one.connections.idle).toBe(1);
  const large = one.fetch(`${server.origin}/bytes/5000000`);
  expect(large.status).toBe(200);
  expect(one.connections).toEqual({ open: 1, idle: 0 });
  large.close();
  expect(one.connections).toEqual({ open: 0, idle: 0 });
  expect(small.text().length).toBe(100);
});

test.each(["close", "old"])("a connection that the response ends is not reused (%s)", (path) => {
  const one = client();
  expect(one.fetch(`${raw.origin}/${path}?then=stay`).text()).toBe("ok");
  expect(one.connections).toEqual({ open: 0, idle: 0 });
});

test("a request with Connection: close closes the connection", () => {
  const one = client();
  one.fetch(`${server.origin}/bytes/1`, { headers: { connection: "close" } }).text();
  expect(one.connections.open).toBe(0);
});

test("a connection with unrequested bytes is not reused", () => {
  const one = client();
  expect(one.fetch(`${raw.origin}/more?then=stay`).text()).toBe("ok");
  expect(one.fetch(`${raw.origin}/keep?then=stay`).text()).toBe("ok");
  expect(one.connections.open).toBe(1);
});

test("keeps an idle connection for keepAliveMs, but not longer than the server says", () => {
  const hasty = client({ keepAliveMs: 0 });
  hasty.fetch(`${raw.origin}/keep?then=stay`).text();
  expect(hasty.connections).toEqual({ open: 0, idle: 0 });
  const hinted = client();
  hinted.fetch(`${raw.origin}/hint?then=stay`).text();
  expect(hinted.connections).toEqual({ open: 0, idle: 0 }); // its timeout of 1 s, less the margin of 1 s
});

test("does not use a connection that the server has ended meanwhile", () => {
  const ending = startRawServer({ keep: `${OK}\r\nok` });
  const one = client({ retry: false });
  for (let i = 0; i < 5; i++) {
    expect(one.fetch(`${ending.origin}/keep?then=end`).text()).toBe("ok");
    waitFor("the end of the connection", () => connectionsTo(ending.port) === 0);
    pause(20); // the networking thread may process the end later than the kernel
  }
  expect(one.connections.open).toBe(1);
});

describe("a kept connection that dies under a request", () => {
  /** The first request is answered, the second one gets a reset or an end instead of an answer. */
  test.each(["end", "reset"])("%s: an idempotent request is sent again once, over a new connection", (then) => {
    const one = client();
    one.fetch(`${raw.origin}/keep?then=stay`).text();
    const path = `/nothing?then=${then}&round=${then}`;
    expect(() => one.fetch(`${raw.origin}${path}`).text()).toThrow(
      expect.objectContaining({ code: then === "end" ? "ERR_STREAM_PREMATURE_CLOSE" : "ECONNRESET" }),
    );
    const tries = log().filter((line) => line.endsWith(path));
    expect(tries.length).toBe(2);
    expect(new Set(tries.map((line) => line.split(" ")[0])).size).toBe(2);
  });

  test.each([
    ["POST", { method: "POST", body: "x" }, {}],
    ["an iterable", { method: "PUT", body: [Buffer.from("x")] }, {}],
    ["retry: false", {}, { retry: false }],
  ])("%s: is not sent again", (name, request, options) => {
    const one = client(options);
    one.fetch(`${raw.origin}/keep?then=stay`).text();
    const path = `/nothing?then=end&name=${encodeURIComponent(name)}`;
    expect(() => one.fetch(`${raw.origin}${path}`, request).text()).toThrow(
      expect.objectContaining({ code: "ERR_STREAM_PREMATURE_CLOSE" }),
    );
    expect(log().filter((line) => line.endsWith(path)).length).toBe(1);
  });

  test("a first request is not sent again", () => {
    const path = "/nothing?then=end&first";
    expect(() => client().fetch(`${raw.origin}${path}`).text()).toThrow(/before it answered/);
    expect(log().filter((line) => line.endsWith(path)).length).toBe(1);
  });

  test("no request is lost to a server with a short keep-alive time", () => {
    const hasty = startNodeServer({ keepAliveTimeout: 20 });
    const one = client();
    for (let i = 0; i < 30; i++) {
      expect(one.fetch(`${hasty.origin}/bytes/3`).text()).toBe("012");
      pause(14 + i / 2);
    }
  });
});

test("connections to different hosts and ports are kept apart", () => {
  const one = client();
  one.fetch(`${server.origin}/bytes/1`).text();
  one.fetch(`${server.origin.replace("127.0.0.1", "localhost")}/bytes/1`).text();
  one.fetch(`${raw.origin}/keep?then=stay`).text();
  expect(one.connections).toEqual({ open: 3, idle: 3 });
  one.close();
});
