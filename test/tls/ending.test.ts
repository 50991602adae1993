/**
 * How TLS connections end: in good order, cut off, and tampered with.
 */

import { connect, net } from "ringnet";
import { describe, expect, test } from "vitest";
import {
  addressOf,
  failureText,
  readBytes as readPair,
  readToEnd as readPairToEnd,
  unwrap,
} from "../net/connections.js";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { errorOf, fill, readToEnd, writeBytes } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";
import { type Harm, type Relay, startRelay } from "./support/relays.js";
import { startOpensslServer } from "./support/servers.js";

const authority = new Authority("the authority");
const identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
const tls = { ca: authority.cert };
const server = { key: identity.key, cert: identity.cert };
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const flagOf = (version: string) => (version === "TLSv1.2" ? "-tls1_2" : "-tls1_3");

describe.each(VERSIONS)("%s: end()", (version) => {
  test("sends what was written, then close_notify, and reading goes on", () => {
    const program = startOpensslServer(identity, flagOf(version), "-msg");
    const socket = connect({ host: "localhost", port: program.port, tls, timeout: 5000 });
    socket.writeAll("the last words\n", 1000);
    socket.end();
    program.process.waitForOutput(/^the last words$/m);
    // s_server marks what it received by "<<<".
    program.process.waitForOutput(/<<< TLS 1\.[23], Alert \[length 0002\], warning close_notify/);
    expect(errorOf(() => socket.write("more")).code).toBe("EPIPE");
    expect(readToEnd(socket).error).toBeNull();
    socket.close();
  });

  test("a peer that keeps sending is read to its end", () => {
    const peer = startPeer("late", { tls: { ...server, maxVersion: version }, bytes: 500_000, seed: 3 });
    const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000 });
    socket.writeAll("a question", 1000);
    socket.end();
    expect(socket.readAll(10_000).equals(pattern(3, 0, 500_000))).toBe(true);
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 10, sha256: sha256("a question") });
    socket.close();
  });
});

describe.each(VERSIONS)("%s: the peer ends with close_notify", (version) => {
  test("reading returns null after the last byte; writing goes on", () => {
    const peer = startPeer("halfClosed", { tls: { ...server, maxVersion: version }, text: "farewell" });
    const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000 });
    expect(readToEnd(socket)).toEqual({ bytes: Buffer.from("farewell"), error: null });
    expect(socket.status).toBe("success");
    writeBytes(socket, Buffer.from("so long"));
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 7, sha256: sha256("so long") });
  });

  test("net.tcp.read: [null, null]", () => {
    const peer = startPeer("halfClosed", { tls: { ...server, maxVersion: version }, text: "farewell" });
    net.set_cacert_path(authority.certPath);
    const tcp = unwrap(net.open_tcp(addressOf("localhost"), peer.port, true));
    expect(tcp.wait_until_connected(5000)).toEqual(["success", null]);
    expect(String(readPairToEnd(tcp))).toBe("farewell");
    expect(tcp.read(1)).toEqual([null, null]);
    tcp.close();
  });
});

describe("close()", () => {
  test("sends what is pending, then close_notify", () => {
    const program = startOpensslServer(identity, "-msg");
    const socket = connect({ host: "localhost", port: program.port, tls, timeout: 5000 });
    socket.write("the very last words\n");
    socket.close();
    program.process.waitForOutput(/^the very last words$/m);
    const [alert] = program.process.waitForOutput(/<<< TLS 1\.3, Alert .*\n/);
    expect(alert).toBe("<<< TLS 1.3, Alert [length 0002], warning close_notify\n");
  });

  test("a full ring arrives at a slow peer", () => {
    const peer = startPeer("manual", { tls: server, paused: true });
    net.set_cacert_path(authority.certPath);
    const tcp = unwrap(net.open_tcp(addressOf("localhost"), peer.port, true));
    expect(tcp.wait_until_connected(5000)).toEqual(["success", null]);
    let taken = 0;
    for (let full = false; !full; ) {
      const count = unwrap(tcp.write(pattern(4, taken, 65_536)));
      taken += count;
      full = count < 65_536;
    }
    expect(unwrap(tcp.get_pending_writes())).toBeGreaterThan(0);
    peer.waitForEvent("connection");
    peer.send({ do: "resume" });
    tcp.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: taken, sha256: patternHash(4, taken) });
  });

  test("sends what is pending also with bytes of the peer left unread", () => {
    const peer = startPeer("source", { tls: server, bytes: 5_000_000, keepOpen: true });
    const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000 });
    socket.readExactly(1, 5000);
    writeBytes(socket, pattern(5, 0, 500_000));
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 500_000, sha256: patternHash(5, 500_000) });
  });
});

