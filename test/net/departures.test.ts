/**
 * The rows about TCP in the `net` contract's table of departures from the original.
 */

import { net } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, sha256 } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { median, pause, timed, waitFor } from "../support/waiting.js";
import { addressOf, failureText, fill, openTo, readBytes, readToEnd, unwrap, writeBytes } from "./connections.js";

test("departs: the end of the stream is [null, null], not an error", () => {
  const peer = startPeer("halfClosed", { text: "end" });
  const tcp = openTo(peer);
  expect(String(readToEnd(tcp))).toBe("end");
  for (let i = 0; i < 3; i++) expect(tcp.read(1)).toEqual([null, null]);
  // The other direction is still open.
  expect(tcp.get_status()).toEqual(["success", null]);
  writeBytes(tcp, Buffer.from("good bye"));
  tcp.close();
  expect(peer.waitForEvent("end")).toMatchObject({ bytes: 8, sha256: sha256("good bye") });
});

describe("departs: bytes that had arrived come first, then the error", () => {
  test("after a failed write", () => {
    const peer = startPeer("reset", { text: "arrived", after: 1 });
    const tcp = openTo(peer);
    writeBytes(tcp, Buffer.from("x"));
    waitFor("the failure", () => tcp.get_status()[0] === "failure", 5000);
    expect(failureText(tcp.write("y"))).toContain("ECONNRESET");
    expect(String(unwrap(tcp.read(100)))).toBe("arrived");
    expect(failureText(tcp.read(100))).toContain("ECONNRESET");
    tcp.close();
  });

  test("without a write", () => {
    const peer = startPeer("manual");
    const tcp = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "write", bytes: 100_000, seed: 5 });
    expect(readBytes(tcp, 1)).toEqual(pattern(5, 0, 1));
    peer.send({ do: "reset", delay: 100 });
    waitFor("the failure", () => tcp.get_status()[0] === "failure", 5000);
    const rest: Buffer[] = [];
    const error = waitFor("the error", () => {
      const [bytes, message] = tcp.read(10_000);
      if (bytes !== null) rest.push(bytes);
      return message ?? undefined;
    });
    expect(error).toContain("ECONNRESET");
    expect(Buffer.concat(rest).equals(pattern(5, 1, 99_999))).toBe(true);
    tcp.close();
  });
});

test("departs: a closed connection says failure, with a text", () => {
  const peer = startPeer("echo");
  const tcp = openTo(peer);
  tcp.close();
  expect(tcp.get_status()).toEqual(["failure", expect.stringMatching(/closed/i)]);
});

/** Writes until nothing was taken for 300 ms; returns how many bytes were taken. */
function takenUntilFull(tcp: net.tcp, data: Uint8Array): number {
  let taken = 0;
  for (let last = performance.now(); performance.now() - last < 300; pause(1)) {
    const count = unwrap(tcp.write(data.subarray(taken)));
    taken += count;
    if (count > 0) last = performance.now();
  }
  return taken;
}

describe("departs: close() sends queued bytes first", () => {
  test("megabytes, of which a peer that was stopped has not taken the last", () => {
    const peer = startPeer("sink");
    const tcp = openTo(peer);
    const data = pattern(6, 0, 64 << 20);
    const first = 8 << 20;
    writeBytes(tcp, data.subarray(0, first), 20_000);
    peer.kill("SIGSTOP");
    const end = first + takenUntilFull(tcp, data.subarray(first));
    expect(end).toBeLessThan(data.length);
    expect(unwrap(tcp.get_pending_writes())).toBeGreaterThan(0);
    peer.kill("SIGCONT");
    tcp.close();
    const sent = data.subarray(0, end);
    expect(peer.waitForEvent("end", 20_000)).toMatchObject({ bytes: end, sha256: sha256(sent) });
    expect(peer.events("error")).toEqual([]);
  });

  test("also when bytes of the peer were left unread", () => {
    const peer = startPeer("source", { bytes: 100_000, keepOpen: true });
    const tcp = openTo(peer);
    readBytes(tcp, 1);
    const data = pattern(6, 0, 500_000);
    writeBytes(tcp, data);
    tcp.close();
    expect(peer.waitForEvent("end", 10_000)).toMatchObject({ bytes: data.length, sha256: sha256(data) });
  });
});

