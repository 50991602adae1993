/**
 * `startTls`: TLS on a connection that began in plain text.
 */

import { connect, createRuntime, listen, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPostgres } from "../examples/postgres.js";
import { pattern, sha256 } from "../support/bytes.js";
import { Process } from "../support/processes.js";
import { timed } from "../support/waiting.js";
import { acceptFrom, errorOf, readToEnd } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";
import { startStarttls } from "./support/servers.js";

const authority = new Authority("the authority");
const stranger = new Authority("somebody else");
const identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
const shown = { key: identity.key, cert: identity.cert };
const trust = { ca: authority.cert };

/** A connection on which the server has answered `go`. */
function ready(options: object = {}, host = "localhost"): TcpSocket {
  const { port } = startStarttls({ ...shown, ...options });
  const socket = connect({ host, port, timeout: 5000 });
  expect(socket.readLine(5000)).toBe("hello");
  socket.writeAll("EHLO\n", 1000);
  expect(socket.readLine(5000)).toBe("plain EHLO");
  socket.writeAll("STARTTLS\n", 1000);
  expect(socket.readLine(5000)).toBe("go");
  return socket;
}

/** Our two ends of one connection. */
function pair(): { here: TcpSocket; there: TcpSocket } {
  const server = listen({ host: "127.0.0.1" });
  const here = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
  const there = acceptFrom(server);
  server.close();
  return { here, there };
}

describe("a client", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s: plain text first, then TLS, both ways and the end", (version) => {
    const socket = ready({ maxVersion: version });
    expect(socket.encrypted).toBe(false);
    socket.startTls(trust, 5000);
    expect(socket).toMatchObject({ status: "success", encrypted: true, authorized: true, tlsProtocol: version });
    expect(socket.readLine(5000)).toBe("welcome");
    const data = pattern(1, 0, 1 << 20);
    socket.writeAll(data, 5000);
    expect(sha256(socket.readExactly(data.length, 10_000) as Buffer)).toBe(sha256(data));
    socket.end();
    expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
    socket.close();
  });

  test("TLS bytes that arrived early are not lost", () => {
    const socket = ready({ ...trust, first: true, servername: "localhost" });
    expect(socket.waitUntilReadable(5000)).toBe(true); // the peer's ClientHello
    socket.startTls({ ...shown, isServer: true }, 5000);
    expect(socket.readLine(5000)).toBe("welcome");
    socket.writeAll("back\n", 1000);
    expect(socket.readLine(5000)).toBe("back");
    socket.close();
  });

  test("refuses a certificate for another name or by an unknown authority; accepts it with rejectUnauthorized: false", () => {
    const other = ready();
    expect(errorOf(() => other.startTls({ ...trust, servername: "example.org" }, 5000)).code).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    expect(other.status).toBe("failure");
    const unknown = ready();
    expect(errorOf(() => unknown.startTls({ ca: stranger.cert }, 5000)).code).toMatch(/UNABLE_TO|SELF_SIGNED/);
    const careless = ready();
    careless.startTls({ rejectUnauthorized: false }, 5000);
    expect(careless).toMatchObject({ encrypted: true, authorized: false });
    expect(careless.readLine(5000)).toBe("welcome");
    for (const socket of [other, unknown, careless]) socket.close();
  });

  test("verifies the IP that it is connected to", () => {
    const socket = ready({}, "127.0.0.1");
    socket.startTls(trust, 5000);
    expect(socket).toMatchObject({ authorized: true });
    socket.close();
    const wrong = ready({}, "127.0.0.1");
    expect(errorOf(() => wrong.startTls({ ...trust, servername: "127.0.0.2" }, 5000)).code).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    wrong.close();
    const { key, cert } = authority.issue({ names: ["localhost"] });
    const nameless = ready({ key, cert }, "127.0.0.1");
    expect(errorOf(() => nameless.startTls({ ...trust, servername: "" }, 5000)).code).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    nameless.close();
    const elsewhere = ready({}, "localhost");
    elsewhere.startTls({ ...trust, servername: "127.0.0.1" }, 5000);
    expect(elsewhere.authorized).toBe(true);
    elsewhere.close();
  });

  test("a handshake that hangs times out, sends nothing in plain text, and can be waited for or closed", () => {
    const socket = ready({ hold: true });
    const { value: error, milliseconds } = timed(() => errorOf(() => socket.startTls(trust, 300)));
    expect(error.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeLessThan(2000);
    expect(socket.status).toBe("waiting");
    expect(socket.write("secret\n")).toBe(0);
    expect(socket.writable).toBe(0);
    expect(socket.read()).toHaveLength(0);
    expect(errorOf(() => socket.end()).code).toBe("EALREADY");
    expect(errorOf(() => socket.startTls(trust)).code).toBe("EALREADY");
    expect(errorOf(() => socket.detach()).code).toBe("ERR_SOCKET_CONNECTING");
    expect(socket.waitUntilConnected(100)).toBe("waiting");
    socket.close();
  });

  test.each(["end", "reset"])("a peer that answers and then ends by %s fails the connection", (cut) => {
    const socket = ready({ cut });
    expect(errorOf(() => socket.startTls(trust, 5000)).code).toBe("ECONNRESET");
    expect(socket.status).toBe("failure");
    socket.close();
  });

  test("after end(), and without certificate for a server, it throws and changes nothing", () => {
    const { here, there } = pair();
    expect(errorOf(() => there.startTls({}, 1000)).code).toBe("ERR_TLS_NO_CERTIFICATE");
    expect(() => here.startTls({ nonsense: 1 } as object)).toThrow(/unknown option tls.nonsense/);
    expect(() => here.startTls({ isServer: 1 } as object)).toThrow(/isServer must be a boolean/);
    here.writeAll("plain\n", 1000);
    expect(there.readLine(5000)).toBe("plain");
    here.end();
    expect(errorOf(() => here.startTls(trust, 1000)).code).toBe("EPIPE");
    here.close();
    there.close();
  });

  test("the wait ends when the networking thread dies", () => {
    const runtime = createRuntime();
    const server = runtime.listen({ host: "127.0.0.1" });
    const socket = runtime.connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    const there = acceptFrom(server);
    expect(errorOf(() => socket.startTls(trust, 100)).code).toBe("ETIMEDOUT");
    runtime.close();
    expect(socket.waitUntilConnected(1000)).toBe("failure");
    expect(socket.error?.code).toBe("ERR_RUNTIME_CLOSED");
    there.close();
  });
});

