/**
 * Unix domain sockets: `connect({ path })` and `listen({ path })`.
 */

import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, createRuntime, listen, poll } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { runProgram, startProgram } from "../support/programs.js";
import { waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, readBytes, readToEnd, writeBytes } from "../tcp/sockets.js";
import { Authority } from "../tls/support/certificates.js";

const newPath = (name = "socket") => join(temporaryFolder(), name);

/** A socket file whose server has died. */
function stalePath(): string {
  const path = newPath();
  const peer = startPeer("echo", { path });
  peer.kill();
  waitFor("the end of the server", () => !readFileSync("/proc/net/unix", "utf8").includes(path));
  expect(statSync(path).isSocket()).toBe(true);
  return path;
}

/** Runs a program with an ordinary user's rights: root may read and write everything. */
function runAsAnybody(source: string, ...args: string[]): unknown {
  const { output, errors } = runProgram(
    `import { connect, createRuntime, listen } from "ringnet";
    listen({ host: "127.0.0.1" }).close(); // the networking thread runs
    if (process.getuid() === 0) process.setuid(65534);
    function outcome(call) {
      try {
        call();
        return null;
      } catch ({ code, syscall, address, message }) {
        return { code, syscall, address, message };
      }
    }
    ${source}`,
    { args },
  );
  expect(errors).toBe("");
  return JSON.parse(output);
}

describe("connect({ path })", () => {
  test("both ways, and the end", () => {
    const path = newPath();
    const peer = startPeer("echo", { path });
    const socket = connect({ path, timeout: 5000 });
    expect(socket.status).toBe("success");
    writeBytes(socket, Buffer.from("round trip"));
    expect(String(readBytes(socket, 10))).toBe("round trip");
    socket.end();
    expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 10, sha256: sha256("round trip") });
    socket.close();
  });

  test("has no addresses and no ports", () => {
    const path = newPath();
    startPeer("echo", { path });
    const { remoteAddress, remotePort, localAddress, localPort, encrypted } = connect({ path, timeout: 5000 });
    expect([remoteAddress, remotePort, localAddress, localPort]).toEqual([undefined, undefined, undefined, undefined]);
    expect(encrypted).toBe(false);
  });

  test("20 MB each way", () => {
    const path = newPath();
    const source = startPeer("source", { path, bytes: 20_000_000, seed: 1, keepOpen: true });
    const socket = connect({ path, timeout: 5000 });
    expect(sha256(readBytes(socket, 20_000_000))).toBe(patternHash(1, 20_000_000));
    writeBytes(socket, pattern(2, 0, 20_000_000));
    socket.close();
    expect(source.waitForEvent("end")).toMatchObject({ bytes: 20_000_000, sha256: patternHash(2, 20_000_000) });
  });

  test("a peer that does not read makes write return 0", () => {
    const path = newPath();
    const peer = startPeer("manual", { path, paused: true });
    const socket = connect({ path, timeout: 5000, sendBuffer: 65_536 });
    peer.waitForEvent("connection");
    let taken = 0;
    waitFor("a full ring", () => {
      const count = socket.write(pattern(3, taken, 65_536));
      taken += count;
      return count === 0 && !socket.waitUntilWritable(200);
    });
    peer.send({ do: "resume" });
    socket.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: taken, sha256: patternHash(3, taken) });
  });

  test("nc -lU", () => {
    const path = newPath();
    const nc = new Process("nc", ["-v", "-l", "-U", path]);
    nc.waitUntil("Listening from", () => /Listening on/.test(nc.errors));
    const socket = connect({ path, timeout: 5000 });
    writeBytes(socket, Buffer.from("to nc\n"));
    nc.waitForOutput(/^to nc$/m);
    nc.send("from nc\n");
    expect(String(readBytes(socket, 8))).toBe("from nc\n");
    socket.end();
    expect(readToEnd(socket).error).toBeNull();
    nc.waitForExit();
    socket.close();
  });

  test("a path relative to the working directory", () => {
    const folder = temporaryFolder();
    startPeer("greeter", { path: join(folder, "near"), text: "hello" });
    const { output } = runProgram(
      `import { connect } from "ringnet";
      process.chdir(process.argv[1]);
      console.log(String(connect({ path: "near", timeout: 5000 }).readExactly(5, 5000)));`,
      { args: [folder] },
    );
    expect(output).toBe("hello\n");
  });

  test("bytes written while the networking thread starts arrive first", () => {
    const path = newPath();
    const peer = startPeer("sink", { path, reply: "all of it" });
    const { output, errors } = runProgram(
      `import { connect } from "ringnet";
      const socket = connect({ path: process.argv[1] });
      socket.write("first, ");
      socket.waitUntilConnected(5000);
      socket.waitUntilDrained(5000);
      socket.write("second");
      console.log(socket.waitUntilDrained(5000));
      socket.end();
      console.log(String(socket.readAll(5000)));`,
      { args: [path] },
    );
    expect(errors).toBe("");
    expect(output).toBe("0\nall of it\n");
    expect(peer.waitForEvent("end").sha256).toBe(sha256("first, second"));
  });

  test("reads the end of a killed peer, and writing fails with EPIPE", () => {
    const path = newPath();
    const peer = startPeer("greeter", { path, text: "hello" });
    const socket = connect({ path, timeout: 5000 });
    expect(String(readBytes(socket, 5))).toBe("hello");
    peer.kill();
    expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
    const error = errorOf(() => {
      for (let i = 0; i < 100; i++) {
        socket.write("anybody there?");
        socket.waitUntilDrained(100);
      }
    });
    expect(error).toMatchObject({ code: "EPIPE", syscall: "write" });
    socket.close();
  });

  test("reset() ends it", () => {
    const path = newPath();
    const peer = startPeer("manual", { path, paused: true });
    const socket = connect({ path, timeout: 5000 });
    peer.waitForEvent("connection");
    while (socket.write(Buffer.alloc(1 << 20)) > 0) socket.waitUntilWritable(100);
    const written = socket.bytesWritten;
    socket.reset();
    peer.send({ do: "resume" });
    const seen = peer.process.waitUntil("an end of", () => peer.events("end")[0] ?? peer.events("close")[0]);
    expect(seen.bytes).toBeLessThan(written);
  });
});

