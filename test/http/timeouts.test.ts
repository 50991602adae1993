/**
 * The timeout applies to every stage of a request, and the error names the stage.
 */

import { Deadline } from "ringnet";
import { createHttpClient, fetch, type HttpResponse, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { timed } from "../support/waiting.js";
import { type Server, startNodeServer, startRawServer, startSocks } from "./support/servers.js";

let server: Server;
let raw: Server;

beforeAll(() => {
  server = startNodeServer();
  raw = startRawServer({
    head: "HTTP/1.1 200 OK\r\nContent-Le",
    body: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    chunk: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    close: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    hints: "HTTP/1.1 103 Early Hints\r\n\r\n",
  });
  // The networking thread runs, and the parser is loaded: both would take a part of the first test's time.
  fetch(`${server.origin}/bytes/1`, { proxy: null, timeout: 20_000 }).text();
});

const MS = 400;

/** Expects a time-out of the request in `stage`, after `ms` milliseconds. */
function expectTimeout(stage: string, action: () => unknown, ms = MS): void {
  const { value: error, milliseconds } = timed(() => {
    try {
      action();
    } catch (error) {
      return error;
    }
    return null;
  });
  expect(error).toMatchObject({ code: "ETIMEDOUT", stage });
  expect((error as Error).message).toContain(`${ms} ms`);
  expect(milliseconds).toBeGreaterThanOrEqual(ms - 20);
  expect(milliseconds).toBeLessThan(ms + 3000);
}

function get(url: string, options: RequestOptions = {}) {
  return fetch(url, { timeout: MS, proxy: null, ...options });
}

test("the queue stage ends at the timeout", () => {
  const client = createHttpClient({ connections: 1, proxy: null });
  const first = client.fetch(`${server.origin}/slow?head=1500`);
  expectTimeout("queue", () => client.fetch(`${server.origin}/bytes/1`, { timeout: MS }).status);
  expect(first.status).toBe(200);
});

test("the resolve stage ends at the timeout, or with the resolver's error", () => {
  const outcome = runProgram(
    `import { listen } from "ringnet";
     import { fetch } from "ringnet/http";
     listen({ host: "127.0.0.1" }).close(); // the networking thread runs from here on
     try { fetch("http://name.invalid/", { proxy: null, timeout: 0 }).status; } catch (error) { console.log(error.code, error.stage); }
     try { fetch("http://name.invalid/", { proxy: null, timeout: 20_000 }).status; } catch (error) { console.log(error.code, error.stage, error.url); }`,
    { timeout: 25_000 },
  );
  // The system's resolver may answer at once that the name does not exist.
  expect(outcome.output).toMatch(
    /^(ETIMEDOUT|ENOTFOUND|EAI_AGAIN) resolve\n(ENOTFOUND|EAI_AGAIN) resolve http:\/\/name\.invalid\/\n$/,
  );
});

describe("the connect stage", () => {
  test("ends at the timeout", () => {
    const peer = startUnanswering();
    expectTimeout("connect", () => get(`http://127.0.0.1:${peer.port}/`).status);
  });

  test("ends at connectTimeout, which does not apply to later stages", () => {
    const peer = startUnanswering();
    expectTimeout(
      "connect",
      () => get(`http://127.0.0.1:${peer.port}/`, { timeout: 20_000, connectTimeout: MS }).status,
    );
    // It does not count once the connection is established.
    expect(get(`${server.origin}/slow?head=${2 * MS}`, { timeout: 20_000, connectTimeout: MS }).text()).toBe(
      "first last",
    );
  });

  test("has the whole connectTimeout for a request that waited for a free connection longer than that", () => {
    const client = createHttpClient({ connections: 1, proxy: null, timeout: 20_000 });
    const first = client.fetch(`${raw.origin}/close?pause=${MS + 100}`);
    const second = client.fetch(`${raw.origin}/close`, { connectTimeout: MS });
    expect([second.text(), first.text()]).toEqual(["ok", "ok"]);
  });
});

describe("the TLS stage", () => {
  test("ends at the timeout", () => {
    const peer = startPeer("silent");
    expectTimeout("TLS", () => get(`https://127.0.0.1:${peer.port}/`).status);
  });

  test("ends at connectTimeout", () => {
    const peer = startPeer("silent");
    expectTimeout("TLS", () => get(`https://127.0.0.1:${peer.port}/`, { timeout: 20_000, connectTimeout: MS }).status);
  });

  test("ends at the timeout behind a proxy that connects to a silent server", () => {
    const peer = startPeer("silent");
    const proxy = startSocks().origin;
    expectTimeout("TLS", () => get(`https://127.0.0.1:${peer.port}/`, { proxy }).status);
  });
});

describe("the proxy stage", () => {
  test.each(["http", "socks5h"])("ends at the timeout (%s)", (scheme) => {
    const peer = startPeer("silent");
    expectTimeout("proxy", () => get("https://127.0.0.1/", { proxy: `${scheme}://127.0.0.1:${peer.port}` }).status);
  });
});

test("the request stage ends at the timeout", () => {
  const peer = startPeer("silent", { paused: true });
  const body = Buffer.alloc(64 * 1024 * 1024);
  expectTimeout("request", () => get(`http://127.0.0.1:${peer.port}/`, { method: "POST", body }).status);
});

describe("the head stage", () => {
  test.each([
    ["nothing", () => `${server.origin}/late`],
    ["half of it", () => `${raw.origin}/head?then=stay`],
    ["hints only", () => `${raw.origin}/hints?then=stay`],
  ])("ends at the timeout if the server sends %s", (_name, url) => {
    expectTimeout("head", () => get(url()).status);
  });

  test("ends at the timeout if the server sends it byte by byte", () => {
    const peer = startPeer("drip", { text: `HTTP/1.1 200 OK\r\nA: ${"b".repeat(1000)}`, interval: 20 });
    expectTimeout("head", () => get(`http://127.0.0.1:${peer.port}/`).status);
  });
});

describe("the body stage", () => {
  test.each(["body", "chunk"])("ends at the timeout if the %s is incomplete", (path) => {
    let response: HttpResponse | undefined;
    expectTimeout("body", () => {
      response = get(`${raw.origin}/${path}?then=stay`);
      expect(response.status).toBe(200);
      response.text();
    });
    expect(() => response?.text()).toThrow(expect.objectContaining({ code: "ETIMEDOUT" })); // the failure is final
  });

  test("ends at the timeout if the server sends it byte by byte", () => {
    const peer = startPeer("drip", { head: "HTTP/1.1 200 OK\r\n\r\n", text: "b".repeat(1000), interval: 10 });
    expectTimeout("body", () => get(`http://127.0.0.1:${peer.port}/`).text());
  });

  test("ends at the timeout in a loop over the pieces", () => {
    const pieces: string[] = [];
    expectTimeout("body", () => {
      for (const piece of get(`${raw.origin}/body?then=stay`)) pieces.push(String(piece));
    });
    expect(pieces.join("")).toBe("half");
  });
});

test("accepts a deadline instead of a number", () => {
  expectTimeout("head", () => get(`${server.origin}/late`, { timeout: new Deadline(MS) }).status);
  expectTimeout("head", () => {
    const deadline = new Deadline(MS);
    const response = get(`${server.origin}/late`);
    expect(response.waitUntilHeaders(deadline)).toBe(false);
    expect(deadline.expired).toBe(true);
    response.text(deadline);
  });
});

test("an iterable that yields more slowly than its bytes are sent does not extend the time", () => {
  const { port } = startPeer("sink");
  const piece = Buffer.alloc(10);
  const body = function* () {
    for (let i = 0; i < 10_000_000; i++) yield piece;
  };
  expectTimeout("request", () => get(`http://127.0.0.1:${port}/`, { method: "POST", body: body() }).status);
});
