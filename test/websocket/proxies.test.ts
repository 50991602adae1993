/**
 * `openWebSocket` through proxies: tinyproxy, which relays by CONNECT, and microsocks.
 */

import { type OpenWebSocketOptions, openWebSocket } from "ringnet/websocket";
import { beforeAll, describe, expect, test } from "vitest";
import { type Server, startSocks, startTinyproxy } from "../http/support/servers.js";
import { closedPort } from "../support/ports.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";
import { startWsPeer } from "./support/peers.js";

const TIMEOUT = 20_000;
const [USER, PASSWORD] = ["us er", "pa:ss"];

const proxies: Record<string, Server> = {};
const locked: Record<string, Server> = {};

beforeAll(() => {
  proxies.tinyproxy = startTinyproxy();
  proxies.microsocks = startSocks();
  locked.tinyproxy = startTinyproxy("user", "secret");
  locked.microsocks = startSocks(USER, PASSWORD);
});

const proxyOf = (name: string): string => (proxies[name] as Server).origin;

function expectEcho(url: string, options: OpenWebSocketOptions): void {
  const socket = openWebSocket(url, { timeout: TIMEOUT, ...options });
  for (const message of ["hello", "x".repeat(300_000)]) {
    socket.sendWait(message, TIMEOUT);
    expect(socket.receive(TIMEOUT)).toBe(message);
  }
  socket.end(4000, "enough");
  expect(socket.receive(TIMEOUT)).toBeNull();
  expect([socket.closeCode, socket.closeReason]).toEqual([4000, "enough"]);
  socket.close();
}

describe.each(["tinyproxy", "microsocks"])("%s", (name) => {
  test("carries messages and the closing handshake", () => {
    const peer = startWsPeer({ echo: true });
    expectEcho(peer.url, { proxy: proxyOf(name) });
    // The request has no trace of the proxy.
    const { headers } = peer.waitForEvent("connection");
    expect(headers?.host).toBe(`127.0.0.1:${peer.port}`);
    expect(Object.keys(headers ?? {}).filter((each) => each.startsWith("proxy"))).toEqual([]);
  });

  test("wss: the server's certificate is verified", () => {
    const authority = new Authority("websocket proxies");
    const { cert, key } = authority.issue({ names: ["localhost"] });
    const peer = startWsPeer({ echo: true, cert, key });
    const url = `wss://localhost:${peer.port}`;
    expectEcho(url, { proxy: proxyOf(name), tls: { ca: authority.cert } });
    const error = errorOf(() => openWebSocket(url, { proxy: proxyOf(name), timeout: TIMEOUT }));
    expect(error.code).toMatch(/^UNABLE_TO|SELF_SIGNED/);
  });

  test("a server that can't be reached is an error that names the proxy", () => {
    const url = `ws://127.0.0.1:${closedPort()}`;
    const error = errorOf(() => openWebSocket(url, { proxy: proxyOf(name), timeout: TIMEOUT }));
    expect(error.code).toMatch(/ERR_PROXY|ECONNREFUSED/);
    expect(error.message).toMatch(/proxy/);
  });

  test("a proxy that requires a password gets it from its URL; without it, opening fails", () => {
    const peer = startWsPeer({ echo: true });
    const { origin } = locked[name] as Server;
    const [user, password] = name === "tinyproxy" ? ["user", "secret"] : [USER, PASSWORD];
    const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
    expectEcho(peer.url, { proxy: origin.replace("://", `://${credentials}`) });
    const error = errorOf(() => openWebSocket(peer.url, { proxy: origin, timeout: TIMEOUT }));
    expect(error.code).toBe("ERR_PROXY");
    expect(error.message).not.toContain(password);
  });
});

test("a proxy that can't be reached is an error that names it", () => {
  const port = closedPort();
  const error = errorOf(() =>
    openWebSocket("ws://127.0.0.1:9", { proxy: `http://127.0.0.1:${port}`, timeout: TIMEOUT }),
  );
  expect(error.code).toBe("ECONNREFUSED");
  expect(error.message).toContain(`${port}`);
});
