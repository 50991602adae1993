/**
 * Requests as a node:http server receives them, and what a program can do with the response.
 */

import { inspect, isDeepStrictEqual } from "node:util";
import { NetError, Poller, poll, type Runtime } from "ringnet";
import { createHttpClient, fetch, HttpError, type HttpResponse, type RequestOptions } from "ringnet/http";
import { CookieJar } from "tough-cookie";
import { beforeAll, describe, expect, test } from "vitest";
import { closedPort } from "../support/ports.js";
import { isDeno } from "../support/runtime.js";
import { timed } from "../support/waiting.js";
import { type Server, startNodeServer } from "./support/servers.js";

let server: Server;

beforeAll(() => {
  server = startNodeServer();
});

interface Echo {
  method: string;
  url: string;
  rawHeaders: string[];
  body: { length: number; sha256: string; text: string };
  connection: number;
}

function get(path: string, options: RequestOptions = {}) {
  return fetch(`${server.origin}${path}`, { timeout: 10_000, proxy: null, ...options });
}

function echo(options: RequestOptions, path = "/echo"): Echo {
  return get(path, options).json() as Echo;
}

function header(seen: Echo, name: string): string | undefined {
  const index = seen.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return index < 0 ? undefined : seen.rawHeaders[index + 1];
}