describe("a server", () => {
  test("both ends in one thread", () => {
    const { here, there } = pair();
    expect(errorOf(() => here.startTls({ ...trust, servername: "localhost" }, 0)).code).toBe("ETIMEDOUT");
    there.startTls(shown, 5000);
    expect(here.waitUntilConnected(5000)).toBe("success");
    expect(here).toMatchObject({ encrypted: true, authorized: true });
    here.writeAll("ping", 1000);
    expect(String(there.readExactly(4, 5000))).toBe("ping");
    there.end();
    expect(here.readAll(5000)).toHaveLength(0);
    here.close();
    there.close();
  });

  test("openssl s_client -starttls smtp", () => {
    const server = listen({ host: "127.0.0.1" });
    const client = new Process("openssl", [
      "s_client",
      "-connect",
      `127.0.0.1:${server.port}`,
      ...["-starttls", "smtp", "-name", "here", "-CAfile", authority.certPath, "-verify_return_error", "-no_ign_eof"],
    ]);
    const socket = acceptFrom(server);
    socket.writeAll("220 there ESMTP\r\n", 1000);
    expect(socket.readLine(5000)).toBe("EHLO here");
    socket.writeAll("250-there\r\n250 STARTTLS\r\n", 1000);
    expect(socket.readLine(5000)).toBe("STARTTLS");
    socket.writeAll("220 go\r\n", 1000);
    socket.startTls(shown, 5000);
    client.send("from the client\n");
    expect(socket.readLine(5000)).toBe("from the client");
    socket.writeAll("from the server\n", 1000);
    client.waitForOutput(/^from the server$/m);
    socket.close();
    server.close();
  });

  test("a client that ends within the handshake fails the connection at once", () => {
    const { here, there } = pair();
    here.writeAll(Buffer.from("16030100", "hex"), 1000); // the beginning of a ClientHello
    here.end();
    expect(there.waitUntilReadable(5000)).toBe(true);
    expect(errorOf(() => there.startTls(shown, 5000))).toMatchObject({ code: "ECONNRESET" });
    expect(there.status).toBe("failure");
    here.close();
    there.close();
  });

  test("a client that has ended is still answered", () => {
    const { here, there } = pair();
    errorOf(() => here.startTls({ ...trust, servername: "localhost" }, 0));
    there.startTls(shown, 5000);
    here.waitUntilConnected(5000);
    here.end();
    expect(there.readAll(5000)).toHaveLength(0);
    there.writeAll("still here", 1000);
    there.end();
    expect(String(here.readAll(5000))).toBe("still here");
    here.close();
    there.close();
  });

  test("requests the client's certificate, and refuses one by an unknown authority", () => {
    const good = pair();
    const client = authority.issue({ subject: "a client" });
    const asking = { ...shown, ca: authority.cert, requestCert: true };
    errorOf(() => good.here.startTls({ ...trust, key: client.key, cert: client.cert, servername: "localhost" }, 0));
    good.there.startTls(asking, 5000);
    expect(good.there.peerCertificate?.subject).toMatchObject({ CN: "a client" });
    const bad = pair();
    const other = stranger.issue({ subject: "a stranger" });
    errorOf(() => bad.here.startTls({ ...trust, key: other.key, cert: other.cert, servername: "localhost" }, 0));
    errorOf(() => bad.there.startTls(asking, 5000));
    expect(bad.there.status).toBe("failure");
    for (const socket of [good.here, good.there, bad.here, bad.there]) socket.close();
  });
});