describe("reset()", () => {
  test("resets the connection: the peer gets less than was written", () => {
    const peer = startPeer("manual", { tls: server, paused: true });
    const socket = connect({ host: "localhost", port: peer.port, tls, timeout: 5000 });
    const written = fill(socket);
    peer.waitForEvent("connection");
    socket.reset();
    peer.send({ do: "resume" });
    const seen = peer.process.waitUntil("an end of", () => peer.events("end")[0] ?? peer.events("close")[0]);
    expect(seen.bytes).toBeLessThan(written);
  });
});

/**
 * Does the same harm to our connection and to a `node:tls` client in another process, after both have received 100,000 bytes.
 */
function afterHarm(
  version: string,
  harm: Harm,
): { ours: { bytes: Buffer; error: string | null }; nodes: { bytes: number; error: string | null } } {
  const target = startPeer("manual", { tls: { ...server, maxVersion: version } });
  const tell = (connection: number, relay: Relay) => {
    target.waitForEvent("connection", 5000, connection + 1);
    target.send({ do: "write", connection, bytes: 100_000, seed: 6 });
    return () => {
      relay.harm(harm);
      if (harm === "halve" || harm === "flip") target.send({ do: "write", connection, text: "never to arrive" });
    };
  };

  const first = startRelay(target.port);
  const socket = connect({ host: "localhost", port: first.port, tls, timeout: 5000 });
  const harmOurs = tell(0, first);
  waitFor("100,000 bytes", () => socket.readable === 100_000);
  harmOurs();
  const { bytes, error } = readToEnd(socket);
  socket.close();

  const second = startRelay(target.port);
  const options = { ca: authority.cert, servername: "localhost" };
  const node = startPeer("manual", { connect: second.port, tls: options, marks: [100_000] });
  const harmNodes = tell(1, second);
  node.waitForEvent("mark");
  harmNodes();
  const seen = node.process.waitUntil("an end of", () => node.events("end")[0] ?? node.events("error")[0]);
  return {
    ours: { bytes, error: error?.code ?? null },
    nodes: { bytes: node.events("end")[0]?.bytes ?? 100_000, error: seen.code ?? null },
  };
}

describe.each(VERSIONS)(
  "%s: a tampered stream is reported as in Node, behind the bytes that had arrived",
  (version) => {
    test.each<[string, Harm]>([
      ["truncated: TCP's end without close_notify", "cut"],
      ["truncated in the middle of a record", "halve"],
      ["reset", "reset"],
      ["changed by one bit", "flip"],
    ])("%s", (_name, harm) => {
      const { ours, nodes } = afterHarm(version, harm);
      expect(ours.bytes.equals(pattern(6, 0, 100_000))).toBe(true);
      expect(nodes.bytes).toBe(100_000);
      expect(ours.error).toBe(nodes.error);
      // As Node 20 to 26 report it.
      if (harm === "cut" || harm === "halve") expect(ours.error).toBeNull();
      if (harm === "reset") expect(ours.error).toBe("ECONNRESET");
      if (harm === "flip") expect(ours.error).toMatch(/^ERR_SSL_/);
    });
  },
);

test("net.tcp.read returns the error's text, each time", () => {
  const target = startPeer("greeter", { tls: server, text: "hello" });
  const relay = startRelay(target.port);
  net.set_cacert_path(authority.certPath);
  const tcp = unwrap(net.open_tcp(addressOf("localhost"), relay.port, true));
  expect(String(readPair(tcp, 5))).toBe("hello");
  relay.harm("flip");
  target.send({ do: "write", text: "this" });
  const text = waitFor("the failure", () => tcp.read(10)[1] ?? undefined);
  expect(text).toMatch(/bad record mac|decryption failed/i);
  expect(tcp.get_status()).toEqual(["failure", text]);
  expect(failureText(tcp.read(10))).toBe(text);
  expect(failureText(tcp.write("x"))).toBe(text);
  tcp.close();
});
