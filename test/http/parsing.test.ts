/**
 * Responses that are cut off at any byte, arrive byte by byte or are malformed: the result of each, without delay.
 */

import { createHttpClient, fetch } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { type Server, startRawServer } from "./support/servers.js";

const OK = "HTTP/1.1 200 OK\r\n";

/** Valid responses: the text and the expected result. */
const GOOD: Record<string, { text: string; status?: number; body?: string; headers?: string[]; trailers?: string[] }> =
  {
    length: { text: `${OK}Content-Length: 5\r\n\r\nhello`, body: "hello", headers: ["Content-Length", "5"] },
    empty: { text: `${OK}Content-Length: 0\r\n\r\n` },
    chunked: {
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
      body: "hello world",
    },
    "chunk extensions": {
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n0\r\n\r\n`,
      body: "hello",
    },
    "upper case chunk": {
      text: `${OK}Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n`,
      body: "0123456789",
    },
    trailers: {
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\nX-None:\r\n\r\n`,
      body: "ok",
      trailers: ["x-none", "", "x-sum", "42"],
    },
    "to the end": { text: `${OK}\r\neverything until the end`, body: "everything until the end" },
    "version 1.0": { text: "HTTP/1.0 200 OK\r\n\r\nold", body: "old" },
    "no reason": { text: "HTTP/1.1 204 \r\n\r\n", status: 204 },
    "not modified": {
      text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
      status: 304,
      headers: ["Content-Length", "5"],
    },
    informational: {
      text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 Odd\r\nX: y\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
      body: "ok",
      headers: ["Content-Length", "2"],
    },
    "empty value": {
      text: `${OK}Empty:\r\nA: b\r\nContent-Length: 0\r\n\r\n`,
      headers: ["Empty", "", "A", "b", "Content-Length", "0"],
    },
    spaces: { text: `${OK}A: \t b c \t\r\nContent-Length: 0\r\n\r\n`, headers: ["A", "b c", "Content-Length", "0"] },
    "latin 1": {
      text: `${OK}A: caf\xe9\r\nContent-Length: 0\r\n\r\n`,
      headers: ["A", "caf\xe9", "Content-Length", "0"],
    },
    "status 999": { text: "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok", status: 999, body: "ok" },
    "same length twice in one": { text: `${OK}Content-Length: 2\r\n\r\nok`, body: "ok" },
  };

/** Malformed responses. */
const BAD: Record<string, string> = {
  garbage: "hello world\r\n\r\n",
  "another protocol": "SSH-2.0-OpenSSH_9.2\r\n",
  "no version": "HTTP 200 OK\r\n\r\n",
  "version 3.0": "HTTP/3.0 200 OK\r\n\r\n",
  "version 1.x": "HTTP/1.x 200 OK\r\n\r\n",
  "status of letters": "HTTP/1.1 abc OK\r\n\r\n",
  "short status": "HTTP/1.1 20 OK\r\n\r\n",
  "long status": "HTTP/1.1 2000 OK\r\n\r\n",
  "both lengths": `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "both lengths, the other way": `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "two lengths": `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk`,
  "the same length twice": `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
  "length +2": `${OK}Content-Length: +2\r\n\r\nok`,
  "length -1": `${OK}Content-Length: -1\r\n\r\nok`,
  "length 2, 2": `${OK}Content-Length: 2, 2\r\n\r\nok`,
  "length 0x2": `${OK}Content-Length: 0x2\r\n\r\nok`,
  "length 2 3": `${OK}Content-Length: 2 3\r\n\r\nok`,
  "length of 2^64": `${OK}Content-Length: 18446744073709551616\r\n\r\nok`,
  "empty length": `${OK}Content-Length:\r\n\r\nok`,
  "NUL in a value": `${OK}A: a\0b\r\nContent-Length: 0\r\n\r\n`,
  "NUL in a name": `${OK}A\0: b\r\nContent-Length: 0\r\n\r\n`,
  "space in front of the colon": `${OK}A : b\r\nContent-Length: 0\r\n\r\n`,
  "no colon": `${OK}A b\r\nContent-Length: 0\r\n\r\n`,
  "empty name": `${OK}: b\r\nContent-Length: 0\r\n\r\n`,
  "folded value": `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  "CR in a value": `${OK}A: b\rc\r\nContent-Length: 0\r\n\r\n`,
  "lines without CR": "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
  "junk chunk size": `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`,
  "empty chunk size": `${OK}Transfer-Encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n`,
  "chunk size -1": `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\nok\r\n0\r\n\r\n`,
  "chunk size 0x2": `${OK}Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n`,
  "huge chunk size": `${OK}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nok`,
  "chunk longer than its size": `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n`,
  "chunk size with a space": `${OK}Transfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n`,
  "chunks without CR": `${OK}Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n`,
  "CR in a chunk extension": `${OK}Transfer-Encoding: chunked\r\n\r\n2;a\rb\r\nok\r\n0\r\n\r\n`,
  "endless head": `${OK}${"A: b\r\n".repeat(30_000)}`,
  "endless name": `${OK}${"A".repeat(200_000)}`,
  "endless value": `${OK}A: ${"b".repeat(200_000)}`,
  "endless blanks": `${OK}A:${" ".repeat(200_000)}`,
  "endless reason": `HTTP/1.1 200 ${"O".repeat(200_000)}`,
  "endless trailers": `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${"A: b\r\n".repeat(30_000)}`,
  "endless chunk extension": `${OK}Transfer-Encoding: chunked\r\n\r\n2;${"a".repeat(300_000)}`,
  "endless informational": `HTTP/1.1 100 Continue\r\n\r\n`.repeat(3000),
};