describe("connect({ path }) fails with a reason that names the path", () => {
  test.each([
    ["no listener: a stale socket file", "ECONNREFUSED", stalePath],
    ["no such file", "ENOENT", () => newPath("none")],
    ["no such folder", "ENOENT", () => join(newPath("none"), "socket")],
    [
      "a file that is no socket",
      "ECONNREFUSED",
      () => {
        const path = newPath("plain");
        writeFileSync(path, "");
        return path;
      },
    ],
    [
      "a file for a folder",
      "ENOTDIR",
      () => {
        const path = newPath("plain");
        writeFileSync(path, "");
        return join(path, "socket");
      },
    ],
  ])("%s: %s", (_name, code, make) => {
    const path = make();
    const error = errorOf(() => connect({ path, timeout: 5000 }));
    expect(error).toMatchObject({ code, syscall: "connect", address: path });
    expect(error.message).toContain(path);
    const socket = connect({ path });
    expect(socket.waitUntilConnected(5000)).toBe("failure");
    expect(socket.error?.code).toBe(code);
    expect(errorOf(() => socket.read()).message).toBe(socket.error?.message);
    socket.close();
  });

  test("no permission: EACCES", () => {
    const path = newPath();
    startPeer("echo", { path });
    chmodSync(join(path, ".."), 0o755);
    chmodSync(path, 0o600); // writing to the file is what connecting needs: unix(7)
    const result = runAsAnybody(
      "console.log(JSON.stringify(outcome(() => connect({ path: process.argv[1], timeout: 5000 }))));",
      path,
    );
    if (process.getuid?.() === 0) {
      expect(result).toMatchObject({ code: "EACCES", syscall: "connect", address: path });
    } else {
      expect(result).toBeNull(); // this user owns it
    }
  });

  test("a folder that may not be searched: EACCES", () => {
    const folder = temporaryFolder();
    const path = join(folder, "socket");
    startPeer("echo", { path });
    chmodSync(folder, 0);
    const result = runAsAnybody(
      "console.log(JSON.stringify(outcome(() => connect({ path: process.argv[1], timeout: 5000 }))));",
      path,
    );
    chmodSync(folder, 0o700);
    expect(result).toMatchObject({ code: "EACCES", syscall: "connect", address: path });
  });
});

