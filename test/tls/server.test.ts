/**
 * TLS servers: `listen({ tls })`.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, listen, type TcpServer, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { temporaryFolder } from "../support/folders.js";
import { type Peer, startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { pause, timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, readBytes, readToEnd, writeBytes } from "../tcp/sockets.js";
import { Authority, fileOf, openssl } from "./support/certificates.js";
import { startRelay } from "./support/relays.js";
import { startOpensslClient } from "./support/servers.js";

const authority = new Authority("the authority");
const clients = new Authority("the authority of clients");
const intermediate = new Authority("an intermediate authority", authority);
const identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
const below = intermediate.issue({ names: ["localhost"] });
const client = clients.issue({ subject: "a client" });
const stranger = new Authority("somebody else").issue({ subject: "a stranger" });
const tls = { key: identity.key, cert: identity.cert };
const trusting = ["-CAfile", authority.certPath, "-verify_return_error"];
const node = { ca: authority.cert, servername: "localhost" };

/** Expects that no client arrives for a while. */
function expectNobody(server: TcpServer): void {
  expect(server.waitUntilAcceptable(200)).toBe(false);
  expect(server.accept()).toBeNull();
}

/** Waits until the peer has seen the end of its connection, or lost it. */
function awaitEnd(peer: Peer): void {
  peer.process.waitUntil("an end of", () => peer.events("close")[0] ?? peer.events("end")[0]);
}

/** The peer of `socket` echoes; closes it. */
function expectToBeServed(socket: TcpSocket): void {
  writeBytes(socket, Buffer.from("still here"));
  expect(String(readBytes(socket, 10))).toBe("still here");
  socket.close();
}

