/**
 * Proxies: squid, tinyproxy and microsocks, and the environment variables that choose them.
 */

import { createHttpClient, fetch, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { isExcepted } from "../../build/http/no-proxy.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";
import { type Server, startNodeServer, startSocks, startSquid, startTinyproxy } from "./support/servers.js";

let server: Server;
let squid: Server;
let tiny: Server;
let socks: Server;
let lockedSocks: Server;

beforeAll(() => {
  server = startNodeServer();
  squid = startSquid();
  tiny = startTinyproxy("user", "pass");
  socks = startSocks();
  lockedSocks = startSocks("user", "p:ss");
});

interface Seen {
  url: string;
  rawHeaders: string[];
  body: { length: number };
}

function via(proxy: string, path = "/echo", options: RequestOptions = {}) {
  return fetch(`${server.origin}${path}`, { timeout: 10_000, ...options, proxy });
}

const withUser = (origin: string, user: string) => origin.replace("://", `://${user}@`);

describe("an HTTP proxy", () => {
  test("gets the absolute URL, and forwards the request", () => {
    const seen = via(squid.origin, "/echo?a=b#c").json() as Seen;
    expect(seen.url).toBe("/echo?a=b");
    expect(seen.rawHeaders.map((name) => name.toLowerCase())).toContain("via");
    const body = Buffer.alloc(300_000);
    expect((via(squid.origin, "/echo", { method: "POST", body }).json() as Seen).body.length).toBe(300_000);
  });

  test("keeps its connection", () => {
    const client = createHttpClient({ proxy: squid.origin, timeout: 10_000 });
    for (let i = 0; i < 5; i++) expect(client.fetch(`${server.origin}/bytes/10`).text().length).toBe(10);
    expect(client.connections).toEqual({ open: 1, idle: 1 });
  });

  test("is used for redirects too", () => {
    expect(via(squid.origin, "/redirect/302?to=/bytes/3").text()).toBe("012");
  });

  test("gets its credentials; the server does not", () => {
    const seen = via(withUser(tiny.origin, "user:pass")).json() as Seen;
    expect(seen.rawHeaders.map((name) => name.toLowerCase())).not.toContain("proxy-authorization");
    expect(via(tiny.origin).status).toBe(407);
    expect(via(withUser(tiny.origin, "user:wrong")).ok).toBe(false);
  });

  test("its own error responses are returned", () => {
    const response = fetch(`http://127.0.0.1:${closedPort()}/`, { proxy: squid.origin, timeout: 10_000 });
    expect(response.status).toBe(503);
  });

  test("that can't be reached is an error that names it, without the password", () => {
    const port = closedPort();
    const proxy = `http://user:secret@127.0.0.1:${port}`;
    const failed = expect.objectContaining({
      code: "ECONNREFUSED",
      message: expect.stringContaining(`proxy 127.0.0.1:${port}`),
    });
    expect(() => via(proxy).status).toThrow(failed);
    expect(() => via(proxy).status).toThrow(expect.not.stringContaining("secret"));
  });
});

describe("a SOCKS proxy", () => {
  test.each(["socks5", "socks5h"])("carries requests and bodies (%s)", (scheme) => {
    const proxy = socks.origin.replace("socks5h", scheme);
    expect((via(proxy).json() as Seen).url).toBe("/echo");
    expect(fetch(`http://localhost:${server.port}/bytes/3`, { proxy, timeout: 10_000 }).text()).toBe("012");
    const body = Buffer.alloc(300_000);
    expect((via(proxy, "/echo", { method: "POST", body }).json() as Seen).body.length).toBe(300_000);
  });

  test("takes the user name and the password from its URL", () => {
    expect(via(withUser(lockedSocks.origin, "user:p%3Ass"), "/bytes/3").text()).toBe("012");
    for (const origin of [lockedSocks.origin, withUser(lockedSocks.origin, "user:wrong")]) {
      expect(() => via(origin).status).toThrow(expect.objectContaining({ code: "ERR_HTTP_PROXY", stage: "proxy" }));
    }
  });

  test("that can't reach the server is an error with the proxy's reason", () => {
    const port = closedPort();
    expect(() => fetch(`http://127.0.0.1:${port}/`, { proxy: socks.origin, timeout: 10_000 }).status).toThrow(
      expect.objectContaining({
        code: "ERR_HTTP_PROXY",
        message: expect.stringMatching(/could not connect to 127\.0\.0\.1:\d+: connection refused/),
      }),
    );
  });

  test.each([
    ["another version", "\x04\x00"],
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["no method", "\x05\xff"],
    ["a method that was not offered", "\x05\x01"],
    ["an unknown address type", "\x05\x00\x05\x00\x00\x09"],
    ["an unknown reply", "\x05\x00\x05\x77\x00\x01\x00\x00\x00\x00\x00\x00"],
  ])("that answers with %s is refused", (_name, reply) => {
    const peer = startPeer("greeter", { text: reply });
    expect(() => via(`socks5h://127.0.0.1:${peer.port}`).status).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_PROXY" }),
    );
  });

  test("that does not answer ends the request at its timeout", () => {
    const peer = startPeer("silent");
    expect(() => via(`socks5h://127.0.0.1:${peer.port}`, "/echo", { timeout: 200 }).status).toThrow(
      expect.objectContaining({ code: "ETIMEDOUT", stage: "proxy" }),
    );
    expect(() => via(`socks5h://127.0.0.1:${peer.port}`, "/echo", { connectTimeout: 200 }).status).toThrow(
      expect.objectContaining({ code: "ETIMEDOUT", stage: "proxy" }),
    );
  });
});