const LIMITS = ["EMSGSIZE", "ERR_HTTP_PARSE"];

let server: Server;
const client = createHttpClient({ timeout: 10_000, proxy: null });

beforeAll(() => {
  const good = Object.entries(GOOD).map(([name, { text }]) => [name, text]);
  server = startRawServer({ ...Object.fromEntries(good), ...BAD });
});

function get(name: string, query = "") {
  return client.fetch(`${server.origin}/${encodeURIComponent(name)}?${query}`);
}

function sorted(headers: Headers): string[] {
  return [...headers].flat();
}

describe("a valid response", () => {
  describe.each(Object.entries(GOOD))("%s", (name, { status = 200, body = "", headers, trailers = [] }) => {
    test.each(["", "drip"])("is parsed exactly (%s)", (query) => {
      const response = get(name, query);
      expect(response.status).toBe(status);
      expect(response.text()).toBe(body);
      if (headers !== undefined) expect(response.rawHeaders).toEqual(headers);
      expect(sorted(response.trailers)).toEqual(trailers);
    });

    test("cut off at any byte is an error or complete", () => {
      const { text } = GOOD[name] as { text: string };
      // A body that ends with the connection can't be distinguished from one that was cut off.
      const headEnds = name === "to the end" || name === "version 1.0" ? text.indexOf("\r\n\r\n") + 4 : text.length;
      for (let cut = 0; cut < text.length; cut++) {
        let outcome = "whole";
        const response = get(name, `cut=${cut}`);
        try {
          response.status;
          response.text();
        } catch (error) {
          outcome = (error as { code: string }).code;
        }
        expect([cut, outcome]).toEqual([cut, cut < headEnds ? "ERR_STREAM_PREMATURE_CLOSE" : "whole"]);
      }
    });
  });
});

describe("a malformed response is refused", () => {
  test.each(Object.keys(BAD))("%s", (name) => {
    for (const query of name.startsWith("endless") ? ["then=stay"] : ["", "then=stay", "drip"]) {
      let code = "accepted";
      try {
        get(name, query).bytes(5000);
      } catch (error) {
        code = (error as { code: string }).code;
      }
      expect(name.startsWith("endless") ? LIMITS : ["ERR_HTTP_PARSE"]).toContain(code);
    }
  });
});

test("a reset within the body is thrown after the bytes that arrived", () => {
  const response = get("length", "cut=41&then=reset");
  expect(response.status).toBe(200);
  let text = "";
  expect(() => {
    for (const piece of response) text += piece;
  }).toThrow(expect.objectContaining({ code: "ECONNRESET", stage: "body", method: "GET" }));
  expect(text).toBe("hel");
});

test("chunks of one byte are put together, so that each does not cost an object", () => {
  const text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const { port } = startPeer("endless", { text, repeat: "1\r\nx\r\n" });
  const response = fetch(`http://127.0.0.1:${port}/`, { timeout: 9000, proxy: null });
  let [longest, total] = [0, 0];
  while (total < 200_000) {
    response.waitUntilReadable();
    const piece = response.read() as Buffer;
    expect(piece.every((byte) => byte === 0x78)).toBe(true);
    longest = Math.max(longest, piece.length);
    total += piece.length;
  }
  expect(longest).toBeGreaterThan(1000);
  response.close();
});
