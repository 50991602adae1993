/**
 * Questions of web-platform-tests' fetch/ and xhr/, asked of ringnet/http and ringnet/xhr. docs/ported-suites.md lists which.
 */

import { gzipSync } from "node:zlib";
import { fetch, HttpError } from "ringnet/http";
import { XMLHttpRequest } from "ringnet/xhr";
import { beforeAll, describe, expect, test } from "vitest";
import { startNodeServer, startRawServer } from "../http/support/servers.js";

const LIMIT = { timeout: 10_000 };
const HEAD = "HTTP/1.1 200 OK\r\n";
const END = "Content-Length: 2\r\n\r\nok";

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

function sent(url: string, { method = "GET", body = null as string | null, headers = {} } = {}): XMLHttpRequest {
  const xhr = new XMLHttpRequest();
  xhr.open(method, url, false);
  xhr.timeout = 10_000;
  for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value as string);
  xhr.send(body);
  return xhr;
}

function headerOf(seen: { rawHeaders: string[] }, name: string): string | undefined {
  const index = seen.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return index < 0 ? undefined : seen.rawHeaders[index + 1];
}

describe("parsing", () => {
  test("a lone CR before the body is refused", () => {
    const heads = [
      "HTTP/1.1\r200 OK\n\n",
      "HTTP/1.1 200\rOK\n\n",
      "HTTP/1.1 200 OK\n\rA: b\n\n",
      "HTTP/1.1 200 OK\nA\r: b\n\n",
      "HTTP/1.1 200 OK\nA:\r b\n\n",
      "HTTP/1.1 200 OK\nA: b\r\r\n",
      "HTTP/1.1 200 OK\nA: b\rC: d\n\n",
    ];
    const server = startRawServer(Object.fromEntries(heads.map((head, i) => [i, `${head}BODY`])));
    const outcomes = heads.map((_, i) => thrownBy(() => fetch(`${server.origin}/${i}`, LIMIT).text()).code);
    expect(outcomes).toEqual(heads.map(() => "ERR_HTTP_PARSE"));
  });

  test("status codes that are not numbers, or have more than three digits, are refused", () => {
    const codes = ["", "BLAH", "1000 BOO", "65736 NOT 200", "131072 HI"];
    const server = startRawServer(Object.fromEntries(codes.map((code, i) => [i, `HTTP/1.1 ${code}\r\n${END}`])));
    const outcomes = codes.map((_, i) => thrownBy(() => fetch(`${server.origin}/${i}`, LIMIT).text()).code);
    expect(outcomes).toEqual(codes.map(() => "ERR_HTTP_PARSE"));
  });

  test("a status of 999 is accepted, with its text", () => {
    const response = fetch(answering(`HTTP/1.1 999 DOES IT MATTER\r\n${END}`), LIMIT);
    expect([response.status, response.statusText, response.text()]).toEqual([999, "DOES IT MATTER", "ok"]);
  });

  test("departure: statuses of fewer than three digits are refused", () => {
    const server = startRawServer({ one: `HTTP/1.1 1 OK\r\n${END}`, two: `HTTP/1.1 99 NOT OK\r\n${END}` });
    const outcomes = ["one", "two"].map((name) => thrownBy(() => fetch(`${server.origin}/${name}`, LIMIT).text()).code);
    expect(outcomes).toEqual(["ERR_HTTP_PARSE", "ERR_HTTP_PARSE"]);
  });

  test("a head that ends inside a header is refused", () => {
    const ends = ["a: b\t", "a: b ", "a: b\f", "a: b\r"];
    const server = startRawServer(Object.fromEntries(ends.map((end, i) => [i, `${HEAD}${end}`])));
    for (let i = 0; i < ends.length; i++) {
      expect(
        thrownBy(() => fetch(`${server.origin}/${i}`, LIMIT).text()),
        JSON.stringify(ends[i]),
      ).toBeInstanceOf(HttpError);
    }
  });

  test("NUL in the head is refused, wherever it is", () => {
    const heads = [
      "\0HTTP/1.1 200 OK",
      "HT\0TP/1.1 200 OK",
      "HTTP/1.1 2\x0000 OK",
      "HTTP/1.1 200 OK\r\nA\0: b",
      "HTTP/1.1 200 OK\r\nA: b\0c",
    ];
    const server = startRawServer(Object.fromEntries(heads.map((head, i) => [i, `${head}\r\n${END}`])));
    const outcomes = heads.map((_, i) => thrownBy(() => fetch(`${server.origin}/${i}`, LIMIT).text()).code);
    expect(outcomes).toEqual(heads.map(() => "ERR_HTTP_PARSE"));
  });
});