test("departs: TCP_NODELAY is on: write, write, read is quick", () => {
  const peer = startPeer("answer", { size: 8, reply: "answer" });
  const tcp = openTo(peer);
  // Linux acknowledges the first segments of a connection at once; only later ones show Nagle's delay, of 40 ms.
  const times = Array.from({ length: 60 }, () => {
    return timed(() => {
      writeBytes(tcp, Buffer.from("head"));
      tcp.wait_until_drained(1000); // two segments, not one
      writeBytes(tcp, Buffer.from("body"));
      expect(String(readBytes(tcp, 6))).toBe("answer");
    }).milliseconds;
  });
  expect(median(times.slice(30))).toBeLessThan(20);
  tcp.close();
});

test.each(["127.0.0.1", "127.0.0.2", "::1"])(
  "departs: all addresses of a name are tried; %s is the one that answers",
  (host) => {
    const peer = startPeer("greeter", { host, text: "found" });
    const { output, errors } = runProgram(
      `import { net } from "ringnet";
    const [address] = net.resolve_address("many.test");
    address.wait_until_resolved(5000);
    const [tcp] = net.open_tcp(address, Number(process.argv[1]));
    const status = tcp.wait_until_connected(5000);
    const [remote] = tcp.get_address();
    console.log(JSON.stringify({ status, ip: remote?.get_ip() }));
    // And with an address that is not resolved yet.
    const [again] = net.open_tcp(net.resolve_address("many.test")[0], Number(process.argv[1]));
    console.log(JSON.stringify(again.wait_until_connected(5000)));`,
      { args: [`${peer.port}`], names: { "many.test": ["127.0.0.1", "127.0.0.2", "::1"] } },
    );
    expect(errors).toBe("");
    const [first, second] = output.trim().split("\n");
    expect(JSON.parse(first ?? "")).toEqual({ status: ["success", null], ip: host });
    expect(JSON.parse(second ?? "")).toEqual(["success", null]);
  },
);

test("departs: when no address of a name answers, the failure has the reason", () => {
  const { output, errors } = runProgram(
    `import { net } from "ringnet";
    const [tcp] = net.open_tcp(net.resolve_address("many.test")[0], 1);
    console.log(JSON.stringify(tcp.wait_until_connected(5000)));`,
    { names: { "many.test": ["127.0.0.1", "127.0.0.2"] } },
  );
  expect(errors).toBe("");
  expect(JSON.parse(output)).toEqual(["failure", expect.stringContaining("ECONNREFUSED")]);
});

test("departs: port 0 gives the real port", () => {
  const server = unwrap(net.create_server(0));
  const port = server.get_port();
  expect(port).toBeGreaterThan(0);
  const peer = startPeer("manual", { connect: port });
  expect(peer.waitForEvent("connection")).toBeDefined();
  server.close();
});

test("departs: ports above 65,535 are refused", () => {
  expect(() => net.create_server(65_536 + 8080)).toThrow(RangeError);
  expect(() => net.open_tcp(addressOf(), 65_536 + 80)).toThrow(RangeError);
});

test("departs: write has true back-pressure", () => {
  const peer = startPeer("manual", { paused: true });
  const tcp = openTo(peer);
  const taken = fill(tcp);
  expect(taken).toBeLessThan(64 << 20);
  for (let i = 0; i < 10; i++) expect(tcp.write("x")).toEqual([0, null]);
  // There is room again once the peer reads.
  peer.send({ do: "resume" });
  waitFor("room", () => unwrap(tcp.write("x")) === 1, 5000);
  expect(tcp.wait_until_drained(5000)).toEqual([0, null]);
  tcp.close();
  expect(peer.waitForEvent("end").bytes).toBe(taken + 1);
});
