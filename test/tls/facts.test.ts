/**
 * The properties of a connection that describe its TLS: `encrypted`, `authorized`, `alpnProtocol`, `tlsProtocol`, `peerCertificate`, `sessionReused`.
 */

import { X509Certificate } from "node:crypto";
import { connect, listen } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { acceptFrom } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";

const authority = new Authority("the authority");
const identity = authority.issue({ names: ["localhost", "other.test"], ips: ["127.0.0.1"], subject: "a server" });
const tls = { ca: authority.cert };

const NOTHING = {
  encrypted: false,
  authorized: false,
  authorizationError: null,
  alpnProtocol: null,
  tlsProtocol: null,
  sessionReused: false,
  peerCertificate: null,
};

describe("without TLS", () => {
  test("a client's properties are false or null", () => {
    const peer = startPeer("echo");
    const socket = connect({ host: peer.host, port: peer.port, timeout: 5000 });
    expect(socket).toMatchObject(NOTHING);
    socket.close();
  });

  test("an accepted connection's properties are false or null", () => {
    const server = listen({ host: "127.0.0.1" });
    startPeer("echo", { connect: server.port });
    expect(acceptFrom(server)).toMatchObject(NOTHING);
    server.close();
  });
});

describe("with TLS", () => {
  test("the properties are false or null until it is connected", () => {
    const peer = startPeer("silent");
    const socket = connect({ host: peer.host, port: peer.port, tls });
    expect(socket.waitUntilConnected(200)).toBe("waiting");
    expect(socket).toMatchObject(NOTHING);
    socket.close();
  });

  test("the properties are set once it is connected, and stay after close()", () => {
    const peer = startPeer("echo", { tls: { key: identity.key, cert: identity.cert, ALPNProtocols: ["x"] } });
    const options = { host: "localhost", port: peer.port, tls: { ...tls, ALPNProtocols: ["x"] }, timeout: 5000 };
    const socket = connect(options);
    const expected = {
      encrypted: true,
      authorized: true,
      authorizationError: null,
      alpnProtocol: "x",
      tlsProtocol: "TLSv1.3",
      sessionReused: false,
      remoteAddress: "127.0.0.1",
      remotePort: peer.port,
      localAddress: "127.0.0.1",
      localPort: peer.waitForEvent("connection").remotePort,
    };
    expect(socket).toMatchObject(expected);
    socket.close();
    expect(socket).toMatchObject(expected);
  });

  test("peerCertificate is what Node's getPeerCertificate() gives", () => {
    const peer = startPeer("echo", { tls: { key: identity.key, cert: identity.cert } });
    const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000 });
    const x509 = new X509Certificate(identity.cert);
    const { raw, ...rest } = socket.peerCertificate ?? expect.fail("no certificate");
    expect(rest).toEqual({
      subject: { O: "ringnet tests", CN: "a server" },
      issuer: { O: "ringnet tests", CN: "the authority" },
      subjectaltname: "DNS:localhost, DNS:other.test, IP Address:127.0.0.1",
      valid_from: x509.validFrom,
      valid_to: x509.validTo,
      serialNumber: x509.serialNumber,
      fingerprint: x509.fingerprint,
      fingerprint256: x509.fingerprint256,
    });
    expect(Buffer.from(raw).equals(x509.raw)).toBe(true);
    expect(new X509Certificate(Buffer.from(raw)).checkHost("other.test")).toBe("other.test");
    socket.close();
  });
});