describe("the request", () => {
  test("has the method, the target and the usual headers", () => {
    const seen = echo({}, "/echo/a%20b?c=d&e=%F0#fragment");
    expect(seen.method).toBe("GET");
    expect(seen.url).toBe("/echo/a%20b?c=d&e=%F0");
    expect(header(seen, "host")).toBe(`127.0.0.1:${server.port}`);
    expect(header(seen, "accept")).toBe("*/*");
    expect(header(seen, "accept-encoding")).toMatch(isDeno ? /^gzip, deflate(?!, br)/ : /^gzip, deflate, br/);
    expect(header(seen, "content-length")).toBeUndefined();
  });

  test.each([
    ["get", "GET"],
    ["pOsT", "POST"],
    ["delete", "DELETE"],
    ["patch", "patch"], // the Fetch Standard normalizes only six methods to capitals
    ["PROPFIND", "PROPFIND"],
  ])("method %s is sent as %s", (method, sent) => {
    if (method === "patch")
      expect(get("/echo", { method }).status).toBe(400); // node:http accepts it only in capitals
    else expect(echo({ method }).method).toBe(sent);
  });

  test("headers keep their spelling and order; several values stay separate", () => {
    const seen = echo({
      headers: [
        ["X-One", "1"],
        ["x-TWO", "caf\xe9"],
        ["X-One", " 2\t"],
      ],
    });
    const own = seen.rawHeaders.slice(2, 8);
    expect(own).toEqual(["X-One", "1", "x-TWO", "caf\xe9", "X-One", "2"]);
    expect(header(echo({ headers: new Headers({ a: "b" }) }), "a")).toBe("b");
    expect(header(echo({ headers: { a: ["b", "c"] } }), "a")).toBe("b");
  });

  test.each<[string, RequestOptions["body"], string | undefined, string]>([
    ["a string", "h\xe9llo", "text/plain;charset=UTF-8", "h\xc3\xa9llo"],
    ["an empty string", "", "text/plain;charset=UTF-8", ""],
    ["bytes", new Uint8Array([1, 2, 255]), undefined, "\x01\x02\xff"],
    ["an ArrayBuffer", new Uint8Array([1, 2]).buffer, undefined, "\x01\x02"],
    ["another view", new Uint16Array([0x4141, 0x4242]), undefined, "AABB"],
    ["a view of shared memory", Buffer.from(new SharedArrayBuffer(2)).fill("x"), undefined, "xx"],
    ["URLSearchParams", new URLSearchParams({ a: "b c" }), "application/x-www-form-urlencoded;charset=UTF-8", "a=b+c"],
    ["a Blob", new Blob(["bl", "ob"], { type: "text/x" }), "text/x", "blob"],
    ["an iterable", [Buffer.from("one "), Buffer.alloc(0), Buffer.from("two")], undefined, "one two"],
  ])("sends %s as its body", (_name, body, type, text) => {
    const seen = echo({ method: "POST", ...(body === undefined ? {} : { body }) });
    expect(seen.body.text).toBe(text);
    expect(header(seen, "content-type")).toBe(type);
    if (Array.isArray(body)) expect(header(seen, "transfer-encoding")).toBe("chunked");
    else expect(header(seen, "content-length")).toBe(`${text.length}`);
  });

  test("sends a form with files as multipart/form-data", () => {
    const form = new FormData();
    form.append('na"me', "line\nend");
    form.append("file", new Blob(["content"], { type: "text/x" }), "f\xefle.txt");
    const seen = echo({ method: "POST", body: form });
    const boundary = /^multipart\/form-data; boundary=(.*)$/.exec(header(seen, "content-type") ?? "")?.[1];
    expect(seen.body.text).toBe(
      `--${boundary}\r\nContent-Disposition: form-data; name="na%22me"\r\n\r\nline\r\nend\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f\xc3\xafle.txt"\r\nContent-Type: text/x\r\n\r\ncontent\r\n` +
        `--${boundary}--\r\n`,
    );
  });

  test("a request without a body has Content-Length: 0 where the method may have one", () => {
    expect(header(echo({ method: "POST" }), "content-length")).toBe("0");
    expect(header(echo({ method: "DELETE" }), "content-length")).toBeUndefined();
  });

  test("a response prints as one line, and is deeply equal to itself only", () => {
    const get = (url: string) => fetch(url, { proxy: null, timeout: 5000 });
    const [response, other] = [get(`${server.origin}/status/404`), get(`${server.origin}/status/404`)];
    const failed = get(`http://user:secret@127.0.0.1:${closedPort()}/`);
    expect(inspect(response)).toMatch(
      /^HttpResponse #\d+ \{ http:\/\/127\.0\.0\.1:\d+\/status\/404, (waiting|404 Not Found) \}$/,
    );
    expect(isDeepStrictEqual(response, other)).toBe(false);
    expect(response.status).toBe(404);
    expect(inspect(response)).toContain(", 404 Not Found }");
    expect(() => failed.status).toThrow();
    expect(inspect(failed)).toMatch(/127\.0\.0\.1:\d+\/, failed: ECONNREFUSED \}$/);
    expect(inspect(failed)).not.toContain("secret");
    response.close();
    expect(inspect(response)).toContain(", closed }");
    other.close();
  });

  test("credentials of the URL become Authorization, and appear neither in errors nor in url", () => {
    const url = `http://us%65r:p%40ss@127.0.0.1:${server.port}`;
    const response = fetch(`${url}/echo`, { proxy: null, timeout: 5000 });
    expect(header(response.json() as Echo, "authorization")).toBe(`Basic ${btoa("user:p@ss")}`);
    expect(response.url).toBe(`${server.origin}/echo`);
    let thrown: unknown;
    try {
      fetch(`http://user:secret@127.0.0.1:${closedPort()}/`, { proxy: null, timeout: 5000 }).status;
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HttpError);
    expect(thrown).toBeInstanceOf(NetError);
    expect(thrown).toMatchObject({ code: "ECONNREFUSED", method: "GET", stage: "connect", address: "127.0.0.1" });
    expect(JSON.stringify(thrown) + (thrown as Error).message).not.toContain("secret");
    const invalid = () => fetch("http://user:secret@127.0.0.1:99999/");
    expect(invalid).toThrow(/must be an absolute URL/);
    expect(invalid).toThrow(expect.not.stringContaining("secret"));
  });

  test.each<[string, string, RequestOptions, RegExp]>([
    ["CR in a value", "/", { headers: { a: "b\rc" } }, /header a must not contain/],
    ["LF in a value", "/", { headers: { a: "b\n" } }, /header a must not contain/],
    ["NUL in a value", "/", { headers: { a: "\0" } }, /header a must not contain/],
    ["a value beyond Latin-1", "/", { headers: { a: "\u{1F600}" } }, /Latin-1/],
    ["CR LF in a name", "/", { headers: { "a\r\nb": "c" } }, /token/],
    ["an empty name", "/", { headers: { "": "c" } }, /token/],
    ["LF in the method", "/", { method: "GET\nX: y" }, /token/],
    ["CR LF in the URL", "/\r\nX: y", {}, /CR, LF or NUL/],
    ["NUL in the URL", "/\0", {}, /CR, LF or NUL/],
    ["CONNECT", "/", { method: "connect" }, /CONNECT/],
    ["a body with GET", "/", { body: "x" }, /GET request has no body/],
    [
      "Transfer-Encoding",
      "/",
      { method: "POST", body: "x", headers: { "transfer-encoding": "chunked" } },
      /Transfer-Encoding/,
    ],
    [
      "a length that is not the body's",
      "/",
      { method: "POST", body: "x", headers: { "content-length": "2" } },
      /has 1 bytes/,
    ],
    ["two lengths", "/", { method: "POST", body: "x", headers: { "content-length": ["1", "1"] } }, /2 times/],
    ["an unknown expectation", "/", { method: "POST", headers: { expect: "more" } }, /100-continue/],
    ["an unknown option of TLS", "/", { tls: { timout: 5 } as never }, /unknown option tls.timout/],
    ["TLS options that are none", "/", { tls: true as never }, /tls must be an object/],
    ["an unknown option", "/", { timout: 5 } as RequestOptions, /unknown option timout/],
    ["an unknown redirect", "/", { redirect: "never" as "follow" }, /redirect must be one of/],
    ["a body that is a promise", "/", { method: "POST", body: Promise.resolve("x") as unknown as string }, /Promise/],
    ["a negative timeout", "/", { timeout: -2 }, /timeout must be/],
    ["cookies that are no jar", "/", { cookies: { a: "b" } as never }, /cookies must be a jar/],
    ["a proxy of another kind", "/", { proxy: "ftp://localhost" }, /a proxy must be/],
  ])("refuses %s before anything is sent", (_name, path, options, message) => {
    expect(() => get(path, options)).toThrow(message);
    try {
      get(path, options);
    } catch (error) {
      expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    }
  });

  test.each(["ftp://localhost/", "/path", "", "http://", "http://[::1"])("refuses the URL %j", (url) => {
    expect(() => fetch(url)).toThrow(TypeError);
  });
});

