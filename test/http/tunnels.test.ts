/**
 * HTTPS through proxies: squid, tinyproxy, microsocks and Dante make the connection; TLS is with the server, which is verified.
 */

import { createHttpClient, fetch, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";
import { Authority } from "../tls/support/certificates.js";
import { type Server, startDante, startNodeServer, startSocks, startSquid, startTinyproxy } from "./support/servers.js";

let authority: Authority;
let secure: Server;
let squid: Server;
let proxies: Record<string, string>;

const withUser = (origin: string, user: string) => origin.replace("://", `://${user}@`);

beforeAll(() => {
  authority = new Authority("root of tunnels");
  const identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
  secure = startNodeServer(identity);
  const port = closedPort();
  squid = startSquid(`https_port 127.0.0.1:${port} tls-cert=${identity.certPath} tls-key=${identity.keyPath}`);
  const socks = startSocks();
  proxies = {
    squid: squid.origin,
    "squid over TLS": `https://localhost:${port}`,
    tinyproxy: withUser(startTinyproxy("user", "pass").origin, "user:pass"),
    "microsocks, the name looked up here": socks.origin.replace("socks5h", "socks5"),
    "microsocks, the name looked up there": socks.origin,
    "microsocks with a password": withUser(startSocks("user", "p:ss").origin, "user:p%3Ass"),
    dante: startDante().origin,
  };
});

const NAMES = [
  "squid",
  "squid over TLS",
  "tinyproxy",
  "microsocks, the name looked up here",
  "microsocks, the name looked up there",
  "microsocks with a password",
  "dante",
];

function via(name: string, path: string, options: RequestOptions = {}) {
  const proxy = proxies[name] as string;
  return fetch(`${secure.origin}${path}`, { timeout: 20_000, tls: { ca: authority.cert }, ...options, proxy });
}

interface Seen {
  url: string;
  rawHeaders: string[];
  body: { length: number };
}

describe.each(NAMES)("%s", (name) => {
  test("makes the connection; requests and responses go through, encrypted for the server", () => {
    const seen = via(name, "/echo?a=b").json() as Seen;
    expect(seen.url).toBe("/echo?a=b");
    const names = seen.rawHeaders.map((each) => each.toLowerCase());
    expect(names).not.toContain("proxy-authorization");
    const own = via(name, "/echo", { headers: { "Proxy-Authorization": "Basic eA==" } }).text();
    expect(own.toLowerCase()).not.toContain("proxy-authorization");
    expect(names).not.toContain("via");
    expect(via(name, "/bytes/3000000").bytes().length).toBe(3_000_000);
    const body = Buffer.alloc(3_000_000);
    expect((via(name, "/echo", { method: "POST", body }).json() as Seen).body.length).toBe(3_000_000);
  });

  test("does not change which authorities and names are trusted", () => {
    const unknown = expect.objectContaining({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", stage: "TLS" });
    expect(() => via(name, "/echo", { tls: {} }).status).toThrow(unknown);
    const tls = { ca: authority.cert, servername: "example.org" };
    expect(() => via(name, "/echo", { tls }).status).toThrow(
      expect.objectContaining({ code: "ERR_TLS_CERT_ALTNAME_INVALID", stage: "TLS" }),
    );
  });

  test("a server that can't be reached is an error of the proxy", () => {
    const url = `https://localhost:${closedPort()}/`;
    expect(
      () => fetch(url, { proxy: proxies[name] as string, timeout: 20_000, tls: { ca: authority.cert } }).status,
    ).toThrow(expect.objectContaining({ code: "ERR_HTTP_PROXY", stage: "proxy" }));
  });
});

test("a server is verified by its IP, too", () => {
  const url = `https://127.0.0.1:${secure.port}/bytes/3`;
  const options = { proxy: squid.origin, timeout: 20_000 };
  expect(fetch(url, { ...options, tls: { ca: authority.cert } }).text()).toBe("012");
  const other = startNodeServer(authority.issue({ names: ["localhost"] }));
  const wrong = fetch(`https://127.0.0.1:${other.port}/bytes/3`, { ...options, tls: { ca: authority.cert } });
  expect(() => wrong.status).toThrow(expect.objectContaining({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }));
});

test("connections through a proxy are reused", () => {
  const client = createHttpClient({ proxy: squid.origin, timeout: 20_000, tls: { ca: authority.cert } });
  for (let i = 0; i < 5; i++) expect(client.fetch(`${secure.origin}/bytes/10`).text().length).toBe(10);
  expect(client.connections).toEqual({ open: 1, idle: 1 });
  client.close();
});

describe("a proxy over TLS", () => {
  const toProxy = (options: RequestOptions) =>
    fetch("http://localhost/", { timeout: 10_000, ...options, proxy: proxies["squid over TLS"] as string });

  test("forwards plain HTTP requests", () => {
    const plain = startNodeServer();
    const options = { proxy: proxies["squid over TLS"] as string, tls: { ca: authority.cert }, timeout: 10_000 };
    expect(fetch(`${plain.origin}/bytes/3`, options).text()).toBe("012");
  });

  test("is verified even with rejectUnauthorized: false for the server", () => {
    const code = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
    expect(() => toProxy({}).status).toThrow(expect.objectContaining({ code, stage: "TLS" }));
    expect(() => toProxy({ tls: { rejectUnauthorized: false } }).status).toThrow(expect.objectContaining({ code }));
    const excused = via("squid over TLS", "/echo", { tls: { rejectUnauthorized: false } });
    expect(() => excused.status).toThrow(expect.objectContaining({ code, message: expect.stringContaining("proxy ") }));
  });
});

describe("a proxy fails the request", () => {
  test.each([
    ["403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", /403 Forbidden/],
    ["407 without credentials", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", /407 Proxy Authentication/],
    ["redirects", "HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\n\r\n", /302 Found/],
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n", /not HTTP\/1\.1/],
    ["no words", "HTTP/1.0 502\r\n\r\n", /with 502/],
    ["endless hints", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20), /more than 8 informational responses/],
    ["an endless head", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(70_000)}`, /more than 65536 bytes/],
  ])("if its answer is %s", (_name, text, message) => {
    const peer = startPeer("greeter", { text });
    const response = fetch("https://localhost/", { proxy: `http://127.0.0.1:${peer.port}`, timeout: 10_000 });
    expect(() => response.status).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_PROXY", stage: "proxy", message: expect.stringMatching(message) }),
    );
  });

  test("if it ends the connection", () => {
    const peer = startPeer("halfClosed", { text: "HTTP/1.1 200 OK\r\nA: b\r\n" });
    const response = fetch("https://localhost/", { proxy: `http://127.0.0.1:${peer.port}`, timeout: 10_000 });
    expect(() => response.status).toThrow(expect.objectContaining({ stage: "proxy" }));
  });

  test("if the password is wrong; the error does not show the password", () => {
    const proxy = withUser(startTinyproxy("user", "pass").origin, "user:secret");
    const response = fetch("https://localhost/", { proxy, timeout: 10_000 });
    expect(() => response.status).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_PROXY", message: expect.stringMatching(/CONNECT .* with 40[17]/) }),
    );
    expect(() => response.status).toThrow(expect.not.stringContaining("secret"));
  });

  test("if it can't be reached", () => {
    const port = closedPort();
    const response = fetch("https://localhost/", { proxy: `http://127.0.0.1:${port}`, timeout: 10_000 });
    const message = expect.stringContaining(`proxy 127.0.0.1:${port}`);
    expect(() => response.status).toThrow(expect.objectContaining({ code: "ECONNREFUSED", stage: "connect", message }));
  });
});

test("https_proxy of the environment applies to https", () => {
  const source = `import { fetch } from "ringnet/http";
    console.log(fetch(process.argv[1], { timeout: 10_000 }).text());`;
  const run = (env: Record<string, string>) =>
    runProgram(source, {
      args: [`${secure.origin}/bytes/3`],
      env: { NODE_EXTRA_CA_CERTS: authority.certPath, no_proxy: undefined, NO_PROXY: undefined, ...env },
    });
  expect(run({ https_proxy: squid.origin }).output).toBe("012\n");
  expect(run({ https_proxy: "http://127.0.0.1:1" }).errors).toContain("proxy 127.0.0.1:1: connect ECONNREFUSED");
  expect(run({ http_proxy: "http://127.0.0.1:1" }).output).toBe("012\n");
});
