/**
 * ringnet/xhr: what the XMLHttpRequest Standard says of synchronous requests, against a server of node:http.
 */

import { XMLHttpRequest } from "ringnet/xhr";
import { beforeAll, describe, expect, test } from "vitest";
import { startNodeServer, startRawServer } from "../http/support/servers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";

let origin: string;

beforeAll(() => {
  for (const name of ["http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"]) delete process.env[name];
  origin = startNodeServer().origin;
});

/** An opened request; `before` is called with it. */
function opened(url: string, { method = "GET", before = (_xhr: XMLHttpRequest): void => {} } = {}): XMLHttpRequest {
  const xhr = new XMLHttpRequest();
  xhr.open(method, url, false);
  xhr.timeout = 10_000;
  before(xhr);
  return xhr;
}

function sent(url: string, before?: (xhr: XMLHttpRequest) => void): XMLHttpRequest {
  const xhr = opened(url, before === undefined ? {} : { before });
  xhr.send();
  return xhr;
}

function thrownBy(action: () => unknown): DOMException {
  try {
    action();
  } catch (error) {
    return error as DOMException;
  }
  throw new Error("nothing was thrown");
}

interface Echo {
  method: string;
  rawHeaders: string[];
  body: { text: string };
}

function echo(method: string, body?: Parameters<XMLHttpRequest["send"]>[0], headers: Record<string, string> = {}) {
  const xhr = opened(`${origin}/echo`, {
    method,
    before: (each) => {
      for (const [name, value] of Object.entries(headers)) each.setRequestHeader(name, value);
    },
  });
  xhr.send(body);
  const seen = JSON.parse(xhr.responseText) as Echo;
  const header = (name: string) => {
    const index = seen.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
    return index < 0 ? undefined : seen.rawHeaders[index + 1];
  };
  return { method: seen.method, text: seen.body.text, header };
}

test("require gives the class", () => {
  const { output, errors } = runProgram(
    `import { createRequire } from "node:module";
    const { XMLHttpRequest } = createRequire(import.meta.url)("ringnet/xhr");
    const xhr = new XMLHttpRequest();
    xhr.open("GET", "${origin}/bytes/3", false);
    xhr.send(null);
    console.log(xhr.status, xhr.responseText);`,
  );
  expect({ output, errors }).toEqual({ output: "200 012\n", errors: "" });
});

describe("open", () => {
  test.each([[undefined], [true]])("with async %s throws a NotSupportedError that says what to write", (async) => {
    const error = thrownBy(() => new XMLHttpRequest().open("GET", origin, async));
    expect(error).toMatchObject({ name: "NotSupportedError" });
    expect(error.message).toContain("open(method, url, false)");
  });

  test.each([
    ["SyntaxError", "a b", "http://localhost/"],
    ["SecurityError", "Trace", "http://localhost/"],
    ["SyntaxError", "GET", "/path"],
  ])("throws a %s for method %s and %s", (name, method, url) => {
    const xhr = new XMLHttpRequest();
    expect(thrownBy(() => xhr.open(method, url, false))).toMatchObject({ name });
    expect(xhr.readyState).toBe(0);
  });

  test("takes a user and a password", () => {
    const xhr = new XMLHttpRequest();
    xhr.open("GET", `${origin}/echo`, false, "us r", "p@ss");
    xhr.timeout = 10_000;
    xhr.send();
    expect(xhr.responseText).toContain(`Basic ${btoa("us r:p@ss")}`);
    expect(xhr.responseURL).toBe(`${origin}/echo`);
  });

  test("discards the previous response", () => {
    const xhr = sent(`${origin}/bytes/3`);
    xhr.open("GET", `${origin}/echo`, false);
    expect([xhr.readyState, xhr.status, xhr.responseText, xhr.responseURL]).toEqual([1, 0, "", ""]);
    expect(xhr.getAllResponseHeaders()).toBe("");
  });
});