test("host names beyond ASCII are accepted, also after many requests", () => {
  // Optimized code calls another implementation in Node; the check of the options is the same without a server.
  const get = (url: string) => fetch(url, { signal: AbortSignal.abort(new Error("not sent")), proxy: null });
  for (let i = 0; i < 20_000; i++) get(`http://localhost/${i}`);
  expect(() => get("http://b\xfccher.invalid/").url).toThrow("not sent");
});

describe("the response", () => {
  test("blocks only for the part that is asked for", () => {
    const response = get("/slow?head=100&body=100");
    expect(response.waitUntilHeaders(0)).toBe(false);
    expect(response.waitUntilHeaders(5000)).toBe(true);
    expect([response.status, response.ok, response.statusText, response.redirected]).toEqual([200, true, "OK", false]);
    expect(response.text(5000)).toBe("first last");
  });

  test("a status of 400 or more does not throw", () => {
    const response = get("/status/404?reason=Nothing%20here");
    expect([response.status, response.ok, response.statusText]).toEqual([404, false, "Nothing here"]);
    expect(response.text()).toBe("status 404");
  });

  test("gives the body in each form", () => {
    expect(get("/bytes/20").bytes().toString()).toBe("0123456789abcdef0123");
    expect(get("/bytes/0").bytes().length).toBe(0);
    expect(new Uint8Array(get("/bytes/3").arrayBuffer())).toEqual(new Uint8Array([48, 49, 50]));
    const blob = get("/form?type=text/x&body=content").blob();
    expect([blob.size, blob.type]).toEqual([7, "text/x"]);
    expect(get("/form?type=text/x&body=%C3%AF%C2%BB%C2%BF%C3%83%C2%A9").text()).toBe("\xe9");
    expect(() => get("/bytes/3?").json()).not.toThrow(TypeError);
    expect(() => get("/form?type=x&body={").json()).toThrow(SyntaxError);
  });

  test("parses both kinds of form, and throws for anything else", () => {
    const urlencoded = get("/form?type=application/x-www-form-urlencoded&body=a%3Db%2Bc%26d%3D").formData();
    expect([...urlencoded]).toEqual([
      ["a", "b c"],
      ["d", ""],
    ]);
    const parts = `--XX\r\nContent-Disposition: form-data; name="a%22"\r\n\r\none\r\n--XX\r\nContent-Type: text/x\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\n\r\ncon\r\ntent\r\n--XX--\r\n`;
    const form = get(`/form?type=multipart/form-data;boundary=XX&body=${encodeURIComponent(parts)}`).formData();
    expect(form.get('a"')).toBe("one");
    const file = form.get("f") as File;
    expect([file.name, file.type, file.size]).toEqual(["n.txt", "text/x", 9]);
    expect(() => get("/bytes/3").formData()).toThrow(TypeError);
    expect(() => get("/form?type=multipart/form-data;boundary=XX&body=--XX%0D%0Arest").formData()).toThrow(
      /ends within/,
    );
  });

  test("a body can be read once", () => {
    const response = get("/bytes/10");
    expect(response.bodyUsed).toBe(false);
    response.text();
    expect(response.bodyUsed).toBe(true);
    for (const again of [() => response.text(), () => response.read(), () => response.bytes()]) {
      expect(again).toThrow(expect.objectContaining({ code: "ERR_HTTP_BODY_USED" }));
    }
  });

  test("a timeout loses no bytes: the next call returns the whole body", () => {
    const response = get("/slow?body=300");
    response.waitUntilHeaders();
    expect(() => response.text(20)).toThrow(expect.objectContaining({ code: "ETIMEDOUT", stage: "body" }));
    expect(response.text(5000)).toBe("first last");
  });

  test("can be read in pieces", () => {
    const response = get("/chunks?text=one,two,three&pause=20");
    const pieces = [...response].map(String);
    expect(pieces.join("")).toBe("onetwothree");
    expect(response.read()).toBe(null);
    const target = Buffer.alloc(8);
    const into = get("/bytes/20");
    into.waitUntilReadable();
    const counts: (number | null)[] = [];
    for (let count = into.readInto(target); count !== null; count = into.readInto(target)) {
      if (count > 0) counts.push(count);
      else into.waitUntilReadable();
    }
    expect(counts).toEqual([8, 8, 4]);
    const looked = get("/bytes/20");
    looked.waitUntilReadable();
    const view = looked.peek() as Uint8Array;
    expect(view.length).toBe(20);
    looked.consume(15);
    expect(String(looked.read(2))).toBe("f0");
    expect(() => looked.consume(4)).toThrow(RangeError);
    expect(String(looked.read())).toBe("123");
    expect(looked.read()).toBe(null);
  });

  test("can be read in lines", () => {
    expect([...get("/chunks?text=a%0Ab%0D,%0Ac%C3%A9,d%0A,%0Alast").lines()]).toEqual(["a", "b", "c\xe9d", "", "last"]);
    expect(() => [...get("/bytes/1000").lines({ maxLength: 999 })]).toThrow(
      expect.objectContaining({ code: "EMSGSIZE" }),
    );
    expect([...get("/bytes/1000").lines({ maxLength: 1000 })][0]).toHaveLength(1000);
  });

  test("refuses limits that are none", () => {
    const response = get("/bytes/5");
    expect(response.waitUntilReadable(5000)).toBe(true);
    for (const wrong of [-1, 0.5, Number.NaN]) {
      expect(() => response.read(wrong)).toThrow(/max must be/);
      expect(() => response.lines({ maxLength: wrong })).toThrow(/maxLength must be/);
      expect(() => response.events({ maxLength: wrong })).toThrow(/maxLength must be/);
    }
    expect(() => response.lines({ size: 5 } as never)).toThrow(/unknown option size; use maxLength/);
    expect(response.text()).toBe("01234");
  });

  test("is used when a part of it was dropped", () => {
    const response = get("/bytes/5");
    expect(response.waitUntilReadable(5000)).toBe(true);
    response.consume(1);
    expect(response.bodyUsed).toBe(true);
    expect(() => response.text()).toThrow(expect.objectContaining({ code: "ERR_HTTP_BODY_USED" }));
  });

  test("can be read as server-sent events", () => {
    expect([...get("/events").events()]).toEqual([
      { event: "news", data: "one\ntwo", id: "1" },
      { event: "message", data: '{"three":3}', id: "1" },
    ]);
    const tooLong = expect.objectContaining({ code: "EMSGSIZE" });
    expect(() => [...get("/bytes/1000").events({ maxLength: 100 })]).toThrow(tooLong);
    const sent = get("/form?type=text/event-stream&body=data:ab%0A%0Adata:abc%0A%0Adata:a%0A%0A").events({
      maxLength: 2,
    });
    expect(sent.next().value).toMatchObject({ data: "ab" });
    expect(() => sent.next()).toThrow(tooLong);
  });

  test("a response to HEAD has no body, whatever its Content-Length", () => {
    const response = get("/bytes/1000", { method: "HEAD" });
    expect(response.headers.get("content-length")).toBe("1000");
    expect(response.bytes().length).toBe(0);
    expect(get("/bytes/3").text()).toBe("012");
  });

  test("has trailers after the body; hints before it are skipped", () => {
    const response = get("/trailers");
    expect([...response.trailers]).toEqual([]);
    expect(response.text()).toBe("body");
    expect([...response.trailers]).toEqual([["x-sum", "42"]]);
    expect(get("/hints").text()).toBe("final");
  });

  test("takeSocket() returns the connection after the server has switched protocols", () => {
    const response = get("/upgrade", { headers: { connection: "upgrade", upgrade: "echo" } });
    expect(response.status).toBe(101);
    const socket = response.takeSocket();
    expect(socket.readLine(5000)).toBe("hello from the other protocol");
    socket.writeAll("and back\n");
    expect(socket.readLine(5000)).toBe("and back");
    socket.close();
    expect(() => get("/bytes/1").takeSocket()).toThrow(TypeError);
  });

  test("close() cancels it; headers that have arrived stay readable", () => {
    const response = get("/late");
    response.close();
    expect(() => response.status).toThrow(expect.objectContaining({ code: "ERR_SOCKET_CLOSED" }));
    const read = get("/bytes/5");
    read.waitUntilHeaders();
    read.close();
    expect(read.status).toBe(200);
  });

  test("a request whose signal is aborted already is not sent", () => {
    const connect = () => {
      throw new Error("connected");
    };
    const client = createHttpClient({ runtime: { connect } as unknown as Runtime, proxy: null });
    const response = client.fetch(server.origin, { signal: AbortSignal.abort(new Error("not wanted")) });
    expect(() => response.status).toThrow("not wanted");
  });

  test("a signal is checked between waits", () => {
    const controller = new AbortController();
    const response = get("/late", { signal: controller.signal });
    expect(response.waitUntilHeaders(0)).toBe(false);
    controller.abort(new Error("not wanted"));
    expect(() => response.status).toThrow("not wanted");
  });
});

