/**
 * Content codings: what is decoded, errors and limits.
 */

import { execFileSync } from "node:child_process";
import { fetch, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { node } from "../support/processes.js";
import { isDeno } from "../support/runtime.js";
import { type Server, startNodeServer } from "./support/servers.js";

let server: Server;

beforeAll(() => {
  server = startNodeServer();
});

/** Node 20 has no zstd; Node 22 does not detect a truncated zstd stream. The peer may run on another version. */
const PEERS_NODE = execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" });
const HAS_ZSTD = [process.versions.node, PEERS_NODE].every((version) => Number.parseInt(version, 10) >= 24);
/** Deno's Brotli decoder detects neither truncation nor corruption. */
const HAS_BR = !isDeno;
const PLAIN = Buffer.alloc(100_000, "a line of text that repeats itself\n").toString();

function get(path: string, options: RequestOptions = {}) {
  return fetch(`${server.origin}${path}`, { timeout: 10_000, proxy: null, ...options });
}

const CODINGS = ["gzip", "x-gzip", "deflate", ...(HAS_BR ? ["br"] : []), ...(HAS_ZSTD ? ["zstd"] : [])];

describe.each(CODINGS)("%s", (coding) => {
  test("is decoded, and the header stays", () => {
    const response = get(`/coded/${coding}`);
    expect(response.headers.get("content-encoding")).toBe(coding);
    expect(response.text()).toBe(PLAIN);
  });

  test("is decoded in pieces", () => {
    let length = 0;
    for (const piece of get(`/coded/${coding}?bytes=3000000`)) length += piece.length;
    expect(length).toBe(3_000_000);
  });

  test("is not decoded with decompress: false", () => {
    const response = get(`/coded/${coding}`, { decompress: false });
    expect(response.bytes().length).toBeLessThan(5000);
  });

  test("cut off is an error", () => {
    expect(() => get(`/coded/${coding}?cut=5`).text()).toThrow(
      expect.objectContaining({ code: "ERR_CONTENT_DECODING" }),
    );
  });

  test("maxLength counts decoded bytes, and stops a decompression bomb", () => {
    expect(() => get(`/coded/${coding}?bytes=20000000&fill=0`, { maxLength: 1_000_000 }).bytes()).toThrow(
      expect.objectContaining({ code: "EMSGSIZE", message: expect.stringContaining("1000000") }),
    );
    expect(get(`/coded/${coding}?bytes=1000000&fill=0`, { maxLength: 1_000_000 }).bytes().length).toBe(1_000_000);
  });
});

test("without maxLength a bomb is read piece by piece in bounded memory", () => {
  const readBomb = () => {
    let length = 0;
    for (const piece of get("/coded/gzip?bytes=150000000&fill=0", { timeout: 25_000 })) length += piece.length;
    expect(length).toBe(150_000_000);
  };
  readBomb(); // what the runtime's collector lets pile up is there now
  const before = process.memoryUsage().rss;
  readBomb();
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
});

test("corrupt content is an error after what could be decoded", () => {
  expect(() => get("/coded/gzip?bytes=1000000&spoil").text()).toThrow(
    expect.objectContaining({ code: "ERR_CONTENT_DECODING", stage: "body" }),
  );
});

test("several codings are decoded in turn", () => {
  expect(get("/coded/gzip,x-gzip").text()).toBe(PLAIN);
  expect(get("/coded/deflate,identity,gzip").text()).toBe(PLAIN);
  if (HAS_BR) expect(get("/coded/gzip,br").text()).toBe(PLAIN);
  const many = new Array(6).fill("gzip").join(",");
  expect(() => get(`/coded/${many}?bytes=100`).text()).toThrow(
    expect.objectContaining({ code: "ERR_CONTENT_DECODING" }),
  );
});

test("deflate without zlib's header is understood", () => {
  expect(get("/coded/deflate-raw?name=deflate").text()).toBe(PLAIN);
});

test("Brotli is decoded where the decoder detects truncation, and otherwise left alone", () => {
  const { length } = get("/coded/br").bytes();
  if (HAS_BR) expect(length).toBe(PLAIN.length);
  else expect(length).toBeLessThan(5000);
});

test("an unknown coding is left alone", () => {
  expect(get("/coded/identity?name=secret&bytes=10&fill=x").text()).toBe("xxxxxxxxxx");
});

test("an empty body is empty, whatever its coding", () => {
  expect(get("/form?type=x&body=", { headers: {} }).text()).toBe("");
  expect(get("/coded/gzip", { method: "HEAD" }).text()).toBe("");
});

test("Accept-Encoding lists the codings that are decoded", () => {
  const seen = get("/echo").json() as { rawHeaders: string[] };
  const index = seen.rawHeaders.findIndex((name) => name.toLowerCase() === "accept-encoding");
  expect(seen.rawHeaders[index + 1]).toBe(`gzip, deflate${HAS_BR ? ", br" : ""}${HAS_ZSTD ? ", zstd" : ""}`);
});

test("a range request asks for no coding", () => {
  const seen = get("/echo", { headers: { range: "bytes=0-1" } }).json() as { rawHeaders: string[] };
  expect(seen.rawHeaders[seen.rawHeaders.findIndex((name) => name.toLowerCase() === "accept-encoding") + 1]).toBe(
    "identity",
  );
});