describe("listen({ tls: { cert, key } })", () => {
  test.each(["TLSv1.2", "TLSv1.3"])("exchanges bytes and the end with openssl s_client, %s", (version) => {
    const server = listen({ host: "127.0.0.1", tls });
    const program = startOpensslClient(server.port, version === "TLSv1.2" ? "-tls1_2" : "-tls1_3", "-msg", ...trusting);
    const socket = acceptFrom(server);
    expect(socket).toMatchObject({ status: "success", encrypted: true, tlsProtocol: version, alpnProtocol: false });
    program.send("from the client\n");
    expect(socket.readLine(5000)).toBe("from the client");
    socket.writeAll("from the server\n", 1000);
    program.waitForOutput(/^from the server$/m);
    program.waitForOutput(/Verify(ication: OK| return code: 0)/);
    socket.end();
    program.waitForOutput(/<<< TLS 1\.[23], Alert \[length 0002\], warning close_notify/);
    expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
    program.waitForExit();
    socket.close();
    server.close();
  });

  test("serves a client of our own in the same blocking thread", () => {
    const server = listen({ host: "127.0.0.1", tls });
    const here = connect({ host: "localhost", port: server.port, tls: { ca: authority.cert }, timeout: 5000 });
    const there = acceptFrom(server);
    here.writeAll("ping", 1000);
    expect(String(there.readExactly(4, 5000))).toBe("ping");
    there.writeAll("pong", 1000);
    there.close();
    expect(String(here.readAll(5000))).toBe("pong");
    here.close();
    server.close();
  });

  test("accepts each client once, with its own bytes", () => {
    const server = listen({ host: "127.0.0.1", tls });
    startPeer("echo", { connect: server.port, connections: 30, tls: node });
    const sockets = Array.from({ length: 30 }, () => acceptFrom(server));
    expect(new Set(sockets.map(({ remotePort }) => remotePort)).size).toBe(30);
    for (const [i, socket] of sockets.entries()) writeBytes(socket, pattern(i, 0, 20_000));
    for (const [i, socket] of sockets.entries()) {
      expect(readBytes(socket, 20_000).equals(pattern(i, 0, 20_000))).toBe(true);
      socket.close();
    }
    expectNobody(server);
    server.close();
  });

  test("delivers the bytes and the end that a client sent before it was accepted", () => {
    const server = listen({ host: "127.0.0.1", tls });
    const peer = startPeer("source", { connect: server.port, bytes: 300_000, seed: 7, tls: node });
    expect(server.waitUntilAcceptable(5000)).toBe(true);
    pause(200);
    const socket = acceptFrom(server);
    expect(readToEnd(socket)).toEqual({ bytes: pattern(7, 0, 300_000), error: null });
    writeBytes(socket, Buffer.from("got it"));
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 6, sha256: sha256("got it") });
    server.close();
  });

  test("transfers 10 MB each way", () => {
    const server = listen({ host: "127.0.0.1", tls });
    const peer = startPeer("source", { connect: server.port, bytes: 10_000_000, seed: 8, keepOpen: true, tls: node });
    const socket = acceptFrom(server);
    expect(sha256(readBytes(socket, 10_000_000))).toBe(patternHash(8, 10_000_000));
    writeBytes(socket, pattern(9, 0, 10_000_000));
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 10_000_000, sha256: patternHash(9, 10_000_000) });
    server.close();
  });

  test("a client that is not read is slowed down (back-pressure)", () => {
    const server = listen({ host: "127.0.0.1", tls, receiveBuffer: 65_536 });
    const peer = startPeer("source", { connect: server.port, bytes: 50_000_000, seed: 10, tls: node });
    const socket = acceptFrom(server);
    waitFor("a full ring", () => socket.readable === 65_536);
    pause(300);
    expect(socket.readable).toBe(65_536);
    peer.send({ do: "report" });
    expect(peer.waitForEvent("report").sent).toBeLessThan(25_000_000);
    expect(sha256(readBytes(socket, 50_000_000, 60_000))).toBe(patternHash(10, 50_000_000));
    socket.close();
    server.close();
  }, 90_000);

  test("sends the intermediate authorities in cert", () => {
    const server = listen({ host: "127.0.0.1", tls: { key: below.key, cert: below.cert + intermediate.cert } });
    const program = startOpensslClient(server.port, ...trusting);
    const [verdict] = program.waitForOutput(/^ *(Verification|Verify return code): .*\n/m);
    expect(verdict).toMatch(/Verification: OK|Verify return code: 0/);
    acceptFrom(server).close();
    server.close();
  });

  test("takes bytes, a passphrase, a pfx", () => {
    const locked = authority.issue({ names: ["localhost"], passphrase: "open sesame" });
    const pfxPath = fileOf("");
    const files = ["-inkey", identity.keyPath, "-in", identity.certPath];
    openssl(["pkcs12", "-export", ...files, "-passout", "pass:secret", "-out", pfxPath]);
    for (const parameters of [
      { key: Buffer.from(identity.key), cert: new TextEncoder().encode(identity.cert) },
      { key: locked.key, cert: locked.cert, passphrase: "open sesame" },
      { pfx: readFileSync(pfxPath), passphrase: "secret" },
    ]) {
      const server = listen({ host: "127.0.0.1", tls: parameters });
      startPeer("greeter", { connect: server.port, tls: node, text: "in" });
      const socket = acceptFrom(server);
      expect(String(readBytes(socket, 2))).toBe("in");
      socket.close();
      server.close();
    }
  });

  test("ALPNProtocols: the server's order decides", () => {
    const server = listen({ host: "127.0.0.1", tls: { ...tls, ALPNProtocols: ["b", "a"] } });
    const peer = startPeer("manual", { connect: server.port, tls: { ...node, ALPNProtocols: ["a", "b"] } });
    expect(acceptFrom(server).alpnProtocol).toBe("b");
    expect(peer.waitForEvent("connection").alpn).toBe("b");
    const none = startPeer("manual", { connect: server.port, tls: { ...node, ALPNProtocols: ["c"] } });
    expect(none.waitForEvent("failed").code).toMatch(/NO_APPLICATION_PROTOCOL/);
    expectNobody(server);
    server.close();
  });

  test.each([
    [{ maxVersion: "TLSv1.2" as const }, "TLSv1.2", { minVersion: "TLSv1.3" }],
    [{ minVersion: "TLSv1.3" as const }, "TLSv1.3", { maxVersion: "TLSv1.2" }],
  ])("%o limits the version", (versions, expected, wrong) => {
    const server = listen({ host: "127.0.0.1", tls: { ...tls, ...versions } });
    const peer = startPeer("manual", { connect: server.port, tls: node });
    expect(acceptFrom(server).tlsProtocol).toBe(expected);
    expect(peer.waitForEvent("connection").protocol).toBe(expected);
    const other = startPeer("manual", { connect: server.port, tls: { ...node, ...wrong } });
    expect(other.waitForEvent("failed").code).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    expectNobody(server);
    server.close();
  });

  test.each(["-tls1_2", "-tls1_3"])("sessions are resumed: %s", (version) => {
    const server = listen({ host: "127.0.0.1", tls });
    const session = fileOf("");
    const talk = (...args: string[]) => {
      const program = startOpensslClient(server.port, version, ...trusting, ...args);
      const socket = acceptFrom(server);
      const { sessionReused } = socket;
      socket.writeAll("hello\n", 1000);
      program.waitForOutput(/^hello$/m);
      socket.close();
      program.waitForExit();
      expect(program.output).toMatch(sessionReused ? /^Reused, /m : /^New, /m);
      return sessionReused;
    };
    expect(talk("-sess_out", session)).toBe(false);
    expect(talk("-sess_in", session)).toBe(true);
    server.close();
  });
});