describe("sessions", () => {
  /** Starts TLS on a connection to the server at `port`; returns whether that resumed a session. */
  function resumed(port: number, options: object = {}): boolean {
    using socket = connect({ host: "localhost", port, timeout: 5000 });
    socket.readLine(5000);
    socket.writeAll("STARTTLS\n", 1000);
    socket.readLine(5000);
    socket.startTls({ ...trust, ...options }, 5000);
    expect(socket.readLine(5000)).toBe("welcome"); // with TLS 1.3 the session arrives after the handshake
    expect(socket.peerCertificate?.subjectaltname).toContain("localhost");
    return socket.sessionReused;
  }

  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s: the second connection to a server resumes the first's", (version) => {
    const { port } = startStarttls({ ...shown, maxVersion: version });
    expect([1, 2, 3].map(() => resumed(port))).toEqual([false, true, true]);
  });

  test("are not resumed with another server, for another name, or without verification", () => {
    const { port } = startStarttls(shown);
    const other = startStarttls(shown);
    expect([resumed(port), resumed(other.port)]).toEqual([false, false]);
    expect(errorOf(() => resumed(port, { servername: "example.org" })).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    const careless = { ca: undefined, rejectUnauthorized: false };
    expect([resumed(port, careless), resumed(port, careless)]).toEqual([false, false]);
    expect(errorOf(() => resumed(port, { ca: undefined })).code).toMatch(/UNABLE_TO|SELF_SIGNED/);
    expect(resumed(port)).toBe(true);
  });

  test("a server resumes them, with other options it does not", () => {
    using server = listen({ host: "127.0.0.1" });
    const resumes = (options: object): boolean => {
      using here = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
      using there = acceptFrom(server);
      errorOf(() => here.startTls({ ...trust, servername: "localhost" }, 0));
      there.startTls({ ...shown, ...options }, 5000);
      there.writeAll("x", 1000);
      here.readExactly(1, 5000);
      expect(there.sessionReused).toBe(here.sessionReused);
      return here.sessionReused;
    };
    const more = { requestCert: true, rejectUnauthorized: false, ca: authority.cert };
    expect([resumes({}), resumes({}), resumes(more), resumes(more), resumes({})]).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });
});

test("TLS starts after PostgreSQL's SSLRequest", () => {
  const server = startPostgres("trust", identity);
  const socket = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
  socket.writeAll(Buffer.from("0000000804d2162f", "hex"), 1000);
  expect(String(socket.readExactly(1, 5000))).toBe("S");
  socket.startTls(trust, 5000);
  const parameters = Buffer.from(`user\0${server.user}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + parameters.length);
  head.writeUInt32BE(3 << 16, 4);
  socket.writeAll(Buffer.concat([head, parameters]), 1000);
  expect(socket.readExactly(9, 5000)).toEqual(Buffer.from("520000000800000000", "hex")); // AuthenticationOk
  socket.close();
  server.stop();
}, 60_000);

test("TLS starts inside TLS", () => {
  const { here, there } = pair();
  const client = { ...trust, servername: "localhost" };
  errorOf(() => here.startTls(client, 0));
  there.startTls(shown, 5000);
  expect(here.waitUntilConnected(5000)).toBe("success");
  errorOf(() => here.startTls(client, 0));
  there.startTls(shown, 5000);
  expect(here.waitUntilConnected(5000)).toBe("success");
  here.writeAll("ping", 1000);
  expect(String(there.readExactly(4, 5000))).toBe("ping");
  here.close();
  there.close();
});
