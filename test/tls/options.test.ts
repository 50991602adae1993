/**
 * The options of `connect({ tls })`: Node's names, and what each does to the connection.
 */

import { readFileSync } from "node:fs";
import { connect, resolve } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority, fileOf, openssl } from "./support/certificates.js";
import { startNginx, startOpensslServer } from "./support/servers.js";

type Tls = Exclude<Parameters<typeof connect>[0]["tls"], boolean | undefined>;

const authority = new Authority("the authority");
const clients = new Authority("the authority of clients");
const identity = authority.issue({ names: ["localhost", "second.test"], ips: ["127.0.0.1", "::1"] });
const client = clients.issue({ subject: "a client" });
const stranger = new Authority("somebody else").issue({ subject: "a stranger" });
const server = { key: identity.key, cert: identity.cert };

/** A connection to an echo server with these options of Node's. */
function openTo(options: object, tls: Tls, host = "localhost") {
  const peer = startPeer("echo", { host: host === "::1" ? "::1" : "127.0.0.1", tls: { ...server, ...options } });
  const socket = connect({ host, port: peer.port, tls: { ca: authority.cert, ...tls }, timeout: 5000 });
  socket.writeAll("echo", 1000);
  expect(String(socket.readExactly(4, 5000))).toBe("echo");
  return { socket, peer, seen: peer.waitForEvent("connection") };
}

