/**
 * `listenWebSocket`: accepting, what is refused, files, and peers of `ws`, of Python and raw ones.
 */

import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type NetError, Poller } from "ringnet";
import { createHttpClient, fetch } from "ringnet/http";
import {
  type ListenWebSocketOptions,
  listenWebSocket,
  openWebSocket,
  type WebSocketRequest,
  type WebSocketServer,
} from "ringnet/websocket";
import { afterEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";
import { startPythonClient, startRawPeer, startWsPeer } from "./support/peers.js";

const TIMEOUT = 20_000;
const opened: { close(): void }[] = [];

afterEach(() => {
  for (const handle of opened.splice(0)) handle.close();
});

function listen(options: ListenWebSocketOptions = {}): { server: WebSocketServer; url: string } {
  const server = listenWebSocket({ host: "127.0.0.1", ...options });
  opened.push(server);
  return { server, url: `ws://127.0.0.1:${server.port}` };
}

describe("accepting", () => {
  test("returns a client with its request's path and headers, and its first messages", () => {
    const { server, url } = listen();
    expect(server.accept()).toBeNull();
    expect(errorOf(() => server.acceptWait(20)).code).toBe("ETIMEDOUT");
    const peer = startWsPeer({ connect: `${url}/game?room=1`, headers: { "X-Token": "t" } });
    peer.waitForEvent("open");
    for (let i = 0; i < 3; i++) peer.send({ do: "send", text: `early ${i}` });
    const socket = server.acceptWait(TIMEOUT);
    opened.push(socket);
    expect([socket.status, socket.url, socket.headers["x-token"], socket.protocol]).toEqual([
      "success",
      "/game?room=1",
      "t",
      "",
    ]);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    for (let i = 0; i < 3; i++) expect(socket.receive(TIMEOUT)).toBe(`early ${i}`);
    socket.send("welcome");
    socket.sendWait(Buffer.alloc(3_000_000), TIMEOUT);
    expect(peer.waitForEvent("message", 1)).toMatchObject({ text: "welcome", binary: false });
    expect(peer.waitForEvent("message", 2)).toMatchObject({ bytes: 3_000_000, binary: true });
    socket.close(4000, "bye");
    expect(peer.waitForEvent("close")).toMatchObject({ code: 4000, reason: "bye" });
  });

  test("a poller reports the server while clients wait, and then their messages", () => {
    const { server, url } = listen();
    const poller = new Poller().add(server);
    const peers = [1, 2].map(() => startWsPeer({ connect: url }));
    for (const peer of peers) peer.waitForEvent("open");
    expect(poller.wait(TIMEOUT)).toEqual([server]);
    const sockets = [server.acceptWait(TIMEOUT), server.acceptWait(TIMEOUT)];
    opened.push(...sockets);
    expect(poller.wait(20)).toEqual([]);
    for (const socket of sockets) poller.add(socket);
    for (const peer of peers) peer.send({ do: "send", text: "hi" });
    for (const socket of sockets) expect(socket.receive(TIMEOUT)).toBe("hi");
  });

  test("throws one error for a client that is gone", () => {
    const { server, url } = listen();
    const peer = startWsPeer({ connect: url });
    peer.waitForEvent("open");
    expect(server.waitUntilAcceptable(TIMEOUT)).toBe(true);
    peer.send({ do: "terminate" });
    peer.waitForEvent("close");
    const socket = server.acceptWait(TIMEOUT);
    opened.push(socket);
    try {
      expect(socket.receive(TIMEOUT)).toBeNull();
      expect(socket.closeCode).toBe(1006);
    } catch (error) {
      expect((error as NetError).code).toBe("ECONNABORTED");
    }
  });

  test("accepts this package's own clients, over TLS and with compression", () => {
    const authority = new Authority("websocket servers");
    const { cert, key } = authority.issue({ names: ["localhost"] });
    const { server } = listen({ tls: { cert, key }, perMessageDeflate: true, protocols: ["a", "b"] });
    const client = openWebSocket(`wss://localhost:${server.port}/x`, {
      tls: { ca: authority.cert },
      protocols: ["b", "a"],
      timeout: TIMEOUT,
    });
    const socket = server.acceptWait(TIMEOUT);
    opened.push(client, socket);
    expect([client.protocol, socket.protocol, socket.extensions]).toEqual(["a", "a", "permessage-deflate"]);
    for (const message of ["x".repeat(100_000), Buffer.alloc(2_000_000, "z")]) {
      client.sendWait(message, TIMEOUT);
      const received = socket.receive(TIMEOUT);
      expect(received?.length).toBe(message.length);
      socket.sendWait(received as string | Buffer, TIMEOUT);
      expect(client.receive(TIMEOUT)?.length).toBe(message.length);
    }
  });

  test("accepts Python's websockets", () => {
    const { server, url } = listen({ perMessageDeflate: true });
    const peer = startPythonClient(url);
    const socket = server.acceptWait(TIMEOUT);
    opened.push(socket);
    for (let message = socket.receive(TIMEOUT); message !== null; message = socket.receive(TIMEOUT)) {
      socket.sendWait(message, TIMEOUT);
    }
    expect([socket.closeCode, socket.closeReason]).toEqual([4001, "done"]);
    peer.waitForEvent("message", 2);
    expect(peer.events("message")).toMatchObject([{ same: true }, { same: true, bytes: 256_000 }]);
    expect(peer.waitForEvent("close").code).toBe(4001);
  });
});

describe("refuses", () => {
  test("other paths with 404, other origins with 403, and plain requests with 426", () => {
    const { server, url } = listen({ path: "/game", origins: ["https://good.test"] });
    const asked = (path: string, headers: Record<string, string>) => startWsPeer({ connect: `${url}${path}`, headers });
    expect(asked("/other", { origin: "https://good.test" }).waitForEvent("refused").code).toBe(404);
    expect(asked("/game", { origin: "https://evil.test" }).waitForEvent("refused").code).toBe(403);
    expect(asked("/game", {}).waitForEvent("refused").code).toBe(403);
    asked("/game?x=1", { origin: "https://good.test" }).waitForEvent("open");
    opened.push(server.acceptWait(TIMEOUT));
    expect(fetch(url.replace("ws:", "http:"), { timeout: TIMEOUT }).status).toBe(426);
    expect(server.accept()).toBeNull();
  });

  test("frames without a mask, with 1002", () => {
    const { server } = listen();
    const peer = startRawPeer({ port: server.port });
    const socket = server.acceptWait(TIMEOUT);
    opened.push(socket);
    peer.send({
      do: "frames",
      frames: [
        { opcode: 1, text: "masked" },
        { opcode: 1, text: "bare", masked: false },
      ],
    });
    expect(socket.receive(TIMEOUT)).toBe("masked");
    expect(socket.receive(TIMEOUT)).toBeNull();
    expect(socket.error?.code).toBe("WS_ERR_EXPECTED_MASK");
    expect(peer.waitForEvent("frame")).toMatchObject({ opcode: 8, code: 1002, masked: false });
  });

  test("a port in use, wrong options and an invalid handshake", () => {
    const { server, url } = listen();
    expect(errorOf(() => listenWebSocket({ host: "127.0.0.1", port: server.port })).code).toBe("EADDRINUSE");
    const wrong: [ListenWebSocketOptions, RegExp][] = [
      [{ path: "game" }, /slash/],
      [{ origins: ["https://x/y"] }, /origins/],
      [{ files: "" }, /files/],
      [{ protocols: [""] }, /protocols/],
      [{ verifyClient: () => true } as ListenWebSocketOptions, /use verify/],
      [{ verify: true } as unknown as ListenWebSocketOptions, /verify must be a function/],
      [{ tls: {} }, /cert/],
    ];
    for (const [options, text] of wrong) expect(() => listenWebSocket(options)).toThrow(text);
    const peer = startRawPeer({
      port: server.port,
      request: `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
    });
    expect(peer.waitForEvent("request").text).toMatch(/^HTTP\/1\.1 400/);
    expect(url).toContain(`${server.port}`);
  });
});

describe("verify", () => {
  test("is called by accept, before the handshake is answered, and refuses with a status", () => {
    const asked: WebSocketRequest[] = [];
    const verdicts: Record<string, boolean | number> = { "/a": false, "/b": 401, "/c": true };
    const verify = (request: WebSocketRequest): boolean | number => {
      asked.push(request);
      return verdicts[request.url] ?? false;
    };
    const { server, url } = listen({ verify, protocols: ["game"] });
    const peers = ["a", "b", "c"].map((name) =>
      startWsPeer({ connect: `${url}/${name}`, headers: { "X-Token": name }, protocols: ["game"] }),
    );
    expect(server.waitUntilAcceptable(TIMEOUT)).toBe(true);
    expect(asked).toEqual([]);
    const socket = server.acceptWait(TIMEOUT);
    opened.push(socket);
    expect([socket.url, socket.headers["x-token"]]).toEqual(["/c", "c"]);
    expect(peers.map((peer) => peer.events("message").length)).toEqual([0, 0, 0]);
    expect(socket.send("welcome")).toBe(true);
    waitFor("every request", () => server.accept() === null && asked.length === 3);
    expect(peers.map((peer, i) => peer.waitForEvent(i < 2 ? "refused" : "message"))).toMatchObject([
      { code: 403 },
      { code: 401 },
      { text: "welcome" },
    ]);
    expect(socket.waitUntilOpen(TIMEOUT)).toBe("success");
    expect(socket.protocol).toBe("game");
    peers[2]?.send({ do: "send", text: "hi" });
    expect(socket.receive(TIMEOUT)).toBe("hi");
    const seen = asked.map(({ url, headers, remoteAddress }) => `${url} ${headers["x-token"]} ${remoteAddress}`);
    expect(seen.sort()).toEqual(["/a a 127.0.0.1", "/b b 127.0.0.1", "/c c 127.0.0.1"]);
    expect(server.accept()).toBeNull();
  });

  test("an error of verify is thrown by accept, and the client gets 500", () => {
    const verdicts: (() => unknown)[] = [
      () => {
        throw new Error("no database");
      },
      () => "yes",
      () => true,
    ];
    const { server, url } = listen({ verify: () => verdicts.shift()?.() as boolean });
    for (const error of [/^no database$/, /verify must return true, false or a status from 400 to 599, not yes/]) {
      const peer = startWsPeer({ connect: url });
      expect(() => server.acceptWait(TIMEOUT)).toThrow(error);
      expect(peer.waitForEvent("refused").code).toBe(500);
    }
    const peer = startWsPeer({ connect: url });
    opened.push(server.acceptWait(TIMEOUT));
    peer.waitForEvent("open");
  });

  test("a client that is closed while its handshake is answered gets the code", () => {
    const { server, url } = listen({ verify: () => true });
    for (let i = 0; i < 3; i++) {
      const peer = startWsPeer({ connect: url });
      server.acceptWait(TIMEOUT).close(4401, "no token");
      expect(peer.waitForEvent("close")).toMatchObject({ code: 4401, reason: "no token" });
    }
  });

  test("is not asked about an invalid handshake, and a client that is gone is one error", () => {
    let asked = 0;
    const { server } = listen({ verify: () => ++asked > 0 });
    const invalid = startRawPeer({
      port: server.port,
      request: "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    });
    expect(invalid.waitForEvent("request").text).toMatch(/^HTTP\/1\.1 400/);
    expect(server.accept()).toBeNull();
    const gone = startRawPeer({ port: server.port });
    expect(server.waitUntilAcceptable(TIMEOUT)).toBe(true);
    expect(asked).toBe(0);
    gone.send({ do: "reset" });
    gone.waitForEvent("closed");
    const socket = server.acceptWait(TIMEOUT);
    opened.push(socket);
    expect(asked).toBe(1);
    try {
      expect(socket.receive(TIMEOUT)).toBeNull(); // the reset was noticed after the handshake was answered
    } catch (error) {
      expect((error as NetError).code).toBe("ECONNABORTED");
    }
    expect(socket.status).toBe("failure");
  });

  test("closing the server disconnects clients that wait for an answer, also within verify", () => {
    const { server, url } = listen({ verify: () => true });
    const peer = startWsPeer({ connect: url });
    expect(server.waitUntilAcceptable(TIMEOUT)).toBe(true);
    server.close();
    peer.waitForEvent("error");
    const closing = listenWebSocket({
      host: "127.0.0.1",
      verify: () => {
        closing.close();
        return true;
      },
    });
    const other = startWsPeer({ connect: `ws://127.0.0.1:${closing.port}` });
    expect(() => closing.acceptWait(TIMEOUT)).toThrow(/closed/);
    other.waitForEvent("error");
  });
});

test("a certificate that can't be used is an error, and other handles of the runtime stay open", () => {
  const { server } = listen();
  const wrong = { port: 0, host: "127.0.0.1", tls: { cert: "none", key: "none" } };
  expect(errorOf(() => listenWebSocket(wrong)).code).toMatch(/^ERR_OSSL_PEM/);
  expect(server.accept()).toBeNull();
});

describe("files", () => {
  test("serves the folder's files, and nothing else", () => {
    const folder = temporaryFolder();
    const site = join(folder, "site");
    mkdirSync(join(site, "sub"), { recursive: true });
    writeFileSync(join(folder, "secret"), "secret");
    writeFileSync(join(site, ".env"), "secret");
    writeFileSync(join(site, "index.html"), "<p>page");
    writeFileSync(join(site, "sub/a b.js"), "x".repeat(200_000));
    writeFileSync(join(site, "empty.txt"), "");
    symlinkSync(join(folder, "secret"), join(site, "link"));
    const { server } = listen({ files: site });
    const ask = (path: string, method = "GET") =>
      fetch(`http://127.0.0.1:${server.port}${path}`, { timeout: TIMEOUT, method });
    const page = ask("/");
    expect([page.status, page.headers.get("content-type"), page.text()]).toEqual([
      200,
      "text/html; charset=utf-8",
      "<p>page",
    ]);
    expect(ask("/index.html?x=1").text()).toBe("<p>page");
    expect(ask("/sub/a%20b.js").text().length).toBe(200_000);
    expect(ask("/sub/a%20b.js").headers.get("content-type")).toMatch(/^text\/javascript/);
    expect(ask("/empty.txt").text()).toBe("");
    expect([ask("/index.html", "HEAD").status, ask("/", "POST").status]).toEqual([200, 405]);
    for (const path of [
      "/nothing",
      "/sub/",
      "/.env",
      "/link",
      "/%2e%2e/secret",
      "/..%2fsecret",
      "/%00",
      "/%zz",
      "//etc/passwd",
    ]) {
      expect([path, ask(path).status]).toEqual([path, 404]);
    }
    const raw = startRawPeer({ port: server.port, request: "GET /../secret HTTP/1.1\r\nHost: x\r\n\r\n" });
    expect(raw.waitForEvent("request").text).toMatch(/^HTTP\/1\.1 404/);
  });

  test("a file that is truncated while it is sent ends the connection", () => {
    const site = temporaryFolder();
    const file = join(site, "large");
    writeFileSync(file, "");
    truncateSync(file, 256 * 1024 * 1024); // more than the system keeps for a client that does not read
    const { server } = listen({ files: site });
    const client = createHttpClient();
    opened.push(client);
    const response = client.fetch(`http://127.0.0.1:${server.port}/large`, { timeout: 4000 }); // Node ends an idle connection after 5 s
    expect(response.status).toBe(200);
    truncateSync(file, 1000);
    expect(["ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"]).toContain(errorOf(() => response.bytes()).code);
  });
});

test.each([
  ["", false, false],
  [" over TLS", true, false],
  [" over TLS with verify", true, true],
])("closing a server disconnects waiting clients, and leaves accepted ones open%s", (_how, secure, verifies) => {
  const authority = new Authority("websocket servers");
  const { cert, key } = authority.issue({ names: ["localhost"] });
  const { server, url: plainUrl } = listen({
    ...(secure ? { tls: { cert, key } } : {}),
    ...(verifies ? { verify: () => true } : {}),
  });
  const url = secure ? plainUrl.replace("ws://127.0.0.1", "wss://localhost") : plainUrl;
  const ca = secure ? { ca: authority.cert } : {};
  const first = startWsPeer({ connect: url, ...ca });
  const socket = server.acceptWait(TIMEOUT);
  opened.push(socket);
  const second = startWsPeer({ connect: url, ...ca });
  if (!verifies) second.waitForEvent("open");
  expect(server.waitUntilAcceptable(TIMEOUT)).toBe(true);
  server.close();
  expect(second.waitForEvent("close").code).toBe(1006);
  first.send({ do: "send", text: "still here" });
  expect(socket.receive(TIMEOUT)).toBe("still here");
  expect(errorOf(() => server.accept()).code).toBe("ERR_SOCKET_CLOSED");
});