describe("fetch: headers", () => {
  test("NUL, CR and LF in a value are refused before anything is sent", () => {
    for (const value of ["a\0b", "a\rb", "a\nb"]) {
      expect(() => fetch(`${origin}/echo`, { ...LIMIT, headers: { "x-a": value } }), JSON.stringify(value)).toThrow(
        TypeError,
      );
    }
  });

  test("blanks around a value are not sent", () => {
    const seen = fetch(`${origin}/echo`, { ...LIMIT, headers: { "x-a": " \tb c\t " } }).json() as {
      rawHeaders: string[];
    };
    expect(headerOf(seen, "x-a")).toBe("b c");
  });

  test("Accept is */* unless given", () => {
    expect(headerOf(fetch(`${origin}/echo`, LIMIT).json() as { rawHeaders: string[] }, "accept")).toBe("*/*");
    const given = fetch(`${origin}/echo`, { ...LIMIT, headers: { accept: "custom/*" } }).json() as {
      rawHeaders: string[];
    };
    expect(headerOf(given, "accept")).toBe("custom/*");
  });

  test("POST and PUT without a body have a Content-Length of 0, GET and HEAD have none", () => {
    const lengthOf = (method: string) =>
      headerOf(fetch(`${origin}/echo`, { ...LIMIT, method }).json() as { rawHeaders: string[] }, "content-length");
    expect(["POST", "PUT", "GET"].map(lengthOf)).toEqual(["0", "0", undefined]);
  });

  test("values of one name are joined, cookies are not", () => {
    const response = fetch(
      answering(`${HEAD}A: 1\r\na: 2\r\nB:\r\nb:\r\nSet-Cookie: c=1\r\nSet-Cookie: d=2\r\n${END}`),
      LIMIT,
    );
    expect([response.headers.get("a"), response.headers.get("b")]).toEqual(["1, 2", ", "]);
    expect(response.headers.getSetCookie()).toEqual(["c=1", "d=2"]);
  });
});