describe("the request", () => {
  test.each([
    ["get", "GET"],
    ["Post", "POST"],
    ["PROPFIND", "PROPFIND"],
  ])("method %s is sent as %s", (method, seen) => {
    expect(echo(method).method).toBe(seen);
  });

  test.each<[string, Parameters<XMLHttpRequest["send"]>[0], string | undefined, string]>([
    ["a string", "h\xe9", "text/plain;charset=UTF-8", "h\xc3\xa9"],
    ["bytes", new Uint8Array([1, 255]), undefined, "\x01\xff"],
    ["URLSearchParams", new URLSearchParams({ a: "b c" }), "application/x-www-form-urlencoded;charset=UTF-8", "a=b+c"],
    ["a Blob", new Blob(["blob"], { type: "text/x" }), "text/x", "blob"],
    ["null", null, undefined, ""],
  ])("body: %s", (_name, body, type, text) => {
    const seen = echo("POST", body);
    expect([seen.text, seen.header("content-type")]).toEqual([text, type]);
  });

  test("a body with GET is left out", () => {
    expect(echo("GET", "abc")).toMatchObject({ method: "GET", text: "" });
  });

  test("joins header values, leaves forbidden names out, corrects a wrong charset", () => {
    const xhr = opened(`${origin}/echo`);
    xhr.setRequestHeader("X-A", " 1 ");
    xhr.setRequestHeader("x-a", "2");
    xhr.setRequestHeader("Host", "elsewhere");
    xhr.send();
    const { rawHeaders } = JSON.parse(xhr.responseText) as Echo;
    expect(rawHeaders.slice(rawHeaders.indexOf("X-A"))[1]).toBe("1, 2");
    expect(xhr.responseText).not.toContain("elsewhere");
    const seen = echo("POST", "a", { "Content-Type": "text/x; charset=latin1; b=c" });
    expect(seen.header("content-type")).toBe("text/x; charset=UTF-8; b=c");
    expect(echo("POST", new Uint8Array(1), { "Content-Type": "a/b; charset=x" }).header("content-type")).toBe(
      "a/b; charset=x",
    );
  });

  test("headers are refused before open, after send, and with what HTTP can't carry", () => {
    expect(thrownBy(() => new XMLHttpRequest().setRequestHeader("a", "b"))).toMatchObject({
      name: "InvalidStateError",
    });
    expect(thrownBy(() => sent(`${origin}/bytes/1`).setRequestHeader("a", "b"))).toMatchObject({
      name: "InvalidStateError",
    });
    const xhr = opened(origin);
    for (const [name, value] of [
      ["a b", "c"],
      ["", "c"],
      ["a", "b\r\nc: d"],
      ["a", "\u0100"],
    ]) {
      expect(thrownBy(() => xhr.setRequestHeader(name as string, value as string))).toMatchObject({
        name: "SyntaxError",
      });
    }
  });

  test("send is refused before open, and a second time", () => {
    expect(thrownBy(() => new XMLHttpRequest().send())).toMatchObject({ name: "InvalidStateError" });
    expect(thrownBy(() => sent(`${origin}/bytes/1`).send())).toMatchObject({ name: "InvalidStateError" });
  });
});