describe("a failed handshake never reaches accept, nor affects other clients", () => {
  /** Calls `bother` while a client is served. The bothering client must not be accepted; the next client must be. */
  function expectUndisturbed(bother: (port: number) => void, options: Parameters<typeof listen>[0] = { tls }): void {
    const server = listen({ host: "127.0.0.1", ...options });
    const good = startPeer("echo", { connect: server.port, tls: { ...node, ...nodeClient(options) } });
    const socket = acceptFrom(server);
    good.waitForEvent("connection");
    bother(server.port);
    expectNobody(server);
    writeBytes(socket, Buffer.from("undisturbed"));
    expect(String(readBytes(socket, 11))).toBe("undisturbed");
    startPeer("greeter", { connect: server.port, text: "me too", tls: { ...node, ...nodeClient(options) } });
    const next = acceptFrom(server);
    expect(String(readBytes(next, 6))).toBe("me too");
    for (const each of [socket, next, server]) each.close();
  }

  /** The certificate that the server requires of a client, if any. */
  function nodeClient({ tls: parameters }: Parameters<typeof listen>[0] = {}): object {
    return parameters !== false && parameters?.requestCert ? { cert: client.cert, key: client.key } : {};
  }

  test("a client that does not trust us", () => {
    expectUndisturbed((port) => {
      const program = startOpensslClient(port, "-CAfile", clients.certPath, "-verify_return_error");
      program.waitForExit();
      expect(program.errors + program.output).toMatch(/verify error|certificate verify failed/i);
    });
  });

  test("a client that does not speak TLS", () => {
    expectUndisturbed((port) => {
      const peer = startPeer("greeter", { connect: port, text: "GET / HTTP/1.0\r\n\r\n" });
      peer.process.waitUntil("the end of", () => peer.events("close")[0]);
    });
  });

  test("a client that sends garbage", () => {
    expectUndisturbed((port) => {
      for (const seed of [1, 2, 3]) {
        const peer = startPeer("source", { connect: port, bytes: 20_000, seed, keepOpen: true });
        awaitEnd(peer);
      }
    });
  });

  test("a client that sends nothing, and one that disconnects", () => {
    expectUndisturbed((port) => {
      startPeer("silent", { connect: port }).waitForEvent("connection");
      startPeer("halfClosed", { connect: port, text: "" }).waitForEvent("connection");
      startPeer("reset", { connect: port }).waitForEvent("connection");
      startPeer("manual", { connect: port, connections: 20 }).waitForEvent("connection", 5000, 20);
    });
  });

  test("a client that stops in the middle of its handshake", () => {
    expectUndisturbed((port) => {
      const hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]; // the beginning of a ClientHello: RFC 8446, 4.1.2
      startPeer("greeter", { connect: port, text: String.fromCharCode(...hello.slice(0, 9)) }).waitForEvent(
        "connection",
      );
    });
  });

  test("a client without the requested certificate", () => {
    const options = { tls: { ...tls, requestCert: true, ca: clients.cert } };
    expectUndisturbed((port) => {
      for (const version of ["-tls1_2", "-tls1_3"]) {
        for (const args of [[], ["-cert", stranger.certPath, "-key", stranger.keyPath]]) {
          const program = startOpensslClient(port, version, ...trusting, ...args);
          program.send("let me in\n");
          program.waitForExit();
        }
      }
    }, options);
  });
});

