/**
 * What errors and `console.log` contain: the endpoint, the line that called, and why a wait may have timed out.
 */

import { inspect, isDeepStrictEqual } from "node:util";
import { bindUdp, connect, createRuntime, listen, type NetError, Poller, resolve } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { runProgram } from "../support/programs.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";

const { key, cert } = new Authority("the authority").issue({ names: ["localhost"] });

describe("an error has the endpoint of", () => {
  test("a connection attempt that timed out, by name and by IP", () => {
    const { port } = startUnanswering();
    resolve("localhost").waitUntilResolved(10_000); // the networking thread has started
    const byName = errorOf(() => connect({ host: "localhost", port, timeout: 50 }));
    expect(byName).toMatchObject({ code: "ETIMEDOUT", host: "localhost", port });
    const address = resolve("127.0.0.1");
    expect(errorOf(() => connect({ host: address, port, timeout: 50 }))).toMatchObject({ host: "127.0.0.1", port });
  });

  test("a refused connection to a name: name, IP and port", () => {
    const port = closedPort();
    const error = errorOf(() => connect({ host: resolve("localhost", { family: 4 }), port, timeout: 5000 }));
    expect(error).toMatchObject({ code: "ECONNREFUSED", host: "localhost", address: "127.0.0.1", port });
  });

  test("a TLS peer that is not trusted", () => {
    const { port } = startPeer("echo", { tls: { key, cert } });
    const error = errorOf(() => connect({ host: "localhost", port, tls: true, timeout: 5000 }));
    expect(error).toMatchObject({ host: "localhost", address: "127.0.0.1", port });
    expect(error.code).toMatch(/CERT|ISSUER|SIGN/);
  });

  test("a name that does not exist", () => {
    const error = errorOf(() => connect({ host: "no-such-host.invalid", port: 1, timeout: 10_000 }));
    expect(error).toMatchObject({ host: "no-such-host.invalid", port: 1 });
  });

  test("an open, an accepted, a listening, a UDP and a closed handle", () => {
    const { port } = startPeer("silent");
    const socket = openTo({ host: "127.0.0.1", port });
    const there = { address: "127.0.0.1", port };
    expect(errorOf(() => socket.readLine(1))).toMatchObject({ code: "ETIMEDOUT", ...there });
    const server = listen({ host: "127.0.0.1" });
    expect(errorOf(() => server.acceptWait(1))).toMatchObject({ address: "127.0.0.1", port: server.port });
    const client = openTo({ host: "127.0.0.1", port: server.port });
    const accepted = acceptFrom(server);
    expect(errorOf(() => accepted.readExactly(1, 1))).toMatchObject({ address: "127.0.0.1", port: client.localPort });
    const udp = bindUdp({ host: "127.0.0.1" });
    expect(errorOf(() => udp.receiveWait(1))).toMatchObject({ address: "127.0.0.1", port: udp.port });
    for (const handle of [socket, server, client, accepted, udp]) handle.close();
    expect(errorOf(() => socket.read())).toMatchObject({ code: "ERR_SOCKET_CLOSED", ...there });
  });
});