describe("the response", () => {
  test("has status, headers and text", () => {
    const xhr = sent(`${origin}/status/404?reason=Gone%20fishing`);
    expect(xhr).toMatchObject({ readyState: 4, status: 404, statusText: "Gone fishing", responseText: "status 404" });
    expect(xhr.response).toBe("status 404");
    expect(xhr.responseXML).toBeNull();
  });

  test("headers are sorted, lower-case and joined; cookies are hidden", () => {
    const raw = startRawServer({
      a: "HTTP/1.1 200 OK\r\nX-B: 1\r\nA: 2\r\nSet-Cookie: c=d\r\nx-b: 3\r\nContent-Length: 0\r\n\r\n",
    });
    const xhr = sent(`${raw.origin}/a`);
    expect(xhr.getAllResponseHeaders()).toBe("a: 2\r\ncontent-length: 0\r\nx-b: 1, 3\r\n");
    expect([xhr.getResponseHeader("X-b"), xhr.getResponseHeader("Set-Cookie"), xhr.getResponseHeader("no")]).toEqual([
      "1, 3",
      null,
      null,
    ]);
  });

  test("redirects are followed; responseURL is the last one, without its fragment", () => {
    const xhr = sent(`${origin}/redirect/302?to=/echo%23fragment#other`);
    expect(xhr).toMatchObject({ status: 200, responseURL: `${origin}/echo` });
  });

  test.each<[XMLHttpRequest["responseType"], string, unknown]>([
    ["", "{}", "{}"],
    ["text", "{}", "{}"],
    ["json", '\xef\xbb\xbf{"a":1}', { a: 1 }],
    ["json", "no json", null],
    ["arraybuffer", "ab", new Uint8Array([97, 98]).buffer],
  ])("responseType %j makes of %j what it says", (type, text, made) => {
    const xhr = sent(`${origin}/form?type=a/b&body=${encodeURIComponent(text)}`, (each) => {
      each.responseType = type;
    });
    expect(xhr.response).toEqual(made);
    expect(xhr.response).toBe(xhr.response);
    if (type === "" || type === "text") return;
    expect(thrownBy(() => xhr.responseText)).toMatchObject({ name: "InvalidStateError" });
    expect(thrownBy(() => xhr.responseXML)).toMatchObject({ name: "InvalidStateError" });
  });

  test.each([
    ["text/x", null, "text/x"],
    ["text/x", "text/y", "text/y"],
    ["text/x", "nonsense", "application/octet-stream"],
  ])("a blob of %s, overridden by %s, is of %s", (type, override, final) => {
    const xhr = sent(`${origin}/form?type=${type}&body=ab`, (each) => {
      each.responseType = "blob";
      if (override !== null) each.overrideMimeType(override);
    });
    expect(xhr.response).toMatchObject({ size: 2, type: final });
  });

  test.each([
    ["text/plain", null, "\ufffd"],
    ["text/plain;charset=iso-8859-1", null, "\xe9"],
    ['text/plain; charset="windows-1252"', null, "\xe9"],
    ["text/plain;charset=no-such", null, "\ufffd"],
    ["text/plain", "a/b;charset=latin1", "\xe9"],
    ["text/plain;charset=latin1", "a/b;charset=utf-8", "\ufffd"],
  ])("text of %s, overridden by %s, is decoded so", (type, override, text) => {
    const xhr = sent(`${origin}/form?type=${encodeURIComponent(type)}&body=%C3%A9`, (each) => {
      if (override !== null) each.overrideMimeType(override);
    });
    expect(xhr.responseText).toBe(text);
  });

  test("refuses changes once it has arrived; ignores unknown types", () => {
    const xhr = sent(`${origin}/bytes/1`, (each) => {
      each.responseType = "unknown" as never;
    });
    expect(xhr.responseType).toBe("");
    expect(thrownBy(() => Object.assign(xhr, { responseType: "json" }))).toMatchObject({ name: "InvalidStateError" });
    expect(thrownBy(() => xhr.overrideMimeType("a/b"))).toMatchObject({ name: "InvalidStateError" });
    expect(thrownBy(() => Object.assign(opened(origin), { responseType: "document" }))).toMatchObject({
      name: "NotSupportedError",
    });
  });

  test("abort discards it", () => {
    const xhr = sent(`${origin}/bytes/1`);
    xhr.abort();
    expect([xhr.readyState, xhr.status, xhr.responseText]).toEqual([0, 0, ""]);
  });
});

describe("failures", () => {
  test("of the network are a NetworkError with its cause", () => {
    const xhr = opened(`http://127.0.0.1:${closedPort()}/`);
    expect(thrownBy(() => xhr.send())).toMatchObject({ name: "NetworkError", cause: { code: "ECONNREFUSED" } });
    expect([xhr.readyState, xhr.status, xhr.responseText, xhr.getAllResponseHeaders()]).toEqual([4, 0, "", ""]);
  });

  test.each(["head", "body"])("a timeout in the %s is a TimeoutError", (stage) => {
    const xhr = opened(`${origin}/slow?${stage}=5000`);
    xhr.timeout = 200;
    expect(thrownBy(() => xhr.send())).toMatchObject({ name: "TimeoutError", cause: { code: "ETIMEDOUT" } });
    expect([xhr.readyState, xhr.status, xhr.responseText]).toEqual([4, 0, ""]);
  });

  test("a body that is cut off is a NetworkError, and the response is empty", () => {
    const raw = startRawServer({ cut: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort" });
    const xhr = opened(`${raw.origin}/cut`);
    expect(thrownBy(() => xhr.send())).toMatchObject({ name: "NetworkError" });
    expect([xhr.status, xhr.responseText]).toEqual([0, ""]);
  });
});

describe("events", () => {
  test("are dispatched in open and send, in order", () => {
    const seen: string[] = [];
    const xhr = new XMLHttpRequest();
    xhr.onreadystatechange = () => seen.push(`state ${xhr.readyState}`) as never;
    xhr.onload = ({ loaded, target }) => seen.push(`load ${loaded} ${target === xhr}`) as never;
    const gone = () => seen.push("never") as never;
    xhr.addEventListener("loadend", { handleEvent: ({ type }) => seen.push(type) as never });
    xhr.addEventListener("loadend", gone);
    xhr.removeEventListener("loadend", gone);
    xhr.addEventListener("readystatechange", () => seen.push("once") as never, { once: true });
    xhr.open("GET", `${origin}/bytes/3`, false);
    xhr.send();
    expect(seen).toEqual(["state 1", "once", "state 4", "load 3 true", "loadend"]);
  });
});
