/**
 * Questions of undici's own tests that make sense for a client that blocks, asked of ringnet/http. docs/ported-suites.md lists which.
 */

import { createHttpClient, fetch, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { startNodeServer, startRawServer } from "../http/support/servers.js";

const LIMIT = { timeout: 10_000 };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

let origin: string;

beforeAll(() => {
  for (const name of ["http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"]) delete process.env[name];
  origin = startNodeServer().origin;
});

/** The URL of a server that answers with `text`, whatever HTTP says of it. */
function answering(text: string): string {
  return `${startRawServer({ it: text }).origin}/it`;
}

function thrownBy(action: () => unknown): Error & { code?: unknown } {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("informational responses", () => {
  test("a 1xx response has no body: bytes after its head are a parse error", () => {
    for (const status of ["100 Continue", "102 Processing", "103 Early Hints"]) {
      const url = answering(`HTTP/1.1 ${status}\r\nContent-Length: 3\r\n\r\nabc${OK}`);
      expect(thrownBy(() => fetch(url, LIMIT).text()).code).toBe("ERR_HTTP_PARSE");
    }
  });

  test("several are skipped, and their headers are not those of the response", () => {
    const hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX: 1\r\n\r\n";
    const response = fetch(answering(`HTTP/1.1 100 Continue\r\n\r\n${hint}${hint}${OK}`), LIMIT);
    expect([response.status, response.text(), response.headers.get("link"), response.headers.get("x")]).toEqual([
      200,
      "ok",
      null,
      null,
    ]);
  });
});

describe("requests", () => {
  test("a Content-Length that is not the body's is refused before anything is sent", () => {
    for (const length of ["0", "2", "4", "42", "x", "-3"]) {
      const error = thrownBy(() =>
        fetch(`${origin}/echo`, { ...LIMIT, method: "PUT", body: "asd", headers: { "Content-Length": length } }),
      );
      expect([TypeError, RangeError].some((kind) => error instanceof kind)).toBe(true);
    }
  });

  test("a form is sent with a Content-Length", () => {
    const form = new FormData();
    form.set("key", "value");
    const seen = fetch(`${origin}/echo`, { ...LIMIT, method: "POST", body: form }).json() as { rawHeaders: string[] };
    const names = seen.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    expect(names).toContain("content-length");
    expect(names).not.toContain("transfer-encoding");
  });

  test.each(["\r\n", "\r", "\n", "\0"])(
    "%j can't be smuggled in: not in Host, Upgrade, Content-Type or the type of a blob",
    (end) => {
      const text = `a${end}X-Injected: b`;
      const typed = new Blob(["x"]);
      Object.defineProperty(typed, "type", { value: text });
      const requests: RequestOptions[] = [
        ...["Host", "Upgrade", "Content-Type"].map((name) => ({ headers: { [name]: text } })),
        { method: "POST", body: typed },
      ];
      const client = createHttpClient();
      for (const options of requests) {
        expect(thrownBy(() => client.fetch(`${origin}/echo`, { ...LIMIT, ...options }))).toBeInstanceOf(TypeError);
      }
      expect(client.connections).toEqual({ open: 0, idle: 0 });
    },
  );
});

describe("responses", () => {
  test("bytes of a header above 127 arrive as Latin-1, one character each", () => {
    const value = "\xe2\x80\xa6";
    const { headers, rawHeaders } = fetch(answering(OK.replace("\r\n\r\n", `\r\nX-Test: ${value}\r\n\r\n`)), LIMIT);
    expect(headers.get("x-test")).toBe(value);
    expect(rawHeaders).toContain(value);
  });

  test("trailers may be missing although announced, and present without being announced", () => {
    const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    const missing = fetch(answering(`${chunked}Trailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\n\r\n`), LIMIT);
    expect([missing.text(), [...missing.trailers]]).toEqual(["ok", []]);
    const surprise = fetch(answering(`${chunked}\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`), LIMIT);
    expect([surprise.text(), surprise.trailers.get("x-sum")]).toEqual(["ok", "1"]);
  });

  test.each(["chunked", "until the end"])(
    "a long body is whole when the server has ended before it is read (%s)",
    (kind) => {
      const body = "0123456789".repeat(100_000);
      const text =
        kind === "chunked"
          ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
          : `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${body}`;
      const response = fetch(answering(text), LIMIT);
      expect(response.status).toBe(200);
      let read = "";
      for (let piece = response.read(1000); piece !== null; piece = response.read(1000)) {
        if (piece.length === 0) response.waitUntilReadable(10_000);
        else read += piece;
      }
      expect(read === body).toBe(true);
    },
  );

  test("a response cut off within a chunk is an error, whatever was read", () => {
    const text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwor";
    const response = fetch(answering(text), LIMIT);
    let read = "";
    const error = thrownBy(() => {
      for (const piece of response) read += piece;
    });
    expect([read, error.code]).toEqual(["hellowor", "ERR_STREAM_PREMATURE_CLOSE"]);
  });

  test("bytes after the announced length are not part of the body, and the connection is not used again", () => {
    const server = startRawServer({ long: `${OK}more`, it: OK });
    const client = createHttpClient();
    expect(client.fetch(`${server.origin}/long?then=stay`, LIMIT).text()).toBe("ok");
    expect(client.fetch(`${server.origin}/it`, LIMIT).text()).toBe("ok");
    expect(client.fetch(`${server.origin}/log`, LIMIT).text()).toBe("1 /long?then=stay\n2 /it");
    client.close();
  });

  test.each(["2s", "abc", "-1", "", "99999999999999999999"])("a Keep-Alive of timeout=%s is tolerated", (value) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=${value}\r\nConnection: keep-alive\r\n\r\nok`;
    const server = startRawServer({ it: head });
    const client = createHttpClient();
    for (let i = 0; i < 2; i++) expect(client.fetch(`${server.origin}/it?then=stay`, LIMIT).text()).toBe("ok");
    client.close();
    expect(client.connections.idle).toBe(0);
  });
});
