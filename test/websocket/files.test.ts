/**
 * `listenWebSocket({ files })`: redirects, conditions and ranges, beside nginx's answers to the same requests.
 */

import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "ringnet";
import { fetch } from "ringnet/http";
import { listenWebSocket } from "ringnet/websocket";
import { expect, test } from "vitest";
import { startNginx } from "../http/support/servers.js";
import { temporaryFolder } from "../support/folders.js";

const TIMEOUT = 20_000;
const BYTES = "0123456789";
const MODIFIED = new Date("2024-02-03T04:05:06Z");
const DATE = MODIFIED.toUTCString();
const LATER = new Date("2024-02-03T04:05:07Z").toUTCString();
const EARLIER = new Date("2024-02-03T04:05:05Z").toUTCString();

/** Fills a folder; gives what its server answers. */
function site(folder: string, origin: string) {
  mkdirSync(join(folder, "sub/deep er"), { recursive: true });
  const outside = temporaryFolder();
  symlinkSync(outside, join(folder, "outside"));
  for (const [name, text] of [
    ["a.mp4", BYTES],
    ["empty.txt", ""],
    ["sub/index.html", "<p>page"],
  ] as const) {
    writeFileSync(join(folder, name), text);
    utimesSync(join(folder, name), MODIFIED, MODIFIED);
  }
  return (path: string, given: Record<string, string> = {}, method = "GET") => {
    const tag = () => fetch(`${origin}/a.mp4`, { timeout: TIMEOUT }).headers.get("etag") ?? "";
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.includes("TAG") ? value.replace("TAG", tag()) : value]),
    );
    const response = fetch(`${origin}${path}`, { timeout: TIMEOUT, method, headers, redirect: "manual" });
    const text = response.text();
    const header = (name: string) => response.headers.get(name);
    return {
      status: response.status,
      range: header("content-range"),
      length: response.status < 300 ? header("content-length") : null,
      modified: response.status < 300 || response.status === 304 ? header("last-modified") : null,
      tagged: (response.status < 300 || response.status === 304) && /^"[^"]+"$/.test(header("etag") ?? ""),
      // nginx adds its own host, and explains errors in a page
      location: header("location")?.replace(origin, "") ?? null,
      text: response.status < 300 ? text : "",
    };
  };
}

test("answers conditions, ranges and names of folders as nginx does", () => {
  const nginx = startNginx();
  const ask = site(nginx.files, nginx.origin);
  const folder = temporaryFolder();
  const server = listenWebSocket({ host: "127.0.0.1", files: folder });
  const own = site(folder, `http://127.0.0.1:${server.port}`);
  const requests: [path: string, headers?: Record<string, string>, method?: string][] = [
    ["/a.mp4"],
    ["/a.mp4", {}, "HEAD"],
    ["/empty.txt"],
    ...["0-", "0-0", "2-4", "9-", "9-20", "-3", "-20", "10-", "10-12", "-0", "99999999999999-"].map(
      (range): [string, Record<string, string>] => ["/a.mp4", { range: `bytes=${range}` }],
    ),
    ["/a.mp4", { range: "lines=1-2" }],
    ["/a.mp4", { range: "bytes=2-4", "if-range": "TAG" }],
    ["/a.mp4", { range: "bytes=2-4", "if-range": '"other"' }],
    ["/a.mp4", { range: "bytes=2-4", "if-range": "W/TAG" }],
    ["/a.mp4", { range: "bytes=2-4", "if-range": DATE }],
    ["/a.mp4", { range: "bytes=2-4", "if-range": EARLIER }],
    ["/a.mp4", { range: "bytes=20-", "if-range": '"other"' }],
    ["/a.mp4", { range: "bytes=2-4", "if-none-match": "TAG" }],
    ["/a.mp4", { "if-none-match": "TAG" }],
    ["/a.mp4", { "if-none-match": "TAG" }, "HEAD"],
    ["/a.mp4", { "if-none-match": '"x", W/TAG' }],
    ["/a.mp4", { "if-none-match": "*" }],
    ["/a.mp4", { "if-none-match": '"x"' }],
    ["/a.mp4", { "if-none-match": '"x"', "if-modified-since": DATE }],
    ["/a.mp4", { "if-modified-since": DATE }],
    ["/a.mp4", { "if-modified-since": EARLIER }],
    ["/a.mp4", { "if-modified-since": "yesterday" }],
    ["/sub/"],
    ["/sub"],
    ["/sub?a=1&b=//x?y"],
    ["/sub/deep%20er"],
    ["//sub"],
    ["///sub?x"],
    ["/sub/index.html/"],
  ];
  for (const request of requests) {
    expect([request, own(...request)]).toEqual([request, ask(...request)]);
  }

  // nginx compares the date alone, and differs from RFC 9110; it also has multipart answers, and ranges of HEAD.
  expect(own("/a.mp4", { "if-modified-since": LATER }).status).toBe(304);
  expect(own("/a.mp4", { range: "bytes=2-4" }, "HEAD")).toMatchObject({ status: 200, length: "10" });
  for (const range of ["bytes=0-1,4-5", "bytes=4-2", "bytes=-", "bytes=a-b", "bytes=0x1-2"]) {
    expect([range, own("/a.mp4", { range }).text]).toEqual([range, BYTES]);
  }
  expect(own("/empty.txt", { range: "bytes=0-" })).toMatchObject({ status: 416, range: "bytes */0" });

  // Folders outside are not known.
  for (const path of ["/outside", "/outside/", "/.", "/sub/..", "//evil"])
    expect([path, own(path).status]).toEqual([path, 404]);
  server.close();
});

test.each(["GET", "HEAD"])(
  "a %s that offers another protocol is answered over HTTP, and its connection ends",
  (method) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "large"), "x".repeat(3_000_000));
    const server = listenWebSocket({ host: "127.0.0.1", files: folder, path: "/game", origins: [] });
    const socket = connect({ host: "127.0.0.1", port: server.port });
    // As curl --http2 and Java's HttpClient ask.
    socket.writeAll(
      `${method} /large HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n`,
    );
    const answer = String(socket.readAll(TIMEOUT));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain("Content-Length: 3000000\r\n");
    expect(answer.length - answer.indexOf("\r\n\r\n") - 4).toBe(method === "GET" ? 3_000_000 : 0);
    socket.close();
    server.close();
  },
);
