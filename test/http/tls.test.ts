/**
 * HTTPS: the server is always verified, by the TLS of the connection.
 */

import type { TlsOptions } from "ringnet";
import { createHttpClient, fetch, HttpError, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../support/programs.js";
import { Authority } from "../tls/support/certificates.js";
import { type Server, startNodeServer } from "./support/servers.js";

let authority: Authority;
let secure: Server;
let plain: Server;

beforeAll(() => {
  authority = new Authority("root of HTTPS");
  secure = startNodeServer(authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] }));
  plain = startNodeServer();
});

function get(path: string, options: RequestOptions = {}) {
  return fetch(`${secure.origin}${path}`, { timeout: 10_000, proxy: null, tls: { ca: authority.cert }, ...options });
}

test("requests and responses work", () => {
  const response = get("/bytes/3000000");
  expect([response.status, response.url]).toEqual([200, `${secure.origin}/bytes/3000000`]);
  expect(response.bytes().length).toBe(3_000_000);
  const body = Buffer.alloc(3_000_000);
  const seen = get("/echo", { method: "POST", body }).json() as { body: { length: number } };
  expect(seen.body.length).toBe(3_000_000);
});

test("a connection is reused for equal TLS options, also in another object", () => {
  const client = createHttpClient({ proxy: null, timeout: 10_000 });
  for (let i = 0; i < 3; i++) client.fetch(`${secure.origin}/bytes/1`, { tls: { ca: authority.cert } }).text();
  expect(client.connections).toEqual({ open: 1, idle: 1 });
  client.fetch(`${secure.origin}/bytes/1`, { tls: { ca: [authority.cert], rejectUnauthorized: false } }).text();
  expect(client.connections).toEqual({ open: 2, idle: 2 });
  expect(() => client.fetch(`${secure.origin}/bytes/1`).text()).toThrow(/certificate/);
  client.close();
});

test.each<[string, (ca: string) => { tls: TlsOptions; change: () => void }]>([
  [
    "an array",
    (ca) => {
      const list = [ca];
      return { tls: { ca: list }, change: () => void list.splice(0, 1, new Authority("other").cert) };
    },
  ],
  [
    "bytes",
    (ca) => {
      const bytes = Buffer.from(ca);
      return { tls: { ca: [bytes] }, change: () => void bytes.fill("\n") };
    },
  ],
])("a connection that was verified with other certificates is not reused after %s has changed in place", (_, make) => {
  const client = createHttpClient({ proxy: null, timeout: 10_000 });
  const { tls, change } = make(authority.cert);
  for (let i = 0; i < 2; i++) expect(client.fetch(`${secure.origin}/bytes/1`, { tls }).text()).toBe("0");
  expect(client.connections).toEqual({ open: 1, idle: 1 });
  change();
  expect(() => client.fetch(`${secure.origin}/bytes/1`, { tls }).text()).toThrow(
    expect.objectContaining({ stage: "TLS" }),
  );
  client.close();
});

test("a connection is reused for equal bytes in another buffer", () => {
  const client = createHttpClient({ proxy: null, timeout: 10_000 });
  for (let i = 0; i < 2; i++) {
    client.fetch(`${secure.origin}/bytes/1`, { tls: { ca: [Buffer.from(authority.cert)] } }).text();
  }
  expect(client.connections).toEqual({ open: 1, idle: 1 });
  client.close();
});

test("a connection that was not verified is not reused after the program has changed its TLS options in place", () => {
  const client = createHttpClient({ proxy: null, timeout: 10_000 });
  const tls = { rejectUnauthorized: false };
  expect(client.fetch(`${secure.origin}/bytes/1`, { tls }).text()).toBe("0");
  tls.rejectUnauthorized = true;
  expect(() => client.fetch(`${secure.origin}/bytes/1`, { tls }).text()).toThrow(/certificate/);
  client.close();
});

describe("a server that can't be verified gets no request", () => {
  test.each<[string, (ca: string) => RequestOptions, string]>([
    ["an unknown authority", () => ({ tls: {} }), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["another name", (ca) => ({ tls: { ca, servername: "example.org" } }), "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("%s", (_name, options, code) => {
    expect(() => get("/echo", options(authority.cert)).status).toThrow(expect.objectContaining({ code, stage: "TLS" }));
  });
});

test("redirects lead from http to https and back, without credentials", () => {
  const options = { headers: { authorization: "x" } };
  const there = fetch(`${plain.origin}/redirect/302?to=${secure.origin}/echo`, {
    ...options,
    proxy: null,
    timeout: 10_000,
    tls: { ca: authority.cert },
  });
  expect(there.text()).not.toContain("authorization");
  expect(get(`/redirect/302?to=${plain.origin}/echo`, options).text()).not.toContain("authorization");
});

test("http to an https port, and https to an http port, are errors", () => {
  expect(() => fetch(`http://localhost:${secure.port}/`, { proxy: null, timeout: 10_000 }).text()).toThrow(HttpError);
  const wrong = fetch(`https://127.0.0.1:${plain.port}/`, { proxy: null, timeout: 10_000 });
  expect(() => wrong.text()).toThrow(expect.objectContaining({ stage: "TLS" }));
});

test("NODE_EXTRA_CA_CERTS applies on the networking thread as on the main one", () => {
  const source = `import { fetch } from "ringnet/http"; console.log(fetch(process.argv[1], { timeout: 10_000, proxy: null }).text());`;
  const run = (env: Record<string, string | undefined>) =>
    runProgram(source, { args: [`${secure.origin}/bytes/3`], env: { NODE_EXTRA_CA_CERTS: undefined, ...env } });
  expect(run({ NODE_EXTRA_CA_CERTS: authority.certPath }).output).toBe("012\n");
  expect(run({}).errors).toContain("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});
