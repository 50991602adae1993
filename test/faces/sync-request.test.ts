/**
 * ringnet/sync-request: what the README of sync-request 6 promises, against a server of node:http. Run against the
 * original (6.1.0, 2026-11-27) 20 of the 25 pass; the others are rows of the table in docs/faces.md.
 */

import request, { FormData, Response } from "ringnet/sync-request";
import { beforeAll, describe, expect, test } from "vitest";
import { type Server, startNodeServer, startRawServer } from "../http/support/servers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";
import { timed } from "../support/waiting.js";

let server: Server;
let origin: string;

beforeAll(() => {
  for (const name of ["http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"]) delete process.env[name];
  server = startNodeServer();
  origin = server.origin;
});

const LIMIT = { timeout: 10_000 };

interface Seen {
  method: string;
  url: string;
  rawHeaders: string[];
  body: { length: number; text: string };
}

function echo(
  method: string,
  path = "/echo",
  options: Parameters<typeof request>[2] = {},
): Seen & { headers: Record<string, string> } {
  const seen = JSON.parse(request(method, `${origin}${path}`, { ...LIMIT, ...options }).getBody("utf8")) as Seen;
  const headers: Record<string, string> = {};
  for (let i = 0; i < seen.rawHeaders.length; i += 2) {
    headers[(seen.rawHeaders[i] as string).toLowerCase()] = seen.rawHeaders[i + 1] as string;
  }
  return { ...seen, headers };
}

test.each([
  [
    "require",
    'import { createRequire } from "node:module"; const request = createRequire(import.meta.url)("ringnet/sync-request");',
  ],
  ["import", 'import request from "ringnet/sync-request";'],
])("%s gives the function, with its classes", (_way, head) => {
  const use = `console.log(typeof request.FormData, request("GET", "${origin}/bytes/3", { timeout: 10000 }).getBody("utf8"));`;
  const { output, errors } = runProgram(head + use);
  expect({ output, errors }).toEqual({ output: "function 012\n", errors: "" });
});

describe("a response", () => {
  test("has a status, headers in small letters, a Buffer, and the URL", () => {
    const response = request("GET", `${origin}/bytes/3`, LIMIT);
    expect(response).toBeInstanceOf(Response);
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-length"]).toBe("3");
    expect(response.body).toEqual(Buffer.from("012"));
    expect(response.url).toBe(`${origin}/bytes/3`);
    expect([response.getBody(), response.getBody("utf8"), response.isError()]).toEqual([
      Buffer.from("012"),
      "012",
      false,
    ]);
  });

  test("with a status of 300 or more throws in getBody; the error has the status and the body", () => {
    const response = request("GET", `${origin}/status/404`, LIMIT);
    expect([response.statusCode, response.isError(), String(response.body)]).toEqual([404, true, "status 404"]);
    expect(() => response.getBody()).toThrow(
      expect.objectContaining({
        message: `Server responded to ${origin}/status/404 with status code 404:\nstatus 404`,
        statusCode: 404,
        body: Buffer.from("status 404"),
        url: `${origin}/status/404`,
      }),
    );
  });

  test("has a list of cookies; other repeated headers have Node's form", () => {
    const raw = startRawServer({
      twice:
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: 1\r\nx-a: 2\r\nETag: x\r\nETag: y\r\nContent-Length: 0\r\n\r\n",
    });
    expect(request("GET", `${raw.origin}/twice`, LIMIT).headers).toEqual({
      "set-cookie": ["a=1", "b=2"],
      "x-a": "1, 2",
      etag: "x",
      "content-length": "0",
    });
  });

  test("is decompressed, unless gzip is false", () => {
    const response = request("GET", `${origin}/coded/gzip?bytes=1000`, LIMIT);
    expect([response.body.length, response.headers["content-encoding"]]).toEqual([1000, undefined]);
    const coded = request("GET", `${origin}/coded/gzip?bytes=1000`, { ...LIMIT, gzip: false });
    expect([coded.body.length < 1000, coded.headers["content-encoding"]]).toEqual([true, "gzip"]);
    expect(echo("GET").headers["accept-encoding"]).toBe("gzip,deflate");
  });
});