describe("listen({ path })", () => {
  test("is bound when it returns; address is the path, port is 0", () => {
    const path = newPath();
    const server = listen({ path });
    expect(statSync(path).isSocket()).toBe(true);
    expect(server).toMatchObject({ address: path, port: 0 });
    server.close();
  });

  test("both ways, and the end", () => {
    const path = newPath();
    const server = listen({ path });
    const peer = startPeer("source", { path, open: true, bytes: 100_000, seed: 4 });
    const client = acceptFrom(server);
    expect(client).toMatchObject({ status: "success", remoteAddress: undefined, remotePort: undefined });
    expect(readToEnd(client)).toEqual({ bytes: pattern(4, 0, 100_000), error: null });
    writeBytes(client, Buffer.from("got it"));
    client.close();
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 6, sha256: sha256("got it") });
    server.close();
  });

  test("each client once", () => {
    const path = newPath();
    const server = listen({ path });
    startPeer("echo", { path, open: true, connections: 20 });
    const clients = Array.from({ length: 20 }, () => acceptFrom(server));
    for (const [i, client] of clients.entries()) writeBytes(client, pattern(i, 0, 10_000));
    for (const [i, client] of clients.entries()) {
      expect(readBytes(client, 10_000).equals(pattern(i, 0, 10_000))).toBe(true);
      client.close();
    }
    expect(server.accept()).toBeNull();
    server.close();
  });

  test("nc -U", () => {
    const path = newPath();
    const server = listen({ path });
    const nc = new Process("nc", ["-U", "-N", path]);
    const client = acceptFrom(server);
    nc.send("from nc\n");
    expect(client.readLine(5000)).toBe("from nc");
    client.writeAll("to nc\n", 1000);
    nc.waitForOutput(/^to nc$/m);
    nc.endInput();
    expect(readToEnd(client)).toEqual({ bytes: Buffer.alloc(0), error: null });
    client.close();
    nc.waitForExit();
    server.close();
  });

  test("works with a client in the same blocking thread", () => {
    const path = newPath();
    const server = listen({ path });
    const here = connect({ path, timeout: 5000 });
    expect([...poll([server], 5000)]).toEqual([server]);
    const there = acceptFrom(server);
    here.writeAll("ping", 1000);
    expect(String(there.readExactly(4, 5000))).toBe("ping");
    there.writeAll("pong", 1000);
    there.close();
    expect(String(here.readAll(5000))).toBe("pong");
    here.close();
    server.close();
  });

  test("works with TLS", () => {
    const path = newPath();
    const authority = new Authority("the authority");
    const { key, cert } = authority.issue({ names: ["local.test"] });
    const server = listen({ path, tls: { key, cert } });
    const tls = { ca: authority.cert, servername: "local.test" };
    const here = connect({ path, tls, timeout: 5000 });
    const there = acceptFrom(server);
    here.writeAll("secret", 1000);
    expect(String(there.readExactly(6, 5000))).toBe("secret");
    expect([here.authorized, there.encrypted]).toEqual([true, true]);
    const wrong = { ...tls, servername: "other.test" };
    expect(errorOf(() => connect({ path, tls: wrong, timeout: 5000 })).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    for (const each of [here, there, server]) each.close();
  });

  test("close() removes the file, and the path can be used again", () => {
    const path = newPath();
    for (let i = 0; i < 10; i++) {
      const server = listen({ path });
      connect({ path, timeout: 5000 }).close();
      server.close();
      waitFor("the file to go", () => !existsSync(path));
      expect(existsSync(path)).toBe(false);
    }
  });
});

