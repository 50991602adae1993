/**
 * ringnet/sync-fetch: what the README and the tests of sync-fetch 0.6 promise, against a server of node:http.
 */

import fetch, { FetchError, Headers, Request, Response } from "ringnet/sync-fetch";
import { beforeAll, describe, expect, test } from "vitest";
import { type Server, startNodeServer, startRawServer } from "../http/support/servers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";

let server: Server;
let origin: string;

beforeAll(() => {
  for (const name of ["http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"]) delete process.env[name];
  server = startNodeServer();
  origin = server.origin;
});

const LIMIT = { timeout: 10_000 };

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

function header(seen: { rawHeaders: string[] }, name: string): string | undefined {
  const index = seen.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return index < 0 ? undefined : seen.rawHeaders[index + 1];
}

describe("loading", () => {
  const USE = `console.log(typeof fetch, fetch.name, ["Headers", "Request", "Response", "FetchError"].map((name) => typeof fetch[name]).join(),
    fetch("ORIGIN/bytes/3", { timeout: 10000 }).text());`;

  test.each([
    [
      "require",
      'import { createRequire } from "node:module"; const fetch = createRequire(import.meta.url)("ringnet/sync-fetch");',
    ],
    ["import", 'import fetch from "ringnet/sync-fetch";'],
  ])("%s gives the function, with its classes", (_way, head) => {
    const { output, errors } = runProgram(head + USE.replace("ORIGIN", origin));
    expect({ output, errors }).toEqual({
      output: "function fetch function,function,function,function 012\n",
      errors: "",
    });
  });

  test("the objects have their class names", () => {
    expect(String(new Headers())).toBe("[object Headers]");
    expect(String(new Response())).toBe("[object Response]");
    expect(String(new Request(origin))).toBe("[object Request]");
  });
});

describe("the response", () => {
  test("has status, headers, url and the body in every form", () => {
    const get = () => fetch(`${origin}/bytes/5`, LIMIT);
    const response = get();
    expect(response).toBeInstanceOf(Response);
    expect(response.headers).toBeInstanceOf(Headers);
    expect(response).toMatchObject({ status: 200, ok: true, statusText: "OK", redirected: false, bodyUsed: false });
    expect(response).toMatchObject({ url: `${origin}/bytes/5`, type: "default" });
    expect(response.headers.get("Content-Length")).toBe("5");
    expect(response.text()).toBe("01234");
    expect(response.bodyUsed).toBe(true);
    expect(() => response.text()).toThrow(TypeError);
    expect(get().buffer()).toEqual(Buffer.from("01234"));
    expect(get().arrayBuffer()).toEqual(new TextEncoder().encode("01234").buffer);
    expect(get().blob()).toMatchObject({ size: 5 });
    expect(fetch(`${origin}/echo`, LIMIT).json()).toMatchObject({ method: "GET", url: "/echo" });
  });

  test("body is a stream of the bytes", async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of fetch(`${origin}/bytes/5`, LIMIT).body as ReadableStream<Uint8Array>) pieces.push(piece);
    expect(String(Buffer.concat(pieces))).toBe("01234");
  });

  test("with an error status does not throw", () => {
    const response = fetch(`${origin}/status/500`, LIMIT);
    expect(response).toMatchObject({ status: 500, ok: false, statusText: "Internal Server Error" });
    expect(response.text()).toBe("status 500");
  });

  test("without a body has an empty text, and json() throws", () => {
    expect(fetch(`${origin}/status/204`, LIMIT).text()).toBe("");
    expect(fetch(`${origin}/bytes/5`, { method: "HEAD", ...LIMIT }).text()).toBe("");
    const error = thrownBy(() => fetch(`${origin}/status/204`, LIMIT).json());
    expect(error).toBeInstanceOf(FetchError);
    expect(error).toMatchObject({ name: "FetchError", type: "invalid-json" });
  });

  test("can be cloned until its body is used", () => {
    const response = fetch(`${origin}/bytes/5`, LIMIT);
    const copy = response.clone();
    expect([response.text(), copy.text(), copy.url]).toEqual(["01234", "01234", response.url]);
    expect(() => response.clone()).toThrow(TypeError);
  });

  test("raw headers keep several values separate", () => {
    const { headers } = fetch(`${origin}/cookie?set=a%3D1&set=b%3D2`, LIMIT);
    expect(headers.raw()["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(headers.get("set-cookie")).toBe("a=1, b=2");
  });

  test.each(["gzip", "deflate", "br"])("%s is decoded, unless compress is false", (coding) => {
    const url = `${origin}/coded/${coding}?bytes=1000&fill=a`;
    expect(fetch(url, LIMIT).text()).toBe("a".repeat(1000));
    expect(fetch(url, { compress: false, ...LIMIT }).buffer().length).toBeLessThan(1000);
  });
});