describe("a request", () => {
  test("has a method in any case, headers, and a URL object", () => {
    const seen = echo("get", "/echo?a=b", { headers: { "X-One": "1", "x-two": ["2", "3"], "x-three": undefined } });
    expect([seen.method, seen.url, seen.headers["x-one"], seen.headers["x-two"]]).toEqual([
      "GET",
      "/echo?a=b",
      "1",
      "3",
    ]);
    expect(request("GET", new URL(`${origin}/bytes/1`), LIMIT).getBody("utf8")).toBe("0");
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["/echo", { a: "b" }, "/echo?a=b"],
    ["/echo?a=1&b=2#c", { a: "x y", d: 3 }, "/echo?a=x%20y&b=2&d=3"],
    [
      "/echo",
      { a: ["b", "c"], d: { e: "f" }, g: null, h: undefined, i: true },
      "/echo?a%5B0%5D=b&a%5B1%5D=c&d%5Be%5D=f&g=&i=true",
    ],
    ["/echo", {}, "/echo"],
  ])("%s with the query %j", (path, qs, expected) => {
    expect(echo("GET", path, { qs }).url).toBe(expected);
  });

  test("sends JSON, texts, bytes and forms", () => {
    const json = echo("POST", "/echo", { json: { a: ["ü"] } });
    expect([json.body.text, json.headers["content-type"]]).toEqual(['{"a":["Ã¼"]}', "application/json"]);
    const named = echo("PUT", "/echo", { json: 1, headers: { "content-type": "application/x" } });
    expect(named.headers["content-type"]).toBe("application/x");
    const text = echo("POST", "/echo", { body: "text" });
    expect([text.body.text, text.headers["content-type"], text.headers["content-length"]]).toEqual([
      "text",
      undefined,
      "4",
    ]);
    expect(echo("POST", "/echo", { body: Buffer.alloc(3_000_000) }).body.length).toBe(3_000_000);
    const form = new FormData();
    form.append("a", "1");
    form.append('b"', Buffer.from("bytes"), "file.bin");
    const sent = echo("POST", "/echo", { form });
    expect(sent.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(sent.body.text).toContain('name="a"\r\n\r\n1\r\n');
    expect(sent.body.text).toContain(
      'name="b%22"; filename="file.bin"\r\nContent-Type: application/octet-stream\r\n\r\nbytes\r\n',
    );
  });

  test.each<[string, () => unknown, RegExp]>([
    ["a method that is none", () => request(7 as never, origin), /method must be a string/],
    ["an invalid URL", () => request("GET", 7 as never), /URL\/path must be a string/],
    ["options that are none", () => request("GET", origin, "x" as never), /must be an object/],
    ["an unknown option", () => request("GET", origin, { cache: "file" } as never), /unknown option cache/],
    ["a body with GET", () => request("GET", origin, { body: "x" }), /cannot pass a body to a GET/],
    ["a body that is none", () => request("POST", origin, { body: 7 as never }), /should be a Buffer or a String/],
    ["two bodies", () => request("POST", origin, { body: "x", json: 1 }), /only one of/],
    ["a header with a line end", () => request("GET", origin, { headers: { a: "b\r\nc: d" } }), /a/],
  ])("%s is refused", (_name, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("redirects", () => {
  test("are followed without a body and without headers that are not allowed", () => {
    const options = { headers: { "x-a": "1", "x-b": "2", authorization: "x" }, allowRedirectHeaders: ["X-B"] };
    const seen = echo("POST", "/redirect/307?to=/echo", { ...options, body: "gone" });
    expect([seen.method, seen.body.length, seen.headers["x-a"], seen.headers["x-b"]]).toEqual([
      "GET",
      0,
      undefined,
      "2",
    ]);
    expect(seen.headers.authorization).toBeUndefined();
    expect(request("GET", `${origin}/redirect/302?to=/bytes/3`, LIMIT).url).toBe(`${origin}/bytes/3`);
  });

  test("are not followed with followRedirects: false, and at most maxRedirects times", () => {
    const response = request("GET", `${origin}/redirect/302?to=/bytes/3`, { ...LIMIT, followRedirects: false });
    expect([response.statusCode, response.headers.location]).toEqual([302, "/bytes/3"]);
    expect(request("GET", `${origin}/count/3`, { ...LIMIT, maxRedirects: 3 }).getBody("utf8")).toBe("there");
    expect(() => request("GET", `${origin}/count/4`, { ...LIMIT, maxRedirects: 3 })).toThrow(
      /Maximum number of redirects/,
    );
    expect(() => request("GET", `${origin}/count/30`, LIMIT)).toThrow(/Maximum number of redirects/);
    expect(() => request("GET", `${origin}/redirect/302?to=http://[`, LIMIT)).toThrow(/redirects to something/);
  });
});

describe("time and failures", () => {
  test("timeout is for the whole request, socketTimeout for each wait", () => {
    for (const options of [{ timeout: 300 }, { socketTimeout: 300 }]) {
      const { value, milliseconds } = timed(() => {
        try {
          return request("GET", `${origin}/late`, options);
        } catch (error) {
          return error;
        }
      });
      expect(value).toMatchObject({ code: "ETIMEDOUT" });
      expect(milliseconds).toBeLessThan(5000);
    }
    expect(() => request("GET", `${origin}/slow?body=3000`, { socketTimeout: 300 })).toThrow(/timed out after 300ms/);
  });

  test("a refused connection is an error with the system's code", () => {
    expect(() => request("GET", `http://127.0.0.1:${closedPort()}/`, LIMIT)).toThrow(
      expect.objectContaining({ code: "ECONNREFUSED" }),
    );
  });

  test("a GET is sent again where retry says so, a POST is not", () => {
    const raw = startRawServer({ again: "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n" });
    const tries = () => request("GET", `${raw.origin}/log`, LIMIT).getBody("utf8").split("\n").filter(Boolean).length;
    const options = { ...LIMIT, retry: true, maxRetries: 2, retryDelay: 20 };
    expect(request("GET", `${raw.origin}/again?then=stay`, options).statusCode).toBe(503);
    expect(tries()).toBe(3);
    expect(request("POST", `${raw.origin}/again?then=stay`, options).statusCode).toBe(503);
    expect(tries()).toBe(4);
  });
});