describe("the stack of an error", () => {
  test("of an address is made for each throw, while its error stays the same object", () => {
    const address = resolve("no-such-host.invalid");
    expect(address.waitUntilResolved(20_000)).toBe("failure");
    expect(address.error).toBe(address.error);
    using udp = bindUdp({ host: "127.0.0.1" });
    const firstCall = () => connect({ host: address, port: 1, timeout: 5000 });
    const secondCall = () => listen({ host: address });
    const thirdCall = () => bindUdp({ host: address });
    const fourthCall = () => udp.send("x", 1, address);
    const errors = [firstCall, secondCall, thirdCall, fourthCall].map((call) => errorOf(call));
    expect(new Set([...errors, address.error]).size).toBe(5);
    for (const [i, call] of ["firstCall", "secondCall", "thirdCall", "fourthCall"].entries()) {
      expect(errors[i]).toMatchObject({ code: address.error?.code, host: "no-such-host.invalid" });
      expect(errors[i]?.stack?.split("\n")[1]).toContain(call);
    }
  });

  test("begins with the line of the program that called, and is that of each call", () => {
    const { output } = runProgram(
      `import { connect, listen, NetError } from "ringnet";
      const server = listen({ host: "127.0.0.1" });
      const socket = connect({ host: "127.0.0.1", port: server.port, timeout: 5000 });
      function first() { socket.readExactly(1, 1); }
      function second() { socket.write("x"); }
      function third() { socket.read(); }
      function fourth() { connect({ host: "127.0.0.1", port: 1, timeout: 5000 }); }
      const accepted = server.acceptWait(5000);
      accepted.reset();
      const stacks = [first];
      const show = (call) => { try { call(); } catch (error) { console.log(error.stack.split("\\n").slice(0, 2).join("|")); } };
      show(first);
      socket.waitUntilReadable(5000);
      for (const call of [second, third, fourth]) show(call);
      console.log(socket.error === socket.error, socket.error instanceof NetError);`,
    );
    const lines = output.trim().split("\n");
    expect(lines[0]).toMatch(/^NetError: (readExactly timed out|read ECONNRESET).*\|\s+at first \(/);
    expect(lines[1]).toMatch(/^NetError: .*ECONNRESET.*\|\s+at second \(/);
    expect(lines[2]).toMatch(/^NetError: .*ECONNRESET.*\|\s+at third \(/);
    expect(lines[3]).toMatch(/^NetError: connect ECONNREFUSED.*\|\s+at fourth \(/);
    expect(lines[4]).toBe("true true");
  });

  test("is cut as Error.stackTraceLimit says, and absent at 0", () => {
    const { output } = runProgram(
      `import { connect } from "ringnet";
      const call = () => connect({ host: "127.0.0.1", port: 1, timeout: 5000 });
      const deep = (n) => (n === 0 ? call() : deep(n - 1));
      for (const limit of [3, 0]) {
        Error.stackTraceLimit = limit;
        try { deep(20); } catch (error) { console.log(error.stack.split("\\n").length - 1, Error.stackTraceLimit); }
      }`,
    );
    expect(output.trim().split("\n")).toEqual(["3 3", "0 0"]);
  });
});

test("a time-out while this thread's own event loop runs a server says so; without one it does not", () => {
  const { output, errors } = runProgram(
    `import { createServer } from "node:net";
    import { once } from "node:events";
    import { connect } from "ringnet";
    const text = (call) => { try { call(); return "none"; } catch (error) { return error.message; } };
    const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect({ host: "127.0.0.1", port: server.address().port, timeout: 5000 });
    console.log(text(() => socket.readLine(50)));
    console.log(text(() => socket.readLine(0)));
    server.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.close();
    const { port } = (await import("ringnet")).listen({ host: "127.0.0.1" });
    const other = connect({ host: "127.0.0.1", port, timeout: 5000 });
    console.log(text(() => other.readLine(50)));`,
  );
  expect(errors).toBe("");
  const [blocked, polled, alone] = output.trim().split("\n");
  expect(blocked).toMatch(/timed out after 50 ms.*this thread's own event loop runs a server/);
  expect(polled).not.toMatch(/event loop/);
  expect(alone).toMatch(/timed out after 50 ms/);
  expect(alone).not.toMatch(/event loop/);
});

describe("a handle", () => {
  test("prints as one line with its endpoint and state, also when closed", () => {
    const server = listen({ host: "127.0.0.1" });
    const client = connect({ host: "127.0.0.1", port: server.port });
    expect(inspect(client)).toMatch(/^TcpSocket #\d+ \{ 127\.0\.0\.1:\d+, (connecting|open), readable 0, unsent 0 \}$/);
    client.waitUntilConnected(5000);
    const accepted = acceptFrom(server);
    accepted.writeAll("12345");
    waitFor("the bytes", () => client.readable === 5);
    expect(inspect(client)).toContain(`{ 127.0.0.1:${server.port}, open, readable 5, unsent 0 }`);
    expect(inspect(accepted)).toContain(`127.0.0.1:${client.localPort}, open`);
    expect(inspect(server)).toMatch(
      new RegExp(`^TcpServer #\\d+ \\{ 127\\.0\\.0\\.1:${server.port}, listening, waiting 0 \\}$`),
    );
    const udp = bindUdp({ host: "::1" });
    expect(inspect(udp)).toMatch(/^UdpSocket #\d+ \{ \[::1\]:\d+, bound, next none, dropped 0 \}$/);
    expect(inspect(resolve("127.0.0.1"))).toMatch(/^Address #\d+ \{ 127\.0\.0\.1, 127\.0\.0\.1 \}$/);
    accepted.reset();
    waitFor("the reset", () => client.status === "failure");
    expect(inspect(client)).toContain("failed: ECONNRESET");
    for (const handle of [client, server, udp]) handle.close();
    expect(inspect(client)).toMatch(/^TcpSocket #\d+ \{ closed \}$/);
    expect(inspect(new Poller().add(server))).toBe("Poller { 1 watched }");
    const runtime = createRuntime({ threads: 2 });
    expect(inspect(runtime)).toBe("Runtime { 2 networking threads, not started }");
    runtime.listen().close();
    expect(inspect(runtime)).toBe("Runtime { 2 networking threads, running }");
    runtime.close();
    expect(inspect(runtime)).toBe("Runtime { 2 networking threads, closed }");
  });

  test("is deeply equal to itself only", () => {
    const [one, other] = [bindUdp({ host: "127.0.0.1" }), bindUdp({ host: "127.0.0.1" })];
    expect([isDeepStrictEqual(one, other), isDeepStrictEqual(one, one)]).toEqual([false, true]);
    expect([one]).not.toEqual([other]);
    const addresses = [resolve("127.0.0.1"), resolve("127.0.0.1")];
    expect(isDeepStrictEqual(addresses[0], addresses[1])).toBe(false);
    one.close();
    other.close();
  });
});

test("`error` is always the same object; each throw has a new one", () => {
  const socket = connect({ host: "127.0.0.1", port: closedPort() });
  expect(socket.waitUntilConnected(5000)).toBe("failure");
  const [one, other] = [errorOf(() => socket.read()), errorOf(() => socket.read())] as [NetError, NetError];
  expect(one).not.toBe(other);
  expect(one.message).toBe(other.message);
  expect(socket.error).toBe(socket.error);
  socket.close();
});