describe("servername", () => {
  test("is sent as SNI, and verified", () => {
    const { socket, seen } = openTo({}, { servername: "second.test" }, "127.0.0.1");
    expect(seen.servername).toBe("second.test");
    expect(socket.authorized).toBe(true);
    socket.close();
    expect(errorOf(() => openTo({}, { servername: "third.test" })).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("is sent and verified in ASCII form", () => {
    const { key, cert } = authority.issue({ names: ["xn--bcher-kva.test"] });
    const peer = startPeer("echo", { tls: { key, cert } });
    const tls = { ca: authority.cert, servername: "bücher.test" };
    const socket = connect({ host: "127.0.0.1", port: peer.port, tls, timeout: 5000 });
    expect(peer.waitForEvent("connection").servername).toBe("xn--bcher-kva.test");
    expect(socket.authorized).toBe(true);
    socket.close();
  });

  test("defaults to the name that the address was made from", () => {
    const { socket, seen } = openTo({}, {});
    expect(seen.servername).toBe("localhost");
    socket.close();
    const peer = startPeer("echo", { tls: server });
    const address = resolve("localhost");
    address.waitUntilResolved(5000);
    const again = connect({ host: address, port: peer.port, tls: { ca: authority.cert }, timeout: 5000 });
    expect(peer.waitForEvent("connection").servername).toBe("localhost");
    again.close();
  });

  test.each(["127.0.0.1", "::1"])("an IP is verified, and not sent as a name: %s", (ip) => {
    const { socket, seen } = openTo({}, {}, ip);
    expect(seen.servername).toBe(false);
    expect(socket).toMatchObject({ authorized: true, remoteAddress: ip });
    socket.close();
  });

  test.each(["127.0.0.1", "::1"])("%s is verified in place of the host, and not sent either", (servername) => {
    const { socket, seen } = openTo({}, { servername });
    expect(seen.servername).toBe(false);
    expect(socket.authorized).toBe(true);
    socket.close();
  });

  test.each(["127.0.0.2", "::2"])("%s, which is not in the certificate, is refused", (servername) => {
    expect(errorOf(() => openTo({}, { servername })).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("an empty one sends no name, and the host is verified", () => {
    const { socket, peer, seen } = openTo({}, { servername: "" }, "localhost");
    expect(seen.servername).toBe(false);
    expect(socket.authorized).toBe(true);
    socket.close();
    const later = connect({ host: "localhost", port: peer.port, timeout: 5000 });
    later.startTls({ ca: authority.cert, servername: "" }, 5000);
    expect(peer.waitForEvent("connection").servername).toBe(false);
    expect(later.authorized).toBe(true);
    later.close();
    const other = startPeer("echo", { tls: { ...authority.issue({ names: ["second.test"] }) } });
    const tls = { ca: authority.cert, servername: "" };
    expect(errorOf(() => connect({ host: "localhost", port: other.port, tls, timeout: 5000 })).code).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
  });

  test("a dot at its end is not sent", () => {
    const { socket, seen } = openTo({}, { servername: "second.test." });
    expect(seen.servername).toBe("second.test");
    expect(socket.authorized).toBe(true);
    socket.close();
  });
});

test.each(["127.0.0.1", "127.0.0.2", "::1"])(
  "all addresses of a name are tried; %s is the one that answers",
  (host) => {
    const { key, cert } = authority.issue({ names: ["many.test"] });
    const peer = startPeer("echo", { host, tls: { key, cert } });
    const { output, errors } = runProgram(
      `import { connect, net, resolve } from "ringnet";
    const [port, caFile] = [Number(process.argv[1]), process.argv[2]];
    for (const address of ["many.test", resolve("many.test")]) { // a name, and an address that is not resolved yet
      const socket = connect({ host: address, port, tls: { caFile }, timeout: 5000 });
      socket.writeAll("echo", 1000);
      console.log(socket.authorized, socket.remoteAddress, String(socket.readExactly(4, 5000)));
    }
    net.set_cacert_path(caFile);
    const [tcp] = net.open_tcp(net.resolve_address("many.test")[0], port, true);
    console.log(tcp.wait_until_connected(5000)[0]);`,
      { args: [`${peer.port}`, authority.certPath], names: { "many.test": ["127.0.0.1", "127.0.0.2", "::1"] } },
    );
    expect(errors).toBe("");
    expect(output).toBe(`true ${host} echo\ntrue ${host} echo\nsuccess\n`);
    expect(peer.waitForEvent("connection").servername).toBe("many.test");
  },
);

test("an IPv6 address that is not in the certificate is refused", () => {
  const { key, cert } = authority.issue({ names: ["localhost", "::1"], ips: ["127.0.0.1", "::2"] });
  const peer = startPeer("echo", { host: "::1", tls: { key, cert } });
  const open = () => connect({ host: "::1", port: peer.port, tls: { ca: authority.cert }, timeout: 5000 });
  expect(errorOf(open).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

describe("ALPNProtocols", () => {
  test("alpnProtocol is the server's choice", () => {
    const { socket, seen } = openTo({ ALPNProtocols: ["b", "a"] }, { ALPNProtocols: ["a", "b", "c"] });
    expect(socket.alpnProtocol).toBe("b");
    expect(seen.alpn).toBe("b");
    socket.close();
  });

  test("alpnProtocol is false if one side offers no protocol", () => {
    const one = openTo({}, { ALPNProtocols: ["a"] }).socket;
    expect(one.alpnProtocol).toBe(false);
    const two = openTo({ ALPNProtocols: ["a"] }, {}).socket;
    expect(two.alpnProtocol).toBe(false);
    one.close();
    two.close();
  });

  test("no common protocol is a failure", () => {
    const error = errorOf(() => openTo({ ALPNProtocols: ["x"] }, { ALPNProtocols: ["a", "b"] }));
    expect(error.code).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  });

  test("agrees on a protocol with openssl s_server", () => {
    const program = startOpensslServer(identity, "-alpn", "acme,http/1.1");
    const tls = { ca: authority.cert, ALPNProtocols: ["http/1.1"] };
    const socket = connect({ host: "localhost", port: program.port, tls, timeout: 5000 });
    expect(socket.alpnProtocol).toBe("http/1.1");
    program.process.waitForOutput(/ALPN protocols selected: http\/1\.1/);
    socket.close();
  });

  test("agrees on a protocol with nginx", () => {
    const { ports } = startNginx({ only: { identity } });
    const tls = { ca: authority.cert, ALPNProtocols: ["spdy/1", "http/1.1"] };
    const socket = connect({ host: "localhost", port: ports.only, tls, timeout: 5000 });
    expect(socket.alpnProtocol).toBe("http/1.1");
    socket.close();
  });
});

describe("minVersion and maxVersion", () => {
  test.each([
    [{}, {}, "TLSv1.3"],
    [{ maxVersion: "TLSv1.2" }, {}, "TLSv1.2"],
    [{ minVersion: "TLSv1.3" }, {}, "TLSv1.3"],
    [{}, { maxVersion: "TLSv1.2" }, "TLSv1.2"],
    [{ minVersion: "TLSv1.2", maxVersion: "TLSv1.3" }, { minVersion: "TLSv1.3" }, "TLSv1.3"],
  ] as [Tls, object, string][])("client %o, server %o: %s", (ours, theirs, version) => {
    const { socket, seen } = openTo(theirs, ours);
    expect(socket.tlsProtocol).toBe(version);
    expect(seen.protocol).toBe(version);
    socket.close();
  });

  test("no common version is a failure", () => {
    const tooNew = () => openTo({ maxVersion: "TLSv1.2" }, { minVersion: "TLSv1.3" });
    expect(errorOf(tooNew).code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    const tooOld = () => openTo({ minVersion: "TLSv1.3" }, { maxVersion: "TLSv1.2" });
    expect(errorOf(tooOld).code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });
});

test("ciphers sets the ciphers offered; an unknown one is an error", () => {
  const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  const program = startOpensslServer(identity, "-tls1_2");
  const socket = connect({
    host: "localhost",
    port: program.port,
    tls: { ca: authority.cert, ciphers },
    timeout: 5000,
  });
  program.process.waitForOutput(/CIPHER is ECDHE-ECDSA-AES128-GCM-SHA256/);
  socket.close();
  const wrong = () => connect({ host: "localhost", port: program.port, tls: { ciphers: "NO-SUCH" }, timeout: 5000 });
  expect(errorOf(wrong).code).toBe("ERR_SSL_NO_CIPHER_MATCH");
});

describe("ca", () => {
  const other = new Authority("another");
  test.each([
    ["a text", authority.cert],
    ["bytes", new TextEncoder().encode(authority.cert)],
    ["a Buffer", Buffer.from(authority.cert)],
    ["several", [other.cert, Buffer.from(authority.cert)]],
    ["several in one text", other.cert + authority.cert],
  ])("takes %s", (_name, ca) => {
    const { socket } = openTo({}, { ca });
    expect(socket.authorized).toBe(true);
    socket.close();
  });

  test("replaces Node's roots; with caFile both are trusted", () => {
    expect(errorOf(() => openTo({}, { ca: other.cert })).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    openTo({}, { ca: other.cert, caFile: authority.certPath }).socket.close();
    openTo({}, { ca: authority.cert, caFile: other.certPath }).socket.close();
  });

  test("without a certificate in it, no peer is trusted", () => {
    expect(errorOf(() => openTo({}, { ca: "nothing" })).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(errorOf(() => openTo({}, { ca: [] })).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  test("with a broken certificate in it, only the connection fails", () => {
    using other = openTo({}, {}).socket;
    const broken = authority.cert.replace(/^M.{7}/m, "AAAAAAAA");
    expect(errorOf(() => openTo({}, { ca: broken + authority.cert })).code).not.toBe("ERR_WORKER_DIED");
    expect(other.status).toBe("success");
  });

  test("by default Node's roots are trusted", () => {
    expect(errorOf(() => openTo({}, { ca: undefined })).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });
});

describe("rejectUnauthorized", () => {
  test("only false disables verification", () => {
    const bare = { ca: undefined };
    for (const tls of [bare, { ...bare, rejectUnauthorized: true }, { ...bare, rejectUnauthorized: undefined }]) {
      expect(errorOf(() => openTo({}, tls)).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    }
    const { socket } = openTo({}, { ...bare, rejectUnauthorized: false });
    expect(socket).toMatchObject({ authorized: false, authorizationError: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
    socket.close();
    for (const value of [0, null, "", "false"]) {
      expect(() => openTo({}, { ...bare, rejectUnauthorized: value as never })).toThrow(TypeError);
    }
  });

  test("NODE_TLS_REJECT_UNAUTHORIZED has no effect", () => {
    const peer = startPeer("echo", { tls: server });
    const { output } = runProgram(
      `import { connect } from "ringnet";
      try {
        connect({ host: "localhost", port: Number(process.argv[1]), tls: true, timeout: 5000 });
      } catch (error) {
        console.log(error.code);
      }`,
      { args: [`${peer.port}`], env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } },
    );
    expect(output).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE\n");
  });
});

describe("a client's certificate", () => {
  const wanted = { requestCert: true, rejectUnauthorized: true, ca: clients.cert };
  const mutual = ["-Verify", "1", "-verify_return_error", "-CAfile", clients.certPath];
  const pfxPath = fileOf("");
  openssl([
    "pkcs12",
    "-export",
    "-inkey",
    client.keyPath,
    "-in",
    client.certPath,
    "-passout",
    "pass:secret",
    "-out",
    pfxPath,
  ]);
  const locked = clients.issue({ passphrase: "a passphrase" });

  test.each<[string, Tls]>([
    ["cert and key", { cert: client.cert, key: client.key }],
    ["cert and key as bytes", { cert: Buffer.from(client.cert), key: new TextEncoder().encode(client.key) }],
    ["pfx and passphrase", { pfx: readFileSync(pfxPath), passphrase: "secret" }],
    ["a key with a passphrase", { cert: locked.cert, key: locked.key, passphrase: "a passphrase" }],
  ])("is sent when requested: %s", (_name, tls) => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const)
      openTo(wanted, { ...tls, maxVersion: version }).socket.close();
    const program = startOpensslServer(identity, ...mutual);
    const socket = connect({
      host: "localhost",
      port: program.port,
      tls: { ca: authority.cert, ...tls },
      timeout: 5000,
    });
    socket.writeAll("it is me\n", 1000);
    program.process.waitForOutput(/^it is me$/m);
    expect(program.process.output).toMatch(/depth=0 |Client certificate/);
    socket.close();
  });

  // With TLS 1.2 the handshake fails; with 1.3 the client's handshake is complete before the server's alert arrives.
  test.each<[string, Tls, RegExp]>([
    ["missing", {}, /^ERR_SSL_(SSL\/TLS|SSLV3|TLSV1|TLSV13)_ALERT_(HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED)$/],
    ["by an unknown authority", { cert: stranger.cert, key: stranger.key }, /^ERR_SSL_TLSV1_ALERT_UNKNOWN_CA$/],
  ])("requested and %s: openssl s_server refuses the connection", (_name, tls, code) => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const program = startOpensslServer(identity, ...mutual);
      const options = { ca: authority.cert, ...tls, maxVersion: version };
      const socket = connect({ host: "localhost", port: program.port, tls: options });
      const status = socket.waitUntilConnected(5000);
      if (version === "TLSv1.2") expect(status).toBe("failure");
      expect(errorOf(() => socket.readExactly(1, 5000)).code).toMatch(code);
      expect(socket.status).toBe("failure");
      expect(socket.error?.code).toMatch(code);
      socket.close();
      expect(program.process.output).not.toContain("CIPHER is");
    }
  });

  test("nginx accepts it, and refuses a missing or unknown one", () => {
    const settings = [`ssl_client_certificate ${clients.certPath}`, "ssl_verify_client on"];
    const { ports } = startNginx({ only: { identity, settings } });
    const page = (tls: Tls) => {
      using socket = connect({
        host: "localhost",
        port: ports.only,
        tls: { ca: authority.cert, ...tls },
        timeout: 5000,
      });
      socket.writeAll("GET /facts HTTP/1.0\r\n\r\n", 1000);
      return String(socket.readAll(5000));
    };
    expect(page({ cert: client.cert, key: client.key })).toMatch(/^HTTP\/1.1 200 [\s\S]* SUCCESS\n$/);
    expect(page({})).toMatch(/^HTTP\/1.1 400 [\s\S]*No required SSL certificate was sent/);
    expect(page({ cert: stranger.cert, key: stranger.key })).toMatch(/^HTTP\/1.1 400 [\s\S]*The SSL certificate error/);
  });

  test.each<[string, Tls, RegExp]>([
    ["a key of another certificate", { cert: client.cert, key: stranger.key }, /^ERR_OSSL_X509_KEY_VALUES_MISMATCH$/],
    ["an invalid certificate", { cert: "rubbish", key: client.key }, /^ERR_OSSL_PEM_NO_START_LINE$/],
    ["an invalid key", { cert: client.cert, key: "rubbish" }, /^ERR_OSSL_UNSUPPORTED$/],
    ["a wrong passphrase", { cert: locked.cert, key: locked.key, passphrase: "wrong" }, /^ERR_OSSL_/],
    ["no passphrase", { cert: locked.cert, key: locked.key }, /^ERR_(OSSL_|MISSING_PASSPHRASE)/],
    ["a wrong passphrase of a pfx", { pfx: readFileSync(pfxPath), passphrase: "wrong" }, /.+/],
  ])("%s is a failure with a reason", (_name, tls, code) => {
    const error = errorOf(() => openTo(wanted, tls));
    expect(error.code).toMatch(code);
    expect(error.message).not.toBe("");
  });
});

describe("programming mistakes throw at once", () => {
  const open = (tls: unknown) => () => connect({ host: "localhost", port: 1, tls: tls as never });
  let before: number;
  beforeAll(() => {
    before = performance.now();
  });

  test.each([
    ["tls: 1", 1],
    ["tls: null", null],
    ["an unknown option", { rejectUnauthorised: false }],
    ["an option that can't travel", { checkServerIdentity: () => undefined }],
    ["ca: a number", { ca: 5 }],
    ["ca: a list with a number", { ca: ["", 5] }],
    ["cert: an object", { cert: {} }],
    ["key: a number", { key: 1 }],
    ["servername: a number", { servername: 1 }],
    ["ALPNProtocols: a text", { ALPNProtocols: "http/1.1" }],
    ["ALPNProtocols: numbers", { ALPNProtocols: [1] }],
    ["requestCert: a text", { requestCert: "yes" }],
  ])("%s: TypeError", (_name, tls) => {
    expect(open(tls)).toThrow(TypeError);
  });

  test("an unknown version: RangeError", () => {
    expect(open({ minVersion: "TLSv1.4" })).toThrow(RangeError);
    expect(open({ maxVersion: "SSLv3" })).toThrow(RangeError);
    expect(open({ maxVersion: 1.2 })).toThrow(RangeError);
  });

  test("none of these calls waits", () => {
    expect(performance.now() - before).toBeLessThan(5000);
  });
});
