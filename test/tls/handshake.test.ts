/**
 * Handshakes that fail: garbage, silence, ends. Whatever the server does, the client gets an error with a reason or a timeout, and
 * nothing that it wrote is sent in plain text.
 */

import { connect, createRuntime, net } from "ringnet";
import { describe, expect, test } from "vitest";
import { addressOf, failureText, unwrap } from "../net/connections.js";
import { pattern } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { runProgram, startNetcat } from "../support/programs.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";
import { startRelay } from "./support/relays.js";
import { startOpensslServer } from "./support/servers.js";

const authority = new Authority("the authority");
const identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
const tls = { ca: authority.cert };

/** How a TLS connection fails. */
function failure(port: number, timeout = 5000) {
  return errorOf(() => connect({ host: "127.0.0.1", port, tls, timeout }));
}

describe("the connection fails if the peer sends garbage instead of a handshake", () => {
  test.each([
    ["a greeting in plain text", "220 mail.test ESMTP\r\n"],
    ["a web page", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    ["a byte over and over", "\0".repeat(1000)],
  ])("%s", (_name, text) => {
    const peer = startPeer("greeter", { text });
    const error = failure(peer.port);
    expect(error.code).toBe("ERR_SSL_WRONG_VERSION_NUMBER");
    net.set_cacert_path(authority.certPath);
    const tcp = unwrap(net.open_tcp(addressOf(), peer.port, true));
    const [status, message] = tcp.wait_until_connected(5000);
    expect(status).toBe("failure");
    expect(message).toMatch(/wrong version number/);
    expect(failureText(tcp.read(10))).toBe(message);
    expect(failureText(tcp.write("x"))).toBe(message);
    tcp.close();
  });

  test("random bytes never become a connection", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const peer = startPeer("source", { bytes: 1 + 500 * (seed - 1), seed });
      const error = failure(peer.port);
      expect(error.code).toMatch(/^ERR_SSL_|^ECONNRESET$|^EPROTO$/);
    }
  });

  test("random bytes that begin like a TLS record", () => {
    const listener = startNetcat();
    const socket = connect({ host: "127.0.0.1", port: listener.port, tls });
    const header = Buffer.from([22, 3, 3, 0x10, 0x00]);
    listener.process.send(Buffer.concat([header, pattern(9, 0, 4096)]).toString("latin1"));
    expect(socket.waitUntilConnected(5000)).toBe("failure");
    expect(socket.error?.code).toMatch(/^ERR_SSL_/);
    socket.close();
  });

  test("a handshake with one wrong bit", () => {
    const server = startOpensslServer(identity);
    const relay = startRelay(server.port);
    // The client is stopped in front of a server that does not answer yet, so that the harm comes before the answer.
    server.process.kill("SIGSTOP");
    const socket = connect({ host: "127.0.0.1", port: relay.port, tls });
    relay.process.waitForOutput(/^client connected$/m);
    relay.harm("flip");
    server.process.kill("SIGCONT");
    expect(socket.waitUntilConnected(5000)).toBe("failure");
    expect(socket.error?.code).toMatch(/^ERR_SSL_/);
    socket.close();
  });
});