describe("requestCert", () => {
  test("a client with a trusted certificate is authorized, and has a peerCertificate", () => {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const server = listen({ host: "127.0.0.1", tls: { ...tls, requestCert: true, ca: clients.cert } });
      const program = startOpensslClient(
        server.port,
        version,
        ...trusting,
        "-cert",
        client.certPath,
        "-key",
        client.keyPath,
      );
      const socket = acceptFrom(server);
      expect(socket).toMatchObject({ authorized: true, authorizationError: null });
      expect(socket.peerCertificate?.subject).toEqual({ O: "ringnet tests", CN: "a client" });
      program.send("it is me\n");
      expect(socket.readLine(5000)).toBe("it is me");
      socket.close();
      server.close();
    }
  });

  test("with rejectUnauthorized: false others are accepted, with authorized: false", () => {
    const parameters = { ...tls, requestCert: true, rejectUnauthorized: false, ca: clients.cert };
    const server = listen({ host: "127.0.0.1", tls: parameters });
    startOpensslClient(server.port, ...trusting);
    expect(acceptFrom(server)).toMatchObject({ authorized: false, peerCertificate: null });
    startOpensslClient(server.port, ...trusting, "-cert", stranger.certPath, "-key", stranger.keyPath);
    const socket = acceptFrom(server);
    expect(socket).toMatchObject({ authorized: false, authorizationError: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
    expect(socket.peerCertificate?.subject).toEqual({ O: "ringnet tests", CN: "a stranger" });
    server.close();
  });

  test("a client without a certificate is not authorized, also when it resumes a session", () => {
    const parameters = { ...tls, requestCert: true, rejectUnauthorized: false, ca: clients.cert };
    using server = listen({ host: "127.0.0.1", tls: parameters });
    const [first, second] = [1, 2].map(() => {
      using here = connect({ host: "127.0.0.1", port: server.port, tls: { ca: authority.cert }, timeout: 5000 });
      using there = acceptFrom(server);
      there.writeAll("x", 1000);
      here.readExactly(1, 5000);
      const { sessionReused, authorized, authorizationError } = there;
      return { sessionReused, authorized, authorizationError };
    });
    expect(first).toMatchObject({ sessionReused: false, authorized: false });
    expect(first?.authorizationError).not.toBe(null);
    expect(second).toEqual({ ...first, sessionReused: true });
  });

  test("without it no certificate is requested", () => {
    const server = listen({ host: "127.0.0.1", tls: { ...tls, ca: clients.cert } });
    const program = startOpensslClient(server.port, ...trusting, "-cert", client.certPath, "-key", client.keyPath);
    expect(acceptFrom(server)).toMatchObject({ authorized: false, peerCertificate: null });
    program.waitForOutput(/No client certificate CA names sent/);
    server.close();
  });
});

describe("a bad key or certificate is an error of listen()", () => {
  const locked = authority.issue({ names: ["localhost"], passphrase: "open sesame" });

  test.each<[string, object, RegExp]>([
    ["a key of another certificate", { key: client.key, cert: identity.cert }, /^ERR_OSSL_X509_KEY_VALUES_MISMATCH$/],
    ["an invalid certificate", { key: identity.key, cert: "rubbish" }, /^ERR_OSSL_PEM_NO_START_LINE$/],
    ["an invalid key", { key: "rubbish", cert: identity.cert }, /^ERR_OSSL_/],
    ["no key", { cert: identity.cert }, /^ERR_TLS_NO_CERTIFICATE$/],
    ["no certificate", { key: identity.key }, /^ERR_TLS_NO_CERTIFICATE$/],
    ["neither", {}, /^ERR_TLS_NO_CERTIFICATE$/],
    ["a wrong passphrase", { key: locked.key, cert: locked.cert, passphrase: "wrong" }, /^ERR_OSSL_/],
    ["no passphrase", { key: locked.key, cert: locked.cert }, /^ERR_(OSSL_|MISSING_PASSPHRASE)/],
    ["unknown ciphers", { ...tls, ciphers: "NO-SUCH-CIPHER" }, /^ERR_SSL_NO_CIPHER_MATCH$/],
    ["a bundle that does not exist", { ...tls, requestCert: true, caFile: "/no/such/bundle" }, /^ENOENT$/],
  ])("%s", (_name, parameters, code) => {
    const error = errorOf(() => listen({ host: "127.0.0.1", tls: parameters }));
    expect(error.code).toMatch(code);
    expect(error.message.length).toBeGreaterThan(5);
  });

  test("tls: true is refused: a server needs a certificate", () => {
    expect(() => listen({ tls: true as never })).toThrow("a TLS server needs cert and key, or pfx");
  });

  test("the port is free afterwards", () => {
    const server = listen({ host: "127.0.0.1" });
    const { port } = server;
    server.close();
    for (let i = 0; i < 5; i++) errorOf(() => listen({ host: "127.0.0.1", port, tls: { key: "x", cert: "y" } }));
    const again = listen({ host: "127.0.0.1", port, tls });
    expect(again.port).toBe(port);
    again.close();
  });
});

describe("close()", () => {
  test("closes clients that wait or are in a handshake; accepted ones continue", () => {
    const server = listen({ host: "127.0.0.1", tls });
    const served = startPeer("echo", { connect: server.port, tls: node });
    const socket = acceptFrom(server);
    served.waitForEvent("connection");
    const waiting = startPeer("echo", { connect: server.port, tls: node });
    waiting.waitForEvent("connection");
    const shaking = startPeer("manual", { connect: server.port });
    shaking.waitForEvent("connection");
    expect(server.waitUntilAcceptable(5000)).toBe(true);
    pause(100); // time for the server to take the silent client
    server.close();
    awaitEnd(waiting);
    awaitEnd(shaking);
    expectToBeServed(socket);
  });

  test("closes handshakes on a Unix path too; accepted connections continue", () => {
    const path = join(temporaryFolder(), "socket");
    const server = listen({ path, tls });
    const served = startPeer("echo", { connect: 1, path, tls: node });
    const socket = acceptFrom(server);
    served.waitForEvent("connection");
    const shaking = startPeer("manual", { connect: 1, path });
    shaking.waitForEvent("connection");
    pause(100); // time for the server to take the silent client
    server.close();
    awaitEnd(shaking);
    expectToBeServed(socket);
  });

  test("on a Unix path another handshake that ended meanwhile makes no difference", () => {
    const path = join(temporaryFolder(), "socket");
    const server = listen({ path, tls });
    const shaking = startPeer("manual", { connect: 1, path });
    shaking.waitForEvent("connection"); // the server takes its clients in order, so before the next one
    startPeer("echo", { connect: 1, path, tls: node });
    const socket = acceptFrom(server);
    server.close();
    awaitEnd(shaking);
    expectToBeServed(socket);
  });

  test("a handshake that ends later does not touch memory that was reused", () => {
    const path = join(temporaryFolder(), "socket");
    const server = listen({ path, tls });
    const relay = startRelay(path, 200); // the client sees the beginning of the server's answer
    const late = startPeer("manual", { connect: relay.port, tls: node });
    relay.process.waitForOutput(/^client connected$/m);
    pause(200); // time for the server to answer
    server.close();
    const others = Array.from({ length: 8 }, () => listen({ host: "127.0.0.1" }));
    relay.harm("pass");
    late.process.waitUntil(
      "an end of",
      () => late.events("end")[0] ?? late.events("close")[0] ?? late.events("failed")[0],
    );
    for (const other of others) {
      expect(other.waitUntilAcceptable(50)).toBe(false);
      expect(other.accept()).toBeNull();
      other.close();
    }
  });
});

test("a program ends after closing its TLS server, whatever clients do", () => {
  const { code, milliseconds } = runProgram(
    `import { listen, connect } from "ringnet";
    const server = listen({ host: "127.0.0.1", tls: { key: ${JSON.stringify(identity.key)}, cert: ${JSON.stringify(identity.cert)} } });
    const socket = connect({ host: "127.0.0.1", port: server.port });
    socket.waitUntilConnected(5000);
    server.close();`,
  );
  expect(code).toBe(0);
  expect(milliseconds).toBeLessThan(8000);
});

test("a hundred failed handshakes do not delay the next one", () => {
  const server = listen({ host: "127.0.0.1", tls });
  startPeer("manual", { connect: server.port, connections: 100 }).waitForEvent("connection", 10_000, 100);
  const { milliseconds } = timed(() => {
    startPeer("greeter", { connect: server.port, tls: node, text: "x" });
    acceptFrom(server).close();
  });
  expect(milliseconds).toBeLessThan(5000);
  server.close();
});
