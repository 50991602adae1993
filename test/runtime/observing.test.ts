/**
 * The package seen from outside: `stats`, `node:diagnostics_channel`, NODE_DEBUG.
 */

import { createRuntime, stats } from "ringnet";
import { describe, expect, test } from "vitest";
import { runProgram } from "../support/programs.js";
import { waitFor } from "../support/waiting.js";

describe("stats", () => {
  test("count handles, bytes, datagrams that were lost, memory and wake-ups", () => {
    using runtime = createRuntime({ receiveBuffer: 65_536, sendBuffer: 65_536 });
    expect(runtime.stats()).toMatchObject({ handles: 0, bytesRead: 0, bytesWritten: 0, ringMemory: 0, threads: [] });
    const server = runtime.listen({ host: "127.0.0.1" });
    const client = runtime.connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    const accepted = server.acceptWait(5000);
    client.writeAll(Buffer.alloc(100_000), 5000);
    expect(accepted.readExactly(60_000, 5000)).toHaveLength(60_000);
    const udp = runtime.bindUdp({ host: "127.0.0.1", receiveBuffer: 131_072 });
    let sent = 0; // the system may lose some that are not counted, so send as many as it takes
    waitFor("a loss", () => {
      if (udp.send(Buffer.alloc(20_000), udp.port, "127.0.0.1")) sent += 20_000;
      return udp.dropped > 0;
    });
    udp.waitUntilDrained(5000);
    const before = runtime.stats();
    expect(before).toMatchObject({ handles: 4, bytesRead: 60_000, bytesWritten: 100_000 + sent });
    expect(before.ringMemory).toBeGreaterThan(4 * 65_536);
    expect(before.dropped).toBeGreaterThan(0);
    expect(before.dropped).toBeLessThanOrEqual(udp.dropped); // the last ones may arrive meanwhile
    for (const handle of [client, accepted, server, udp]) handle.close();
    const after = waitFor("the handles' end", () => {
      const now = runtime.stats();
      return now.handles === 0 ? now : undefined;
    });
    expect(after.dropped).toBe(udp.dropped);
    expect(after.wakeUps).toBeGreaterThan(0);
  });

  test("the networking thread's CPU time grows with its work", () => {
    using runtime = createRuntime({ threads: 2 });
    const server = runtime.listen({ host: "127.0.0.1" });
    const one = runtime.stats();
    expect(one.threads).toHaveLength(2);
    const known = process.platform === "linux" || "threadCpuUsage" in process;
    if (!known) return void expect(one.threads[0]?.cpuMs).toBeNull();
    for (let i = 0; i < 200; i++) {
      const client = runtime.connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
      server.acceptWait(5000).reset();
      client.close();
    }
    const sum = ({ threads }: typeof one) => threads.reduce((total, { cpuMs }) => total + (cpuMs as number), 0);
    expect(sum(runtime.stats())).toBeGreaterThan(sum(one));
    server.close();
  });

  test("work for the package root and for a closed runtime", () => {
    expect(stats().threads.length).toBeLessThanOrEqual(1);
    const runtime = createRuntime();
    runtime.listen({ host: "127.0.0.1" });
    runtime.close();
    expect(runtime.stats().threads[0]?.cpuMs).toBeNull();
  });
});

describe("diagnostics_channel", () => {
  test("connections, look-ups, TLS, closing and threads are published on the calling thread", () => {
    const { output, errors } = runProgram(
      `import diagnostics from "node:diagnostics_channel";
      import { connect, listen, resolve } from "ringnet";
      const seen = [];
      for (const name of ["connect", "resolve", "tls"]) {
        for (const what of ["start", "end", "error"]) {
          diagnostics.subscribe("ringnet:" + name + ":" + what, ({ host, port, error, socket, address }) => {
            seen.push([name, what, host, error?.code, (socket ?? address)?.constructor.name].join(" "));
          });
        }
      }
      diagnostics.subscribe("ringnet:close", ({ handle }) => seen.push("close " + handle.constructor.name));
      diagnostics.subscribe("ringnet:thread", ({ state }) => seen.push("thread " + state));
      const server = listen({ host: "127.0.0.1" });
      const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
      client.close();
      try { connect({ host: "127.0.0.1", port: 1, timeout: 5000 }); } catch {}
      resolve("localhost").waitUntilResolved(5000);
      resolve("no-such-host.invalid").waitUntilResolved(10000);
      try { connect({ host: "127.0.0.1", port: server.port, tls: true, timeout: 300 }); } catch {}
      const bad = connect({ host: "127.0.0.1", port: 1, tls: true });
      bad.waitUntilConnected(5000);
      console.log(JSON.stringify(seen));`,
    );
    expect(errors).toBe("");
    const seen = JSON.parse(output) as string[];
    const expected = [
      "thread start",
      "connect start 127.0.0.1  TcpSocket",
      "connect end 127.0.0.1  TcpSocket",
      "close TcpSocket",
      "connect start 127.0.0.1  TcpSocket",
      "connect error 127.0.0.1 ECONNREFUSED TcpSocket",
      "close TcpSocket",
      "resolve start localhost  Address",
      "resolve end localhost  Address",
      "resolve start no-such-host.invalid  Address",
      "resolve error no-such-host.invalid ENOTFOUND Address",
    ];
    expect(seen.slice(0, expected.length)).toEqual(expected);
    expect(seen.slice(expected.length).join("\n")).toMatch(
      /^connect start .*\ntls start .*\nconnect error .* ETIMEDOUT .*\ntls error .* ETIMEDOUT .*\nclose TcpSocket\nconnect start .*\ntls start .*\nconnect error .*\ntls error .*/,
    );
  });
});

describe("NODE_DEBUG", () => {
  const program = `import { connect, listen } from "ringnet";
    const server = listen({ host: "127.0.0.1" });
    const client = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
    try { client.readLine(300); } catch {}
    try { connect({ host: "127.0.0.1", port: 1, timeout: 5000 }); } catch {}`;

  test("=ringnet prints what happens on both threads, with times", () => {
    const { errors } = runProgram(program, { env: { NODE_DEBUG: "http,ringnet" } });
    const line = /^RINGNET \d\d:\d\d:\d\d\.\d{6} \d+ (caller|networking) \d+: \S.*$/;
    const lines = errors.trim().split("\n");
    expect(lines.filter((each) => !line.test(each))).toEqual([]);
    expect(errors).toMatch(/caller \d+: starts a networking thread/);
    expect(errors).toMatch(/caller \d+: asks for connect/);
    expect(errors).toMatch(/networking \d+: connect handle=\d+ host=127\.0\.0\.1 port=\d+/);
    expect(errors).toMatch(/networking \d+: state handle=\d+ is=open/);
    expect(errors).toMatch(/caller \d+: waited handle=\d+ ms=(29\d|[3-9]\d\d|\d{4,})\.\d+ met=false/);
    expect(errors).toMatch(/networking \d+: failure handle=\d+ code=ECONNREFUSED/);
  });

  test("without it nothing is printed", () => {
    expect(runProgram(program, { env: { NODE_DEBUG: "http" } }).errors).not.toContain("RINGNET");
    expect(runProgram(program, { env: { NODE_DEBUG: "ringnet-other" } }).errors).toBe("");
  });
});