describe("fetch: the body", () => {
  test("a body that is not gzip as announced fails when it is read, in every form", () => {
    const url = answering(`${HEAD}Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno codes`);
    for (const form of ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const) {
      const response = fetch(url, LIMIT);
      expect(response.status, form).toBe(200);
      expect(thrownBy(() => response[form]()).code, form).toBe("ERR_CONTENT_DECODING");
    }
  });

  test("gzip is decoded whatever the type", () => {
    const body = gzipSync("text").toString("latin1");
    for (const type of ["text/plain", "application/octet-stream", "application/gzip"]) {
      const url = answering(
        `${HEAD}Content-Type: ${type}\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect(fetch(url, LIMIT).text(), type).toBe("text");
    }
  });

  test("text and JSON are UTF-8 whatever the charset, without a byte order mark", () => {
    const withMark = (text: string) =>
      `${HEAD}Content-Type: text/plain;charset=utf-16\r\nContent-Length: ${text.length + 3}\r\n\r\n\xef\xbb\xbf${text}`;
    expect(fetch(answering(withMark("\xc3\xa9")), LIMIT).text()).toBe("é");
    expect(fetch(answering(withMark("[1]")), LIMIT).json()).toEqual([1]);
  });

  test("a body is read once", () => {
    const response = fetch(`${origin}/bytes/3`, LIMIT);
    expect([response.bodyUsed, response.text(), response.bodyUsed]).toEqual([false, "012", true]);
    expect(thrownBy(() => response.text()).code).toBe("ERR_HTTP_BODY_USED");
  });

  test("a body that is shorter than its Content-Length fails", () => {
    expect(thrownBy(() => fetch(answering(`${HEAD}Content-Length: 20\r\n\r\nshort`), LIMIT).text()).code).toBe(
      "ERR_STREAM_PREMATURE_CLOSE",
    );
  });
});

describe("fetch: redirects", () => {
  const to = (status: number, url: string) => `${origin}/redirect/${status}?to=${encodeURIComponent(url)}`;

  test("20 are followed, 21 fail", () => {
    expect(fetch(`${origin}/count/20`, LIMIT).ok).toBe(true);
    expect(thrownBy(() => fetch(`${origin}/count/21`, LIMIT).status).code).toBe("ERR_HTTP_TOO_MANY_REDIRECTS");
  });

  test("mailto:, data:, ws: and about: URLs fail", () => {
    for (const url of ["mailto:a@b.com", "data:,HI", "ws://localhost/", "about:blank", "javascript:void(0)"]) {
      expect(
        thrownBy(() => fetch(to(302, url), LIMIT).status),
        url,
      ).toBeInstanceOf(HttpError);
    }
  });

  test("methods other than POST are kept, except with 303", () => {
    const methodOf = (status: number) =>
      (fetch(to(status, "/echo"), { ...LIMIT, method: "PROPFIND" }).json() as { method: string }).method;
    expect([301, 302, 303, 307, 308].map(methodOf)).toEqual(["PROPFIND", "PROPFIND", "GET", "PROPFIND", "PROPFIND"]);
  });

  test("a redirect that becomes GET loses the headers of the body", () => {
    const init = {
      ...LIMIT,
      method: "POST",
      body: "a",
      headers: { "content-language": "en", "content-type": "x/y", "x-a": "b" },
    };
    const seen = fetch(to(301, "/echo"), init).json() as { rawHeaders: string[] };
    expect(["content-length", "content-language", "content-type", "x-a"].map((name) => headerOf(seen, name))).toEqual([
      undefined,
      undefined,
      undefined,
      "b",
    ]);
  });
});

describe("synchronous XMLHttpRequest", () => {
  test("endless redirects, and redirects to invalid URLs, are a NetworkError", () => {
    for (const url of [
      `${origin}/count/30`,
      answering("HTTP/1.1 302 Found\r\nLocation: foobar://abcd\r\nContent-Length: 0\r\n\r\n"),
      answering("HTTP/1.1 302 Found\r\nLocation: http://z z/\r\nContent-Length: 0\r\n\r\n"),
    ]) {
      expect(thrownBy(() => sent(url)).name, url).toBe("NetworkError");
    }
  });

  test("values of one name are joined, empty ones too", () => {
    const xhr = sent(
      answering(`${HEAD}heya:\r\nheya: 1\r\nHEYA: \r\nheya:\r\nheya: 2\r\nDouble: \r\nDouble:\r\n${END}`),
    );
    expect([xhr.getResponseHeader("heya"), xhr.getResponseHeader("double"), xhr.getResponseHeader("none")]).toEqual([
      ", 1, , , 2",
      ", ",
      null,
    ]);
  });

  test("all headers come in lower case, sorted by name", () => {
    const xhr = sent(
      answering(`${HEAD}foo-TEST: 1\r\nFOO-test: 2\r\n__Custom: token\r\nALSO-here: Mr. PB\r\newok: lego\r\n${END}`),
    );
    expect(xhr.getAllResponseHeaders()).toBe(
      "__custom: token\r\nalso-here: Mr. PB\r\ncontent-length: 2\r\newok: lego\r\nfoo-test: 1, 2\r\n",
    );
  });

  test("blanks around values are not part of them", () => {
    const xhr = sent(answering(`${HEAD}A: \t b \t\r\nB: c  d\r\n${END}`));
    expect([xhr.getResponseHeader("a"), xhr.getResponseHeader("b")]).toEqual(["b", "c  d"]);
  });

  test("statuses and their texts arrive as they are", () => {
    for (const [status, text] of [
      [299, "WEBSRT MARKETING"],
      [402, "FIVE BUCKS"],
      [699, "WAY OUTTA RANGE"],
    ] as const) {
      const xhr = sent(answering(`HTTP/1.1 ${status} ${text}\r\n${END}`));
      expect([xhr.status, xhr.statusText]).toEqual([status, text]);
    }
  });

  test("no progress is reported, and no error event comes", () => {
    const events: string[] = [];
    const xhr = new XMLHttpRequest();
    for (const type of ["progress", "loadstart", "load", "loadend", "error", "abort", "timeout"])
      xhr.addEventListener(type, () => events.push(type));
    xhr.open("GET", `${origin}/bytes/100000`, false);
    xhr.send();
    expect(events).toEqual(["load", "loadend"]);
  });

  test("an empty value may be sent, and blanks around one are not", () => {
    const seen = JSON.parse(sent(`${origin}/echo`, { headers: { "x-empty": "", "x-a": " \tb\t " } }).responseText) as {
      rawHeaders: string[];
    };
    expect([headerOf(seen, "x-empty"), headerOf(seen, "x-a")]).toEqual(["", "b"]);
  });
});
