/**
 * Bundles with many certificates: they are parsed in steps, and mean what they mean in `node:tls`.
 */

import tls from "node:tls";
import { connect, listen } from "ringnet";
import { expect, test } from "vitest";
import { TlsContextCache } from "../../build/worker/tls-context-cache.js";
import { startPeer } from "../support/peers.js";
import { acceptFrom, errorOf } from "../tcp/sockets.js";
import { Authority, fileOf } from "./support/certificates.js";

const authority = new Authority("the authority");
const stranger = new Authority("a stranger");
const other = new Authority("another stranger");
const identity = authority.issue({ names: ["localhost"] });
const peer = startPeer("echo", { tls: { key: identity.key, cert: identity.cert } });
const broken = stranger.cert.replace(/^M.{7}/m, "AAAAAAAA");

/** The code of the error, or null where the peer is trusted. */
function outcome(ca: string | Buffer | string[]): string | null {
  try {
    connect({ host: "localhost", port: peer.port, tls: { ca }, timeout: 20_000 }).close();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code as string;
  }
}

/** The same of `node:tls`, whose server is in another process. */
function outcomeOfNode(ca: string | Buffer | string[]): Promise<string | null> {
  return new Promise((done) => {
    const socket = tls.connect({ host: "localhost", port: peer.port, ca }, () => {
      socket.destroy();
      done(null);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code as string));
  });
}

test.each([
  ["its last certificate counts", stranger.cert.repeat(30) + authority.cert],
  ["as bytes", Buffer.from(stranger.cert.repeat(30) + authority.cert)],
  ["as a list", [...Array.from({ length: 30 }, () => stranger.cert), authority.cert]],
  [
    "with text between the certificates, and CRLF",
    `${`# of\n${stranger.cert}`.repeat(30)}${authority.cert}`.replaceAll("\n", "\r\n"),
  ],
  ["without the authority", stranger.cert.repeat(30)],
  ["the authority behind a broken certificate", stranger.cert.repeat(30) + broken + authority.cert],
  ["the authority in front of a broken certificate", authority.cert + stranger.cert.repeat(30) + broken],
  ["the authority behind the bundle with the broken certificate", [stranger.cert.repeat(30) + broken, authority.cert]],
  ["a key among the certificates", stranger.cert.repeat(30) + stranger.key + authority.cert],
  ["the authority with a comment sign in front", `${stranger.cert.repeat(30)}#${authority.cert}`],
  ["the authority behind a carriage return", `${stranger.cert.repeat(30)}\r${authority.cert}`],
  ["no line feed between two certificates", stranger.cert.repeat(30) + authority.cert.trimEnd() + stranger.cert],
  ["a certificate in one line", `${stranger.cert.repeat(30) + stranger.cert.replaceAll("\n", "")}\n${authority.cert}`],
  ["a certificate that is cut off", stranger.cert.repeat(30) + stranger.cert.slice(0, 200) + authority.cert],
])("a large bundle is taken as node:tls takes it: %s", async (_name, ca) => {
  expect(outcome(ca)).toBe(await outcomeOfNode(ca));
});

test.each([
  ["ca", (bundle: string) => ({ ca: Buffer.from(bundle) })],
  ["caFile", (bundle: string) => ({ caFile: fileOf(bundle) })],
])("other connections continue while a large bundle of %s is parsed", (_name, tls) => {
  const plain = startPeer("echo");
  const other = connect({ host: "127.0.0.1", port: plain.port, timeout: 5000 });
  const exchange = (): number => {
    const begun = performance.now();
    other.writeAll("x", 20_000);
    other.readExactly(1, 20_000);
    return performance.now() - begun;
  };
  for (let i = 0; i < 100; i++) exchange();
  const socket = connect({ host: "localhost", port: peer.port, tls: tls(authority.cert.repeat(1500)) });
  const begun = performance.now();
  let longest = 0;
  while (socket.status === "waiting") longest = Math.max(longest, exchange());
  expect(socket.waitUntilConnected(0)).toBe("success");
  expect(longest).toBeLessThan((performance.now() - begun) / 2);
  socket.close();
  other.close();
});

test("other connections continue while a server's large bundle is parsed", () => {
  const plain = startPeer("echo");
  const other = connect({ host: "127.0.0.1", port: plain.port, timeout: 5000 });
  const exchange = (): number => {
    const begun = performance.now();
    other.writeAll("x", 20_000);
    other.readExactly(1, 20_000);
    return performance.now() - begun;
  };
  for (let i = 0; i < 100; i++) exchange();
  const server = listen({ host: "127.0.0.1" });
  const here = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
  const there = acceptFrom(server);
  expect(errorOf(() => here.startTls({ ca: authority.cert, servername: "localhost" }, 0)).code).toBe("ETIMEDOUT");
  const begun = performance.now();
  const tls = { key: identity.key, cert: identity.cert, requestCert: true, rejectUnauthorized: false };
  expect(errorOf(() => there.startTls({ ...tls, ca: stranger.cert.repeat(800) }, 0)).code).toBe("ETIMEDOUT");
  let longest = 0;
  while (there.status === "waiting") longest = Math.max(longest, exchange());
  expect(there.waitUntilConnected(0)).toBe("success");
  expect(longest).toBeLessThan((performance.now() - begun) / 2);
  for (const each of [here, there, server, other]) each.close();
});

test.each([
  ["the server's own", {}],
  ["the one for a name", { contexts: { localhost: { key: identity.key, cert: identity.cert } } }],
])("a server with a large bundle trusts the clients of its last authority, and no others: %s", (_name, contexts) => {
  const tls = { key: identity.key, cert: identity.cert, requestCert: true, rejectUnauthorized: false, ...contexts };
  const server = listen({ host: "127.0.0.1", tls: { ...tls, ca: stranger.cert.repeat(30) + authority.cert } });
  const verdicts = [authority, stranger, other].map((issuer) => {
    const { key, cert } = issuer.issue({ subject: "a client" });
    const client = { ca: authority.cert, key, cert };
    const here = connect({ host: "localhost", port: server.port, tls: client, timeout: 10_000 });
    const there = acceptFrom(server);
    const verdict = there.authorized;
    here.close();
    there.close();
    return verdict;
  });
  expect(verdicts).toEqual([true, true, false]);
  server.close();
});

test("a bundle that can't be used fails in the stage of TLS, not of the look-up", () => {
  for (const tls of [{ caFile: "/does/not/exist" }, { ca: "", cert: "rubbish", key: "rubbish" }]) {
    const socket = connect({ host: "localhost", port: peer.port, tls });
    expect(socket.waitUntilConnected(10_000)).toBe("failure");
    expect(socket.state.stage).toBe("TLS");
    socket.close();
  }
});

test("a bundle whose connection is closed meanwhile is parsed for the next one", () => {
  const ca = stranger.cert.repeat(1000) + authority.cert;
  connect({ host: "localhost", port: peer.port, tls: { ca } }).close();
  expect(outcome(ca)).toBe(null);
  expect(errorOf(() => connect({ host: "localhost", port: peer.port, tls: { ca }, timeout: 0 })).code).toBe(
    "ETIMEDOUT",
  );
});

test("connections that differ in what is not the bundle's share its context: it takes a megabyte", () => {
  const cache = new TlsContextCache();
  const context = cache.context({ ca: authority.cert });
  for (const more of [{ servername: "localhost" }, { ALPNProtocols: ["h2"] }, { rejectUnauthorized: false }]) {
    expect(cache.context({ ca: authority.cert, ...more })).toBe(context);
  }
  expect(cache.context({ ca: other.cert })).not.toBe(context);
});