describe("a peer that never answers", () => {
  test("connect's timeout holds", () => {
    const peer = startPeer("silent");
    const { value, milliseconds } = timed(() => failure(peer.port, 300));
    expect(value.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeGreaterThanOrEqual(299);
    expect(milliseconds).toBeLessThan(1500);
    peer.waitForEvent("connection"); // it accepted the connection, and sent nothing
  });

  test("net.tcp.wait_until_connected's timeout holds, and what was written is not sent", () => {
    const peer = startPeer("manual");
    net.set_cacert_path(authority.certPath);
    const tcp = unwrap(net.open_tcp(addressOf(), peer.port, true));
    expect(tcp.write("not in the clear")).toEqual([16, null]);
    expect(tcp.wait_until_connected(300)).toEqual(["waiting", null]);
    expect(tcp.get_pending_writes()).toEqual([16, null]);
    expect(unwrap(tcp.read(10))).toHaveLength(0);
    const { value, milliseconds } = timed(() => tcp.wait_until_drained(200));
    expect(value).toEqual([16, null]);
    expect(milliseconds).toBeLessThan(1500);
    tcp.close();
  });

  test("it receives only the beginning of a handshake", () => {
    const listener = startNetcat();
    const runtime = createRuntime({ lingerMs: 200 });
    const socket = runtime.connect({ host: "127.0.0.1", port: listener.port, tls });
    socket.write("a password");
    const bytes = waitFor("a hello", () => listener.process.output.length > 100 && listener.process.output);
    expect(bytes.charCodeAt(0)).toBe(22); // a record of the handshake: RFC 8446, 5.1
    socket.close();
    // The linger time bounds how long the bytes wait for a peer that never answers.
    listener.process.waitForExit(5000);
    expect(listener.process.output).not.toContain("a password");
    runtime.close();
  });

  test("connect's timeout holds also if the peer stops in the middle of its handshake", () => {
    const server = startOpensslServer(identity);
    for (const limit of [1, 4, 5, 100, 500]) {
      const relay = startRelay(server.port, limit);
      expect(failure(relay.port, 200).code).toBe("ETIMEDOUT");
    }
  });

  test("a program that waits for it can end", () => {
    const peer = startPeer("silent");
    const { code, output, milliseconds } = runProgram(
      `import { createRuntime } from "ringnet";
      const runtime = createRuntime({ lingerMs: 200 });
      const socket = runtime.connect({ host: "127.0.0.1", port: Number(process.argv[1]), tls: true });
      socket.write("never sent");
      console.log(socket.waitUntilConnected(100));`,
      { args: [`${peer.port}`] },
    );
    expect(output).toBe("waiting\n");
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(5000);
  });
});

describe("the connection fails if the peer disconnects during the handshake", () => {
  test("with an end", () => {
    const peer = startPeer("halfClosed", { text: "" });
    expect(failure(peer.port).code).toBe("ECONNRESET");
  });

  test("with a reset", () => {
    const peer = startPeer("reset", { after: 1 });
    expect(failure(peer.port).code).toBe("ECONNRESET");
  });

  test("in the middle of its own handshake", () => {
    const server = startOpensslServer(identity);
    for (const harm of ["cut", "reset"] as const) {
      const relay = startRelay(server.port, 300);
      const socket = connect({ host: "127.0.0.1", port: relay.port, tls });
      expect(socket.waitUntilConnected(200)).toBe("waiting");
      relay.harm(harm);
      expect(socket.waitUntilConnected(5000)).toBe("failure");
      expect(socket.error?.code).toBe("ECONNRESET");
      socket.close();
    }
  });

  test("or if the port is closed", () => {
    const { port, process } = startNetcat();
    process.kill();
    process.waitForExit();
    const error = failure(port);
    expect(error).toMatchObject({ code: "ECONNREFUSED", syscall: "connect", address: "127.0.0.1", port });
  });
});

describe("the connection fails if the server refuses the handshake", () => {
  test("no version in common", () => {
    const server = startOpensslServer(identity, "-tls1_2");
    const open = () =>
      connect({ host: "127.0.0.1", port: server.port, tls: { ...tls, minVersion: "TLSv1.3" }, timeout: 5000 });
    expect(errorOf(open).code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  test("no cipher in common", () => {
    const server = startOpensslServer(identity, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384");
    const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const open = () => connect({ host: "127.0.0.1", port: server.port, tls: { ...tls, ciphers }, timeout: 5000 });
    expect(errorOf(open).code).toMatch(/^ERR_SSL_(SSL\/TLS|SSLV3|TLSV1)_ALERT_HANDSHAKE_FAILURE$/);
  });
});

test("close() during a handshake ends it", () => {
  const peer = startPeer("manual");
  const socket = connect({ host: "127.0.0.1", port: peer.port, tls });
  peer.waitForEvent("connection");
  socket.close();
  expect(socket.status).toBe("failure");
  peer.waitForEvent("end");
});

test("a hundred failed handshakes leave nothing behind", () => {
  const plain = startPeer("greeter", { text: "no TLS here\n" });
  const secure = startPeer("echo", { tls: { key: identity.key, cert: identity.cert } });
  const good = connect({ host: "127.0.0.1", port: secure.port, tls, timeout: 5000 });
  const bad = Array.from({ length: 100 }, () => connect({ host: "127.0.0.1", port: plain.port, tls }));
  for (const socket of bad) expect(socket.waitUntilConnected(10_000)).toBe("failure");
  good.writeAll("still here", 1000);
  expect(String(good.readExactly(10, 5000))).toBe("still here");
  for (const socket of [good, ...bad]) socket.close();
  const curious = new Process("openssl", [
    "s_client",
    "-connect",
    `127.0.0.1:${secure.port}`,
    "-CAfile",
    authority.certPath,
  ]);
  curious.waitForOutput(/Verify return code: 0 \(ok\)/);
});