describe("the request", () => {
  const echo = (init: object) => fetch(`${origin}/echo`, { ...LIMIT, ...init }).json();

  test.each<[string, unknown, string | undefined, string]>([
    ["a string", "a=1", "text/plain;charset=UTF-8", "a=1"],
    ["a Buffer", Buffer.from("a=1"), undefined, "a=1"],
    ["an ArrayBuffer", new Uint8Array([65, 66]).buffer, undefined, "AB"],
    ["a view", new DataView(new Uint8Array([65, 66, 67]).buffer, 1), undefined, "BC"],
    ["URLSearchParams", new URLSearchParams({ a: "1" }), "application/x-www-form-urlencoded;charset=UTF-8", "a=1"],
    ["any object", { a: 1 }, "text/plain;charset=UTF-8", "[object Object]"],
  ])("sends %s as its body", (_name, body, type, text) => {
    const seen = echo({ method: "POST", body });
    expect(seen.body.text).toBe(text);
    expect(header(seen, "content-type")).toBe(type);
    expect(header(seen, "content-length")).toBe(`${text.length}`);
  });

  test.each([
    ["stream", new ReadableStream()],
    ["Blob", new Blob([])],
    ["FormData", new FormData()],
  ])("a %s as body is refused", (_name, body) => {
    expect(() => fetch(`${origin}/echo`, { method: "POST", body: body as never })).toThrow(TypeError);
  });

  test("a body with GET or HEAD, relative URLs, other schemes and an invalid timeout are refused", () => {
    expect(() => fetch(`${origin}/echo`, { body: "x" })).toThrow(TypeError);
    expect(() => fetch(`${origin}/echo`, { method: "head", body: "x" })).toThrow(TypeError);
    for (const url of ["//example.com/", "/path", "ftp://example.com/"]) expect(() => fetch(url)).toThrow(TypeError);
    expect(() => fetch("http://user:secret@127.0.0.1:99999/")).toThrow(expect.not.stringContaining("secret"));
    expect(() => fetch(`${origin}/echo`, { timeout: 1.5 })).toThrow(TypeError);
  });

  test("sends custom headers, also Host; corrects a wrong Content-Length", () => {
    const seen = echo({
      method: "POST",
      body: "abc",
      headers: { HoSt: "example.com", "X-A": "b", "Content-Length": "9" },
    });
    expect([header(seen, "host"), header(seen, "x-a"), header(seen, "content-length")]).toEqual([
      "example.com",
      "b",
      "3",
    ]);
    expect(header(echo({ headers: new Headers([["x-a", "c"]]) }), "x-a")).toBe("c");
    expect(header(echo({ headers: new globalThis.Headers({ "x-a": "d" }) }), "x-a")).toBe("d");
  });

  test("sends a Request; options beside it take precedence", () => {
    const request = new Request(`${origin}/echo`, { method: "put", body: "abc", headers: { a: "1" }, follow: 3 });
    expect(request).toMatchObject({
      method: "PUT",
      url: `${origin}/echo`,
      follow: 3,
      redirect: "follow",
      bodyUsed: false,
    });
    expect(request.clone().text()).toBe("abc");
    const seen = fetch(request, { ...LIMIT, headers: { a: "2" } }).json();
    expect([seen.method, seen.body.text, header(seen, "a")]).toEqual(["PUT", "abc", "2"]);
    expect(fetch(request, { ...LIMIT, method: "POST", body: "d" }).json()).toMatchObject({
      method: "POST",
      body: { text: "d" },
    });
  });
});