describe("many responses", () => {
  test("can be polled, and are ready when their heads have arrived", () => {
    const held = get("/gate");
    const waiting = new Set([held, ...[1, 2, 3, 4].map((count) => get(`/bytes/${count}`))]);
    const order: number[] = [];
    while (waiting.size > 0) {
      const ready = poll(waiting, 5000);
      expect(ready.length).toBeGreaterThan(0);
      for (const each of ready) {
        waiting.delete(each);
        order.push(each.bytes(5000).length);
      }
      if (waiting.size === 1) get("/open-gate").text();
    }
    expect(order.at(-1)).toBe(10); // the server answers it last
    expect(order.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 10]);
  });

  test("can be watched by a Poller, and are reported when they are ready and once when they are closed", () => {
    const [slow, quick] = [get("/slow?head=300"), get("/bytes/5")];
    const poller = new Poller<HttpResponse>().add(slow).add(quick);
    expect(poller.wait(10_000)[0] === quick).toBe(true); // `toEqual` would read them
    expect(quick.bytes(5000)).toHaveLength(5);
    expect(poller.wait(10_000)[0] === slow).toBe(true);
    expect(slow.status).toBe(200);
    slow.close();
    expect(poller.wait(10_000)[0] === slow).toBe(true);
    expect(poller.has(slow)).toBe(false);
    expect(poller.wait(50)).toEqual([]);
  });

  test("are reported by a Poller when they get the connection of a response that was longer than what is read ahead", () => {
    const client = createHttpClient({ connections: 1, proxy: null, timeout: 10_000 });
    const long = client.fetch(`${server.origin}/bytes/300000`);
    get("/slow?head=200").text(); // meanwhile the beginning of the long one arrives
    const next = client.fetch(`${server.origin}/bytes/5`);
    const poller = new Poller<HttpResponse>().add(next);
    expect(poller.wait(0)).toEqual([]);
    expect(long.bytes()).toHaveLength(300_000);
    expect(poller.wait(5000)).toHaveLength(1);
    expect(next.text()).toBe("01234");
    client.close();
  });

  test.each([
    ["poll", (response: HttpResponse) => poll([response], 30_000)],
    ["a Poller", (response: HttpResponse) => [...new Poller<HttpResponse>().add(response).wait(30_000)]],
  ])("send a body larger than the connection's buffer as fast as it goes, waiting with %s", (_name, wait) => {
    const { origin } = server;
    const body = Buffer.alloc(30_000_000);
    const response = fetch(`${origin}/echo`, { method: "POST", body, proxy: null, timeout: 30_000 });
    const { value, milliseconds } = timed(() => wait(response));
    expect(value[0] === response).toBe(true);
    expect(milliseconds).toBeLessThan(10_000);
    expect(response.status).toBe(200);
    response.close();
  });

  test("time out while the program waits with poll", () => {
    const { value: response, milliseconds } = timed(() => {
      const response = get("/late", { timeout: 300 });
      expect(poll([response], -1)[0] === response).toBe(true);
      return response;
    });
    expect(milliseconds).toBeGreaterThanOrEqual(299);
    expect(milliseconds).toBeLessThan(5000);
    expect(() => response.status).toThrow(expect.objectContaining({ code: "ETIMEDOUT" }));
  });

  test("share a client's connections, in any order of reading", () => {
    const client = createHttpClient({ connections: 3, proxy: null, timeout: 10_000 });
    const responses = Array.from({ length: 20 }, (_, i) => client.fetch(`${server.origin}/bytes/${1000 + i}`));
    expect(client.connections.open).toBe(3);
    expect(responses.reverse().map((response) => response.bytes().length)).toEqual(
      Array.from({ length: 20 }, (_, i) => 1019 - i),
    );
    expect(client.connections).toEqual({ open: 3, idle: 3 });
    client.close();
    expect(client.connections).toEqual({ open: 0, idle: 0 });
  });

  test("polling one that waits for a connection advances the ones that hold connections", () => {
    const client = createHttpClient({ connections: 1, proxy: null, timeout: 10_000 });
    client.fetch(`${server.origin}/slow?head=100&body=100`);
    const next = client.fetch(`${server.origin}/bytes/1`);
    expect(poll([next], 5000)[0] === next).toBe(true);
    expect(next.text()).toBe("0");
  });

  test("throws instead of waiting where unread responses hold all connections", () => {
    const client = createHttpClient({ connections: 1, proxy: null });
    const unread = client.fetch(`${server.origin}/bytes/10000000`);
    const next = client.fetch(`${server.origin}/bytes/1`);
    expect(() => next.text(5000)).toThrow(expect.objectContaining({ code: "EAGAIN", stage: "queue" }));
    unread.close();
    expect(client.fetch(`${server.origin}/bytes/1`).text(5000)).toBe("0");
  });
});

describe("cookies", () => {
  test("are stored and sent, also by redirects", () => {
    const cookies = new CookieJar();
    get("/cookie?set=a%3D1&set=b%3D2;Path=/other&set=nonsense;Domain=example.org&to=/cookie?set=c%3D3", {
      cookies,
    }).text();
    expect(header(echo({ cookies }), "cookie")).toBe("a=1; c=3");
    expect(header(echo({ cookies, headers: { cookie: "own=0" } }), "cookie")).toBe("own=0; a=1; c=3");
    expect(header(echo({}), "cookie")).toBeUndefined();
  });
});