describe("listen({ path }) throws a reason that names the path", () => {
  test("a server listens there: EADDRINUSE", () => {
    const path = newPath();
    startPeer("echo", { path });
    const error = errorOf(() => listen({ path }));
    expect(error).toMatchObject({ code: "EADDRINUSE", syscall: "listen", address: path });
    expect(error.message).toContain(path);
    expect(error.message).not.toContain("stale");
    connect({ path, timeout: 5000 }).close(); // the other one is still there
  });

  test("a stale socket file: EADDRINUSE that says so, and the file stays", () => {
    const path = stalePath();
    const error = errorOf(() => listen({ path }));
    expect(error).toMatchObject({ code: "EADDRINUSE", address: path });
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/stale socket file/);
    expect(existsSync(path)).toBe(true);
  });

  test("a file that is not a socket: EADDRINUSE, without calling it stale", () => {
    const path = newPath("plain");
    writeFileSync(path, "precious");
    const error = errorOf(() => listen({ path }));
    expect(error).toMatchObject({ code: "EADDRINUSE", address: path });
    expect(error.message).not.toMatch(/stale/);
    expect(statSync(path).size).toBe(8);
  });

  test("no such folder: EACCES or ENOENT", () => {
    const path = join(newPath("none"), "socket");
    const error = errorOf(() => listen({ path }));
    expect(error.code).toMatch(/^(EACCES|ENOENT)$/); // libuv says EACCES for it
    expect(error.message).toContain(path);
  });

  test("a folder that may not be written to: EACCES", () => {
    const folder = temporaryFolder();
    const inside = join(folder, "inside");
    mkdirSync(inside);
    chmodSync(folder, 0o755);
    chmodSync(inside, 0o555);
    const path = join(inside, "socket");
    const result = runAsAnybody("console.log(JSON.stringify(outcome(() => listen({ path: process.argv[1] }))));", path);
    expect(result).toMatchObject({ code: "EACCES", syscall: "listen", address: path });
  });
});

describe("the length of a path", () => {
  // The kernel's limit is 108 bytes with the final NUL: unix(7).
  const longest = (bytes: number) => {
    const folder = temporaryFolder();
    return join(folder, "x".repeat(bytes - folder.length - 1));
  };

  test("107 bytes are accepted", () => {
    const path = longest(107);
    const server = listen({ path });
    expect(existsSync(path)).toBe(true);
    connect({ path, timeout: 5000 }).close();
    server.close();
  });

  test.each([108, 109, 200, 4000])("%i bytes are refused, and never truncated to another path", (bytes) => {
    const path = longest(bytes);
    const cut = startPeer("echo", { path: path.slice(0, 107) });
    for (const call of [() => connect({ path, timeout: 5000 }), () => listen({ path })]) {
      const error = errorOf(call);
      expect(error).toMatchObject({ code: "ENAMETOOLONG", syscall: expect.stringMatching(/connect|listen/) });
      expect(error.message).toMatch(new RegExp(`107 bytes, not ${bytes}`));
    }
    expect(cut.events("connection")).toHaveLength(0);
  });

  test("is counted in bytes, not characters", () => {
    const folder = temporaryFolder();
    const path = join(folder, "ü".repeat(60));
    expect(Buffer.byteLength(path)).toBeGreaterThan(108);
    expect(errorOf(() => connect({ path, timeout: 5000 })).code).toBe("ENAMETOOLONG");
    expect(errorOf(() => listen({ path })).code).toBe("ENAMETOOLONG");
  });
});

describe("an abstract name", () => {
  const newName = () => `\0ringnet test ${process.pid} ${Math.random()}`;

  test("is listened on, connected to, and leaves no file", () => {
    const path = newName();
    const server = listen({ path });
    expect(server.address).toBe(path);
    const client = connect({ path, timeout: 5000 });
    const accepted = acceptFrom(server);
    expect([client.path, accepted.path]).toEqual([path, path]);
    accepted.writeAll("hello");
    expect(String(client.readExactly(5, 5000))).toBe("hello");
    for (const handle of [client, accepted, server]) handle.close();
  });

  test("without a listener is refused; one in use is EADDRINUSE", () => {
    const path = newName();
    expect(errorOf(() => connect({ path, timeout: 5000 })).code).toBe("ECONNREFUSED");
    const server = listen({ path });
    expect(errorOf(() => listen({ path })).code).toBe("EADDRINUSE");
    server.close();
  });
});