describe("redirects", () => {
  const to = (status: number) => `${origin}/redirect/${status}?to=/echo`;

  test.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "PUT", "GET"],
    [301, "PATCH", "PATCH"],
    [307, "PATCH", "PATCH"],
    [308, "POST", "POST"],
  ])("%i after %s is followed with %s", (status, method, then) => {
    const response = fetch(to(status), { method, body: "a=1", ...LIMIT });
    expect(response).toMatchObject({ status: 200, redirected: true, url: `${origin}/echo` });
    expect(response.json()).toMatchObject({ method: then, body: { text: then === "GET" ? "" : "a=1" } });
  });

  test("manual gives the redirect, with Location as the server sent it", () => {
    const response = fetch(to(301), { redirect: "manual", ...LIMIT });
    expect(response).toMatchObject({ status: 301, url: to(301), redirected: false });
    expect(response.headers.get("location")).toBe("/echo");
  });

  test.each<[string, object, string]>([
    ["error", { redirect: "error" }, "no-redirect"],
    ["follow: 0", { follow: 0 }, "max-redirect"],
    ["follow: 1", { follow: 1 }, "max-redirect"],
  ])("%s throws", (_name, init, type) => {
    const error = thrownBy(() => fetch(`${origin}/count/2`, { ...LIMIT, ...init }));
    expect(error).toBeInstanceOf(FetchError);
    expect(error).toMatchObject({ type });
    expect(fetch(`${origin}/count/2`, { ...LIMIT, follow: 2 }).text()).toBe("there");
  });
});

