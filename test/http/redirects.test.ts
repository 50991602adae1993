/**
 * Redirects, as the Fetch Standard defines them.
 */

import { fetch, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { type Server, startNodeServer, startRawServer } from "./support/servers.js";

let server: Server;
let other: Server;
let raw: Server;

beforeAll(() => {
  server = startNodeServer();
  other = startNodeServer();
  raw = startRawServer({
    utf8: "HTTP/1.1 302 Found\r\nLocation: /caf\xc3\xa9?drip\r\nContent-Length: 0\r\n\r\n",
    "caf\xe9": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    file: "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    bad: "HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    none: "HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nhere",
    big: `HTTP/1.1 302 Found\r\nLocation: /none\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(1000)}`,
  });
});

interface Seen {
  method: string;
  url: string;
  rawHeaders: string[];
  body: { text: string };
  connection: number;
}

function get(path: string, options: RequestOptions = {}) {
  return fetch(`${server.origin}${path}`, { timeout: 10_000, proxy: null, ...options });
}

function header(seen: Seen, name: string): string | undefined {
  const index = seen.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return index < 0 ? undefined : seen.rawHeaders[index + 1];
}

function redirect(status: number, to: string, options: RequestOptions = {}, more = ""): Seen {
  return get(`/redirect/${status}?to=${encodeURIComponent(to)}${more}`, options).json() as Seen;
}

describe("the next request", () => {
  test.each([
    [301, "GET", "GET", false],
    [301, "POST", "GET", false],
    [301, "PUT", "PUT", true],
    [302, "POST", "GET", false],
    [302, "DELETE", "DELETE", true],
    [303, "POST", "GET", false],
    [303, "PUT", "GET", false],
    [307, "POST", "POST", true],
    [308, "PUT", "PUT", true],
    [308, "GET", "GET", false],
  ])("after a %i to %s is %s, with the body: %s", (status, method, next, withBody) => {
    const options = method === "GET" ? {} : { method, body: "content" };
    const seen = redirect(status, "/echo", options);
    expect(seen.method).toBe(next);
    expect(seen.body.text).toBe(withBody ? "content" : "");
    expect(header(seen, "content-type")).toBe(withBody ? "text/plain;charset=UTF-8" : undefined);
    expect(header(seen, "content-length")).toBe(withBody ? "7" : undefined);
  });

  test("HEAD stays HEAD", () => {
    const response = get("/redirect/303?to=/bytes/10", { method: "HEAD" });
    expect([response.status, response.headers.get("content-length"), response.text()]).toEqual([200, "10", ""]);
  });

  test("resolves relative URLs, keeps the fragment, and lists the redirects", () => {
    const response = get("/redirect/302?to=../bytes/3?x#y");
    expect([response.redirected, response.url, response.status]).toEqual([true, `${server.origin}/bytes/3?x`, 200]);
    expect(get("/bytes/3").redirected).toBe(false);
  });

  test("accepts a Location in UTF-8", () => {
    const response = fetch(`${raw.origin}/utf8`, { proxy: null, timeout: 5000 });
    expect(response.text()).toBe("ok");
    expect(response.url).toBe(`${raw.origin}/caf%C3%A9?drip`);
  });

  test("a redirect status without Location is a plain response, as are other 3xx statuses", () => {
    expect(fetch(`${raw.origin}/none`, { proxy: null, timeout: 5000 }).text()).toBe("here");
    expect(get("/redirect/300?to=/echo").status).toBe(300);
    expect(get("/redirect/304?to=/echo").status).toBe(304);
  });

  test("does not wait for the body of the redirect", () => {
    expect(fetch(`${raw.origin}/big?then=stay`, { proxy: null, timeout: 5000 }).text()).toBe("here");
  });
});

describe("another origin", () => {
  const secret = { authorization: "Basic x", cookie: "a=b", "x-own": "c", "proxy-authorization": "Basic y" };

  test("does not get credentials; the same origin does", () => {
    const away = redirect(302, `${other.origin}/echo`, { headers: secret });
    for (const name of ["authorization", "cookie", "proxy-authorization"]) expect(header(away, name)).toBeUndefined();
    expect(header(away, "x-own")).toBe("c");
    expect(header(away, "host")).toBe(`127.0.0.1:${other.port}`);
    const stay = redirect(302, "/echo", { headers: secret });
    expect([header(stay, "authorization"), header(stay, "cookie")]).toEqual(["Basic x", "a=b"]);
  });

  test("does not get credentials of the URL", () => {
    const url = `http://user:password@127.0.0.1:${server.port}/redirect/302?to=${other.origin}/echo`;
    expect(header(fetch(url, { proxy: null, timeout: 5000 }).json() as Seen, "authorization")).toBeUndefined();
  });

  test("is refused with credentials in its URL", () => {
    const to = `http://user:password@127.0.0.1:${other.port}/echo`;
    expect(() => redirect(302, to)).toThrow(expect.objectContaining({ code: "ERR_HTTP_REDIRECT" }));
  });

  test.each([
    ["", "origin"],
    ["no-referrer", undefined],
    ["origin", "origin"],
    ["same-origin", undefined],
    ["strict-origin", "origin"],
    ["unsafe-url", "all"],
    ["nonsense, unsafe-url, more-nonsense", "all"],
    ["no-referrer-when-downgrade", "all"],
  ])("gets the Referer that the policy %j allows: %s", (policy, left) => {
    const referer = `${server.origin}/a/page?x`;
    const seen = redirect(302, `${other.origin}/echo`, { headers: { referer } }, policy && `&policy=${policy}`);
    expect(header(seen, "referer")).toBe(left === "all" ? referer : left && `${server.origin}/`);
    if (policy === "") expect(header(redirect(302, "/echo", { headers: { referer } }), "referer")).toBe(referer);
  });

  test.each([
    ["same-origin", "", undefined],
    ["unsafe-url", "", "all"],
    ["same-origin", "&policy=unsafe-url", "all"],
  ])("gets it by the policy %j of an earlier redirect, unless a later one has its own (%j)", (first, later, left) => {
    const referer = `${server.origin}/a/page?x`;
    const second = `/redirect/302?to=${encodeURIComponent(`${other.origin}/echo`)}${later}`;
    const seen = redirect(302, second, { headers: { referer } }, `&policy=${first}`);
    expect(header(seen, "referer")).toBe(left === "all" ? referer : left);
  });
});

describe("limits", () => {
  test("20 redirects are followed, the next is an error", () => {
    expect(get("/count/20").text()).toBe("there");
    expect(() => get("/count/21").text()).toThrow(expect.objectContaining({ code: "ERR_HTTP_TOO_MANY_REDIRECTS" }));
    expect(() => get("/count/1", { maxRedirects: 0 }).text()).toThrow(/more than 0 times/);
    expect(get("/count/3", { maxRedirects: 3 }).text()).toBe("there");
  });

  test("redirect: manual returns the redirect, error throws", () => {
    const manual = get("/redirect/302?to=/echo", { redirect: "manual" });
    expect([manual.status, manual.headers.get("location"), manual.text()]).toEqual([302, "/echo", "elsewhere"]);
    expect(() => get("/redirect/302?to=/echo", { redirect: "error" }).status).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_REDIRECT" }),
    );
  });

  test("only http and https URLs are followed", () => {
    for (const path of ["file", "bad"]) {
      const response = fetch(`${raw.origin}/${path}`, { proxy: null, timeout: 5000 });
      expect(() => response.status).toThrow(expect.objectContaining({ code: "ERR_HTTP_REDIRECT" }));
    }
  });

  test("a redirect that needs the body again fails for an iterable", () => {
    const body = [Buffer.from("content")];
    expect(() => redirect(307, "/echo", { method: "POST", body })).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_REDIRECT" }),
    );
    expect(redirect(303, "/echo", { method: "POST", body }).method).toBe("GET");
    expect(() => redirect(302, "/echo", { method: "PUT", body })).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_REDIRECT" }),
    );
  });

  test("the timeout covers all redirects of a request", () => {
    expect(() => get(`/redirect/302?to=${encodeURIComponent("/slow?head=3000")}`, { timeout: 300 }).text()).toThrow(
      expect.objectContaining({ code: "ETIMEDOUT", stage: "head" }),
    );
  });
});