test("path is the file of both ends, and undefined over TCP", () => {
  const path = newPath();
  const server = listen({ path });
  const client = connect({ path, timeout: 5000 });
  const accepted = acceptFrom(server);
  expect([client.path, accepted.path]).toEqual([path, path]);
  const tcp = listen({ host: "127.0.0.1" });
  const overTcp = connect({ host: "127.0.0.1", port: tcp.port, timeout: 5000 });
  expect(overTcp.path).toBeUndefined();
  for (const handle of [client, accepted, server, overTcp, tcp]) handle.close();
});

describe("programming mistakes", () => {
  const wrong = (value: unknown) => value as never;
  test.each([
    ["a number", () => connect({ path: wrong(5) }), TypeError],
    ["null", () => listen({ path: wrong(null) }), TypeError],
    ["nothing", () => connect({ path: "" }), RangeError],
    ["a NUL within", () => listen({ path: "/tmp/a\0b" }), RangeError],
    ["an abstract name with a NUL within", () => connect({ path: "\0na\0me" }), RangeError],
    ["an abstract name without a name", () => listen({ path: "\0" }), RangeError],
    ["with localPort", () => connect({ path: "/tmp/x", localPort: 0 }), TypeError],
    ["with dscp", () => connect({ path: "/tmp/x", dscp: 1 }), TypeError],
    ["a server's with reusePort", () => listen({ path: "/tmp/x", reusePort: false }), TypeError],
    ["with host", () => connect({ path: "/tmp/x", host: "localhost" }), TypeError],
    ["with port", () => connect({ path: "/tmp/x", port: 80 }), TypeError],
    ["with noDelay, which is TCP's", () => connect({ path: "/tmp/x", noDelay: true }), TypeError],
    ["with keepAlive", () => connect({ path: "/tmp/x", keepAlive: 1000 }), TypeError],
    ["with localAddress", () => connect({ path: "/tmp/x", localAddress: "127.0.0.1" }), TypeError],
    ["a server's with host", () => listen({ path: "/tmp/x", host: "localhost" }), TypeError],
    ["a server's with port", () => listen({ path: "/tmp/x", port: 0 }), TypeError],
    ["a server's with ipv6Only", () => listen({ path: "/tmp/x", ipv6Only: false }), TypeError],
    ["a server's with noDelay", () => listen({ path: "/tmp/x", noDelay: true }), TypeError],
    ["a server's with keepAlive", () => listen({ path: "/tmp/x", keepAlive: true }), TypeError],
  ])("%s", (_name, call, kind) => {
    expect(call).toThrow(kind);
  });
});

describe("the end of the program", () => {
  test("sends what was written", () => {
    const path = newPath();
    const peer = startPeer("sink", { path });
    const { code } = runProgram(
      `import { connect } from "ringnet";
      const socket = connect({ path: process.argv[1] });
      socket.writeAll(Buffer.alloc(500000, 120), 5000);`,
      { args: [path] },
    );
    expect(code).toBe(0);
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: 500_000, sha256: sha256(Buffer.alloc(500_000, 120)) });
  });

  test("with a runtime of its own, closing it closes the server and its file", () => {
    const path = newPath();
    const runtime = createRuntime({ lingerMs: 500 });
    const server = runtime.listen({ path });
    const client = startProgram(
      `import { connect } from "ringnet";
      const socket = connect({ path: process.argv[1], timeout: 5000 });
      console.log("in");
      console.log(String(socket.readAll(10000)) + "end");`,
      { args: [path] },
    );
    client.waitForOutput(/^in$/m);
    const socket = acceptFrom(server);
    socket.writeAll("until the ", 1000);
    runtime.close();
    client.waitForOutput(/^until the end$/m);
    expect(errorOf(() => connect({ path, timeout: 5000 })).code).toMatch(/^(ENOENT|ECONNREFUSED)$/);
  });
});
