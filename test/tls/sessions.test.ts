/**
 * Session resumption between connections to the same server, and where there must be none.
 */

import { utimesSync, writeFileSync } from "node:fs";
import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority, fileOf } from "./support/certificates.js";
import { startNginx, startOpensslServer } from "./support/servers.js";

type Tls = Exclude<Parameters<typeof connect>[0]["tls"], boolean | undefined>;

const authority = new Authority("the authority");
const identity = authority.issue({ names: ["localhost", "second.test"], ips: ["127.0.0.1"] });
const server = { key: identity.key, cert: identity.cert };
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

/** Exchanges a line with an echo server; returns whether the connection resumed a session. */
function resumed(port: number, tls: Tls = {}, host = "localhost"): boolean {
  using socket = connect({ host, port, tls: { ca: authority.cert, ...tls }, timeout: 5000 });
  socket.writeAll("echo\n", 1000);
  expect(String(socket.readExactly(5, 5000))).toBe("echo\n"); // with TLS 1.3 the session arrives after the handshake
  if (tls.rejectUnauthorized !== false) expect(socket.authorized).toBe(true);
  return socket.sessionReused;
}

describe.each(VERSIONS)("%s", (version) => {
  test("the second connection to the same server resumes the session of the first", () => {
    const peer = startPeer("echo", { tls: { ...server, maxVersion: version } });
    expect([1, 2, 3, 4].map(() => resumed(peer.port))).toEqual([false, true, true, true]);
  });

  test("a resumed connection has the certificate and all other facts", () => {
    const peer = startPeer("echo", { tls: { ...server, maxVersion: version, ALPNProtocols: ["x"] } });
    const facts = [1, 2].map(() => {
      using socket = connect({
        host: "localhost",
        port: peer.port,
        tls: { ca: authority.cert, ALPNProtocols: ["x"] },
        timeout: 5000,
      });
      socket.writeAll("x", 1000);
      socket.readExactly(1, 5000);
      const { authorized, alpnProtocol, tlsProtocol, peerCertificate } = socket;
      return { authorized, alpnProtocol, tlsProtocol, fingerprint: peerCertificate?.fingerprint256 };
    });
    expect(facts[0]).toEqual({
      authorized: true,
      alpnProtocol: "x",
      tlsProtocol: version,
      fingerprint: expect.any(String),
    });
    expect(facts[1]).toEqual(facts[0]);
  });

  test("openssl s_server confirms it", () => {
    const program = startOpensslServer(identity, version === "TLSv1.2" ? "-tls1_2" : "-tls1_3", "-rev");
    const talk = () => {
      using socket = connect({ host: "localhost", port: program.port, tls: { ca: authority.cert }, timeout: 5000 });
      socket.writeAll("abc\n", 1000);
      expect(socket.readLine(5000)).toBe("cba");
      return socket.sessionReused;
    };
    expect([talk(), talk()]).toEqual([false, true]);
    expect(program.process.output + program.process.errors).not.toMatch(/error/i);
  });

  test("nginx confirms it", () => {
    const { ports } = startNginx({ only: { identity, settings: [`ssl_protocols ${version}`] } });
    const page = () => {
      using socket = connect({ host: "localhost", port: ports.only, tls: { ca: authority.cert }, timeout: 5000 });
      socket.writeAll("GET /facts HTTP/1.0\r\n\r\n", 1000);
      return String(socket.readAll(5000)).split("\r\n\r\n")[1];
    };
    expect(page()).toBe(`${version} . localhost NONE\n`);
    expect(page()).toBe(`${version} r localhost NONE\n`);
  });

  test("never resumes a session of another server", () => {
    const one = startPeer("echo", { tls: { ...server, maxVersion: version } });
    const two = startPeer("echo", { tls: { ...server, maxVersion: version } });
    expect([resumed(one.port), resumed(two.port), resumed(one.port)]).toEqual([false, false, true]);
  });

  test("never resumes a session of the same server under another name", () => {
    // Node does not verify the name when it resumes a session: a session kept for another name would bypass verification.
    const peer = startPeer("echo", { tls: { ...server, maxVersion: version } });
    expect(resumed(peer.port)).toBe(false);
    expect(resumed(peer.port, {}, "127.0.0.1")).toBe(false);
    expect(resumed(peer.port, { servername: "second.test" })).toBe(false);
    expect(errorOf(() => resumed(peer.port, { servername: "third.test" })).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(resumed(peer.port)).toBe(true);
  });

  test("never resumes a session that was not verified", () => {
    const peer = startPeer("echo", { tls: { ...server, maxVersion: version } });
    const careless = { ca: undefined, rejectUnauthorized: false };
    expect([resumed(peer.port, careless), resumed(peer.port, careless)]).toEqual([false, false]);
    expect(errorOf(() => resumed(peer.port, { ca: undefined })).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(errorOf(() => resumed(peer.port, { servername: "third.test" })).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("never resumes a session from before the bundle changed", () => {
    const peer = startPeer("echo", { tls: { ...server, maxVersion: version } });
    const caFile = fileOf(authority.cert);
    const tls = { ca: undefined, caFile };
    expect([resumed(peer.port, tls), resumed(peer.port, tls)]).toEqual([false, true]);
    writeFileSync(caFile, new Authority("a stranger").cert);
    utimesSync(caFile, 1000, 1000);
    expect(errorOf(() => resumed(peer.port, tls)).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  test("a restarted server without the session gets a full handshake", () => {
    const peer = startPeer("echo", { tls: { ...server, maxVersion: version } });
    expect([resumed(peer.port), resumed(peer.port)]).toEqual([false, true]);
    peer.kill();
    peer.process.waitForExit();
    const again = startPeer("echo", { port: peer.port, tls: { ...server, maxVersion: version } });
    expect([resumed(again.port), resumed(again.port)]).toEqual([false, true]);
  });
});
