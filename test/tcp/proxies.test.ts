/**
 * `connect` through proxies: the connection is end to end with the host, with and without TLS.
 */

import { connect, NetError, parseProxy, poll, resolve, type TcpSocket } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { type Server, startSocks, startSquid } from "../http/support/servers.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { timed } from "../support/waiting.js";
import { Authority, type Identity } from "../tls/support/certificates.js";
import { errorOf } from "./sockets.js";

let squid: Server;
let socks: Server;
let authority: Authority;
let identity: Identity;

beforeAll(() => {
  squid = startSquid();
  socks = startSocks();
  authority = new Authority("root of proxies");
  identity = authority.issue({ names: ["localhost"] });
});

const proxyOf = (kind: string) => (kind === "http" ? squid.origin : socks.origin.replace("socks5h", kind));

/** The TypeError or RangeError that a call throws. */
function mistakeOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Sends this many bytes and gets them back. */
function expectEcho(socket: TcpSocket, length: number): void {
  const bytes = Buffer.alloc(length, "0123456789");
  socket.writeAll(bytes, 10_000);
  expect(socket.readExactly(length, 10_000)?.equals(bytes)).toBe(true);
}

describe.each(["http", "socks5", "socks5h"])("%s", (kind) => {
  test("sends bytes that were written before the connection is established", () => {
    const { port } = startPeer("echo");
    const socket = connect({ host: "localhost", port, proxy: proxyOf(kind) });
    expect(socket.write("early\n")).toBe(6);
    expect(socket.readLine(10_000)).toBe("early");
    expect(socket.state).toMatchObject({ connecting: false, open: true, stage: null });
    expectEcho(socket, 3_000_000);
    socket.close();
  });

  test("the server's first bytes are the first that are read", () => {
    const { port } = startPeer("greeter", { text: "hello\n" });
    const socket = connect({ host: "127.0.0.1", port, proxy: proxyOf(kind), timeout: 10_000 });
    expect(socket.readLine(10_000)).toBe("hello");
    socket.close();
  });

  test("TLS verifies the host, not the proxy", () => {
    const { cert, key } = identity;
    const { port } = startPeer("echo", { tls: { cert, key } });
    const proxy = proxyOf(kind);
    const socket = connect({ host: "localhost", port, proxy, tls: { ca: authority.cert }, timeout: 10_000 });
    expect([socket.encrypted, socket.authorized]).toEqual([true, true]);
    expectEcho(socket, 1_000_000);
    socket.close();
    expect(
      errorOf(() => connect({ host: "127.0.0.1", port, proxy, tls: { ca: authority.cert }, timeout: 10_000 })),
    ).toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  test("takes an Address, and poll reports the connection", () => {
    const { port } = startPeer("echo");
    const host = resolve("localhost");
    const socket = connect({ host, port, proxy: proxyOf(kind) });
    expect(poll([socket], 10_000)).toEqual([socket]);
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("an unreachable port is ERR_PROXY, with the proxy's reason", () => {
    const error = errorOf(() =>
      connect({ host: "127.0.0.1", port: closedPort(), proxy: proxyOf(kind), timeout: 10_000 }),
    );
    expect(error).toBeInstanceOf(NetError);
    expect(error).toMatchObject({ code: "ERR_PROXY", message: expect.stringMatching(/^proxy 127\.0\.0\.1:\d+: it /) });
  });

  test("a proxy that does not answer is waited for only until the timeout", () => {
    const { port } = startPeer("silent");
    const proxy = `${kind}://127.0.0.1:${port}`;
    const { value, milliseconds } = timed(() =>
      errorOf(() => connect({ host: "127.0.0.1", port: 80, proxy, timeout: 300 })),
    );
    expect(value).toMatchObject({
      code: "ETIMEDOUT",
      message: expect.stringMatching(/300 ms, waiting for the proxy$/),
    });
    expect(milliseconds).toBeLessThan(5000);
  });

  test("a connection closed while it waits for the proxy leaves nothing behind", () => {
    const peer = startPeer("silent");
    const socket = connect({ host: "127.0.0.1", port: 80, proxy: `${kind}://127.0.0.1:${peer.port}` });
    while (socket.state.stage !== "proxy") poll([socket], 20);
    socket.close();
    expect(socket.state).toMatchObject({ connecting: false, failed: true });
    // The slot is used again without a trace of the first connection.
    const next = connect({ host: "127.0.0.1", port: startPeer("echo").port, timeout: 10_000 });
    expectEcho(next, 1000);
    next.close();
  });
});

test("an end of the server right behind its greeting is an end, not an error", () => {
  const { port } = startPeer("halfClosed", { text: "bye" });
  for (let i = 0; i < 10; i++) {
    const socket = connect({ host: "127.0.0.1", port, proxy: socks.origin, timeout: 10_000 });
    expect(String(socket.readAll(10_000))).toBe("bye");
    socket.close();
  }
});

describe("the option proxy", () => {
  test("is a URL, or its parts", () => {
    const parts = { kind: "http", host: "proxy.example", port: 3128, username: "me", password: "p:ss" };
    expect(parseProxy("http://me:p%3Ass@proxy.example:3128")).toEqual(parts);
    expect(parseProxy(new URL("http://me:p%3Ass@proxy.example:3128"))).toEqual(parts);
    expect(parseProxy("me:p%3Ass@proxy.example:3128")).toEqual(parts);
    expect(parseProxy(parts as ReturnType<typeof parseProxy>)).toEqual(parts);
    expect(parseProxy("socks5h://[::1]")).toEqual({
      kind: "socks5h",
      host: "::1",
      port: 1080,
      username: "",
      password: "",
    });
  });

  test.each<[unknown, RegExp]>([
    ["ftp://proxy", /must be http:\/\/, https:\/\/, socks5:\/\/ or socks5h:\/\/, not ftp/],
    ["http://", /URL such as/],
    ["http://me:secret@:80", /URL such as/],
    [7, /proxy must be an object/],
    [{ kind: "http", host: "a" }, /proxy\.port must be a number/],
    [{ kind: "http", host: "a", port: 1, user: "b" }, /unknown option proxy\.user/],
  ])("%j is refused", (proxy, message) => {
    const error = mistakeOf(() => connect({ port: 80, proxy: proxy as string }));
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(error).toMatchObject({ message: expect.not.stringContaining("secret") });
  });

  test("is refused with a path, and with a host that contains white space", () => {
    expect(mistakeOf(() => connect({ path: "/tmp/x", proxy: squid.origin })).message).toContain("proxy");
    for (const host of ["a b", "a\r\nb", "a\tb"]) {
      expect(mistakeOf(() => connect({ host, port: 1, proxy: squid.origin }))).toBeInstanceOf(RangeError);
    }
  });
});