describe("failures", () => {
  test("of the network are of type system, with the code", () => {
    const error = thrownBy(() => fetch(`http://127.0.0.1:${closedPort()}/`, LIMIT));
    expect(error).toBeInstanceOf(FetchError);
    expect(error).toMatchObject({ type: "system", code: "ECONNREFUSED", errno: "ECONNREFUSED" });
  });

  test("a timeout before the head is thrown by fetch, a later one on reading the body", () => {
    expect(thrownBy(() => fetch(`${origin}/slow?head=5000`, { timeout: 200 }))).toMatchObject({
      type: "request-timeout",
    });
    const response = fetch(`${origin}/slow?body=5000`, { timeout: 500 });
    expect(response.status).toBe(200);
    expect(thrownBy(() => response.text())).toMatchObject({ name: "FetchError", type: "body-timeout" });
  });

  test("a body longer than size is an error on reading it", () => {
    const response = fetch(`${origin}/bytes/11`, { size: 10, ...LIMIT });
    expect(thrownBy(() => response.text())).toMatchObject({ type: "max-size" });
    expect(fetch(`${origin}/bytes/10`, { size: 10, ...LIMIT }).text().length).toBe(10);
  });

  test("a body that is cut off is an error on reading it", () => {
    const raw = startRawServer({ cut: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort" });
    const response = fetch(`${raw.origin}/cut`, LIMIT);
    expect(response.status).toBe(200);
    expect(thrownBy(() => response.text())).toMatchObject({ type: "system", code: "ERR_STREAM_PREMATURE_CLOSE" });
  });

  test("a connection that ends before the head is an error with Node's code", () => {
    const raw = startRawServer({ nothing: "" });
    expect(thrownBy(() => fetch(`${raw.origin}/nothing`, LIMIT))).toMatchObject({
      type: "system",
      code: "ECONNRESET",
      errno: "ECONNRESET",
      cause: { code: "ERR_STREAM_PREMATURE_CLOSE" },
    });
  });

  test.each([
    ["gzip", "Z_DATA_ERROR"],
    ["deflate", "Z_DATA_ERROR"],
    ["br", expect.stringMatching(/^ERR__/)],
  ])("a body that is not %s is an error on reading it, with the code of node:zlib", (coding, code) => {
    const raw = startRawServer({
      wrong: `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: 8\r\n\r\nno codes`,
    });
    const error = thrownBy(() => fetch(`${raw.origin}/wrong`, LIMIT).text());
    expect(error).toMatchObject({ type: "system", code, cause: { code: "ERR_CONTENT_DECODING" } });
  });

  test("a signal that has aborted throws its reason", () => {
    expect(thrownBy(() => fetch(origin, { signal: AbortSignal.abort() }))).toMatchObject({ name: "AbortError" });
  });
});

describe("Headers", () => {
  test("join, sort and iterate", () => {
    const headers = new Headers({ b: "2", A: " 1 " });
    headers.append("B", "3");
    expect(headers.keys()).toEqual(["a", "b"]);
    expect(headers.values()).toEqual(["1", "2, 3"]);
    expect([...headers]).toEqual([
      ["a", "1"],
      ["b", "2, 3"],
    ]);
    expect(new Headers(headers).raw()).toEqual({ a: ["1"], b: ["2", "3"] });
    const seen: unknown[] = [];
    headers.forEach((value, name) => {
      seen.push([name, value]);
    });
    expect(seen).toEqual(headers.entries());
    headers.delete("b");
    headers.set("a", "4");
    expect([headers.has("b"), headers.get("b"), headers.get("a")]).toEqual([false, null, "4"]);
  });

  test.each([
    [null],
    ["a: b"],
    [["ab"]],
    [[["a"]]],
    [[["a", "b", "c"]]],
    [{ "a b": "c" }],
    [{ a: "b\r\nc: d" }],
    [{ a: "\u0100" }],
  ])("%j is refused", (init) => {
    expect(() => new Headers(init as never)).toThrow(TypeError);
  });
});

test("a Response can be constructed", () => {
  const response = new Response("a=1", { status: 404, headers: { a: "b" }, url: "http://a/" });
  expect(response).toMatchObject({ status: 404, ok: false, url: "http://a/" });
  expect([...response.headers]).toEqual([
    ["a", "b"],
    ["content-type", "text/plain;charset=UTF-8"],
  ]);
  expect(response.text()).toBe("a=1");
  expect(new Response().text()).toBe("");
});

describe("as Web IDL defines them", () => {
  const BODY = ["body", "bodyUsed", "arrayBuffer", "blob", "json", "text", "clone"];

  test.each<[string, () => object, string[], string[]]>([
    [
      "Headers",
      () => new Headers(),
      ["append", "delete", "entries", "forEach", "get", "getSetCookie", "has", "keys", "set", "values"],
      [],
    ],
    ["Request", () => new Request(origin), BODY, ["url", "method", "headers", "redirect", "signal"]],
    ["Response", () => new Response(), BODY, ["url", "status", "ok", "redirected", "statusText", "headers"]],
  ])("the members of a %s are enumerable, and none is its own", (_name, make, methods, attributes) => {
    const object = make() as Record<string, unknown>;
    const listed: string[] = [];
    for (const name in object) listed.push(name);
    expect(listed).toEqual(expect.arrayContaining([...methods, ...attributes]));
    expect(Object.getOwnPropertyNames(object)).toEqual([]);
    for (const name of attributes) {
      expect(() => {
        object[name] = "changed";
      }, name).toThrow(TypeError);
    }
  });

  test("a body's stream has Buffers, and reading it does not change the body", async () => {
    const response = new Response("text");
    const { value } = await (response.body as ReadableStream<Buffer>).getReader().read();
    expect(value?.toString()).toBe("text");
    value?.fill(0);
    expect(response.text()).toBe("text");
  });
});
