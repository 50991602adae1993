/**
 * Request bodies: large ones, pieces, 100-continue, and servers that answer early or close.
 */

import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import { createHttpClient, fetch, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { timed } from "../support/waiting.js";
import { type Server, startNodeServer } from "./support/servers.js";

let server: Server;

beforeAll(() => {
  server = startNodeServer();
});

interface Seen {
  rawHeaders: string[];
  body: { length: number; sha256: string };
}

function send(path: string, options: RequestOptions) {
  return fetch(`${server.origin}${path}`, { method: "POST", timeout: 20_000, proxy: null, ...options });
}

function* pieces(count: number, size: number): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(size, i);
}

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

function fail(message: string): never {
  throw new Error(message);
}

describe("a large body", () => {
  test("arrives whole", () => {
    const body = Buffer.alloc(16 * 1024 * 1024, "some text that repeats itself");
    expect((send("/echo", { body }).json() as Seen).body).toMatchObject({ length: body.length, sha256: sha256(body) });
  });

  test("of pieces arrives whole, in chunks", () => {
    const seen = send("/echo", { body: pieces(300, 20_000) }).json() as Seen;
    expect(seen.body).toMatchObject({ length: 6_000_000, sha256: sha256(...pieces(300, 20_000)) });
    expect(seen.rawHeaders).toContain("chunked");
  });

  test("of pieces may declare its length, and must match it", () => {
    const declared = (length: number) => ({ body: pieces(3, 100), headers: { "content-length": `${length}` } });
    const seen = send("/echo", declared(300)).json() as Seen;
    expect(seen.body.length).toBe(300);
    expect(seen.rawHeaders).not.toContain("chunked");
    for (const length of [299, 301]) {
      expect(() => send("/echo", declared(length)).text()).toThrow(RangeError);
    }
  });

  test("can be another response", () => {
    const body = fetch(`${server.origin}/bytes/3000000`, { proxy: null, timeout: 10_000 });
    expect((send("/echo", { body }).json() as Seen).body.length).toBe(3_000_000);
  });

  test("an iterable that throws ends the request with its error", () => {
    function* broken(): Generator<Uint8Array> {
      yield Buffer.from("x");
      throw new Error("the disk is full");
    }
    expect(() => send("/echo", { body: broken() }).text()).toThrow("the disk is full");
    expect(() => send("/echo", { body: ["text"] as unknown as Uint8Array[] }).text()).toThrow(TypeError);
  });

  test.each<[string, string, () => Partial<Iterator<Uint8Array>>, number]>([
    ["that has no iterator", "no iterator", () => fail("no iterator"), 0],
    ["whose iterator is not one", "next is not a function", () => ({}), 0],
    ["that throws", "broken", () => ({ next: () => fail("broken") }), 0],
    ["that yields text", "must yield", () => ({ next: () => ({ value: "x" as never, done: false }) }), 1],
  ])("an iterable %s: its connection is closed, and return() can't hide the error", (_what, message, make, returns) => {
    let returned = 0;
    const end = () => {
      returned++;
      return fail("again");
    };
    const body = { [Symbol.iterator]: () => ({ return: end, ...make() }) as Iterator<Uint8Array> };
    const client = createHttpClient({ proxy: null, timeout: 20_000 });
    const url = `${server.origin}/echo`;
    expect(client.fetch(url).text()).toContain("GET");
    expect(() => client.fetch(url, { method: "POST", body }).text()).toThrow(message);
    expect(client.connections).toEqual({ open: 0, idle: 0 });
    expect(returned).toBe(returns);
  });

  test("an iterable that is no longer needed is ended with return()", () => {
    let ended = false;
    function* endless(): Generator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(65536);
      } finally {
        ended = true;
      }
    }
    expect(send("/early/413", { body: endless() }).status).toBe(413);
    expect(ended).toBe(true);
  });
});

describe("a server that answers before it has read everything", () => {
  const body = Buffer.alloc(64 * 1024 * 1024);

  test.each([413, 200])("and stops reading: %i is returned", (status) => {
    const { value, milliseconds } = timed(() => {
      const response = send(`/early/${status}`, { body });
      return [response.status, response.text()];
    });
    expect(value).toEqual([status, "enough"]);
    expect(milliseconds).toBeLessThan(5000);
  });

  test("and closes the connection: its response is returned", () => {
    const peer = startPeer("answer", {
      reply: "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nless",
      after: 1,
      size: 1,
    });
    const response = fetch(`http://127.0.0.1:${peer.port}/`, { method: "POST", body, proxy: null, timeout: 10_000 });
    expect([response.status, response.text()]).toEqual([413, "less"]);
  });
});

describe("a Blob", () => {
  const post = (body: Blob | FormData) => send("/echo", { body }).text();

  test("of a file is refused, also in a form or within another Blob", async () => {
    const file = await openAsBlob("package.json", { type: "text/x" });
    const form = new FormData();
    form.append("file", file);
    for (const body of [file, file.slice(0, 9), new Blob(["a", file]), form]) {
      expect(() => post(body)).toThrow(/a Blob of a file can't be a body/);
    }
  });

  test("is read in another thread where the runtime has no synchronous reader, within the timeout", () => {
    const { output, errors } = runProgram(
      `Object.getOwnPropertySymbols = () => []; // hides Node's reader
       import { fetch } from "ringnet/http";
       const form = new FormData();
       form.append("file", new Blob(["content"]), "name");
       for (const body of [new Blob(["blob"]), form]) {
         const post = (timeout) => fetch("${server.origin}/echo", { method: "POST", body, proxy: null, timeout });
         console.log(post(20_000).json().body.text.match(/blob|content/)[0]);
         try { post(1).status; } catch (error) { console.log(error.message); }
       }`,
    );
    const late = `POST ${server.origin}/echo: the request timed out after 1 ms, reading a Blob of its body`;
    expect(errors + output).toBe(`blob\n${late}\ncontent\n${late}\n`);
  });
});

describe("Expect: 100-continue", () => {
  const expected = { body: "content", headers: { expect: "100-continue" } };

  test("the body is sent when the server agrees", () => {
    expect((send("/consent", expected).json() as Seen).body.length).toBe(7);
  });

  test("the body is not sent when the server refuses", () => {
    const response = send("/refuse", expected);
    expect([response.status, response.text()]).toEqual([417, "no"]);
  });

  test("the body is sent after a second without an answer", () => {
    const { value, milliseconds } = timed(() => (send("/silent", expected).json() as Seen).body.length);
    expect(value).toBe(7);
    expect(milliseconds).toBeGreaterThan(900);
  });
});