describe("the environment", () => {
  const CLEAR = Object.fromEntries(
    ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [
      [name, undefined],
      [name.toUpperCase(), undefined],
    ]),
  );

  const PROGRAM = `
    import { fetch } from "ringnet/http";
    const [url, rows] = process.argv.slice(1).map((text, i) => (i === 0 ? text : JSON.parse(text)));
    for (const { env, options } of rows) {
      Object.assign(process.env, env);
      try {
        const { rawHeaders } = fetch(url, { timeout: 5000, ...options }).json();
        console.log(rawHeaders.includes("Via") ? "proxy" : "direct"); // squid adds it
      } catch (error) {
        console.log(error.code);
      }
      for (const name of Object.keys(env)) delete process.env[name];
    }`;

  const dead = "http://127.0.0.1:1";

  const ROWS: [string, () => Record<string, string>, string, object?][] = [
    ["nothing", () => ({}), "direct"],
    ["http_proxy", () => ({ http_proxy: squid.origin }), "proxy"],
    ["HTTP_PROXY", () => ({ HTTP_PROXY: squid.origin }), "proxy"],
    ["small letters first", () => ({ http_proxy: squid.origin, HTTP_PROXY: dead }), "proxy"],
    ["without a scheme", () => ({ http_proxy: `127.0.0.1:${squid.port}` }), "proxy"],
    ["ALL_PROXY", () => ({ ALL_PROXY: squid.origin }), "proxy"],
    ["https_proxy is not for http", () => ({ https_proxy: dead }), "direct"],
    ["no_proxy", () => ({ http_proxy: dead, no_proxy: "example.org,127.0.0.1" }), "direct"],
    ["NO_PROXY=*", () => ({ http_proxy: dead, NO_PROXY: "*" }), "direct"],
    ["no_proxy with a port", () => ({ http_proxy: dead, no_proxy: `127.0.0.1:${server.port}` }), "direct"],
    ["no_proxy with another port", () => ({ http_proxy: dead, no_proxy: "127.0.0.1:1" }), "ECONNREFUSED"],
    ["HTTP_PROXY in a CGI program", () => ({ HTTP_PROXY: dead, REQUEST_METHOD: "GET" }), "direct"],
    [
      "ALL_PROXY in a CGI program",
      () => ({ HTTP_PROXY: dead, ALL_PROXY: squid.origin, REQUEST_METHOD: "GET" }),
      "proxy",
    ],
    ["proxy: null", () => ({ http_proxy: dead }), "direct", { proxy: null }],
    ["proxy: false", () => ({ http_proxy: dead }), "direct", { proxy: false }],
  ];

  test("chooses the proxy as curl does", () => {
    const rows = ROWS.map(([, env, , options]) => ({ env: env(), options }));
    const { output, errors } = runProgram(PROGRAM, {
      args: [`${server.origin}/echo`, JSON.stringify(rows)],
      env: CLEAR,
    });
    expect(errors).toBe("");
    const found = output.trim().split("\n");
    expect(ROWS.map(([name], i) => [name, found[i]])).toEqual(ROWS.map(([name, , expected]) => [name, expected]));
  });

  // curl 7.88 decides the same.
  test.each<[string, boolean, string[]]>([
    ["example.com", true, ["example.com", "www.example.com", "a.b.example.com", "example.com.", "EXAMPLE.com"]],
    ["example.com", false, ["notexample.com", "example.com.org", "com"]],
    [".example.com", true, ["example.com", "www.example.com"]],
    ["Example.COM.", true, ["example.com", "www.example.com."]],
    [" , a b\texample.com,,c ", true, ["example.com", "a", "c"]],
    ["", false, ["example.com"]],
    [".", false, ["example.com", "example.com."]],
    ["127.0.0.1", true, ["127.0.0.1", "0x7f.1"]],
    ["27.0.0.1,.0.0.1,0.1", false, ["127.0.0.1"]],
    ["127.0.0.0/8", true, ["127.0.0.1", "127.255.0.1"]],
    ["127.0.0.0/8,128.0.0.0/7", false, ["126.0.0.1", "localhost", "[::1]"]],
    ["127.0.0.1/33,127.0.0.1/,127.0.0.1/-1,127.0.0.1/8/8,127.0.0.1/0x8", false, ["127.0.0.1"]],
    ["::1", true, ["[::1]"]],
    ["::1", false, ["[::2]", "127.0.0.1"]],
  ])("no_proxy=%j: %s for %j", (list, excepted, hosts) => {
    expect(hosts.map((host) => isExcepted(new URL(`http://${host}/`), list))).toEqual(hosts.map(() => excepted));
  });

  // curl does not know these forms.
  test.each<[string, boolean, string[]]>([
    ["*", true, ["http://example.com", "https://[::1]:1"]],
    ["a, *", true, ["http://example.com"]],
    ["*.example.com", true, ["http://example.com", "http://www.example.com"]],
    ["*example.com", false, ["http://example.com", "http://notexample.com"]],
    ["example.com:80,b:443", true, ["http://example.com", "http://www.example.com", "https://b"]],
    ["example.com:80,b:443", false, ["http://example.com:8080", "https://example.com", "http://b"]],
    [
      "[::1]:80,[2001:db8::]/32,2001:db9:0::/48",
      true,
      ["http://[::1]", "http://[2001:db8::5]", "http://[2001:db9::5]"],
    ],
    ["[::1]:80,[2001:db8::]/32", false, ["http://[::1]:81", "http://[2001:db9::5]"]],
    ["127.0.0.1:80,127.0.0.0/8:81", true, ["http://127.0.0.1", "http://127.0.0.2:81"]],
  ])("no_proxy=%j: %s for %j", (list, excepted, urls) => {
    expect(urls.map((url) => isExcepted(new URL(url), list))).toEqual(urls.map(() => excepted));
  });
});
