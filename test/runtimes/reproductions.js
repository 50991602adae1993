/**
 * What differs in Bun and Deno, without this package: `node|bun|deno run -A test/runtimes/reproductions.js`. Prints for each whether this
 * runtime does as Node does, or what it does instead. Needs `openssl`. On Node all lines say "as Node".
 */

import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";

const folder = mkdtempSync(join(tmpdir(), "reproductions-"));
const file = (name) => join(folder, name);

function identity(name) {
  const args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost".split(" ");
  const out = ["-addext", "subjectAltName=DNS:localhost", "-keyout", file(`${name}.key`), "-out", file(`${name}.cert`)];
  execFileSync("openssl", [...args, ...out], { stdio: "ignore" });
  return { key: readFileSync(file(`${name}.key`), "utf8"), cert: readFileSync(file(`${name}.cert`), "utf8") };
}

const own = identity("own");
const other = identity("other");

/** The first of the events, or "nothing" after two seconds. */
async function first(emitter, ...events) {
  const time = new AbortController();
  const seen = events.map((event) =>
    once(emitter, event, { signal: time.signal }).then(([value]) => value?.code ?? event),
  );
  const late = new Promise((done) => setTimeout(done, 2000, "nothing"));
  const found = await Promise.race([...seen, late]).catch((error) => error.code);
  time.abort();
  await Promise.allSettled(seen);
  return found;
}

async function listening(server, where = { port: 0, host: "127.0.0.1" }) {
  server.listen(where);
  await once(server, "listening");
  return server.address().port;
}

const attempt = (call) => {
  try {
    call();
    return "accepted";
  } catch {
    return "refused";
  }
};

const client = (port, options = {}) => {
  const socket = tls.connect({ host: "127.0.0.1", port, servername: "localhost", ca: own.cert, ...options });
  socket.on("error", () => {});
  return socket;
};

/** Each: what Node does, and what is found here. */
const CASES = {
  "a server's key that is none is": [
    "refused",
    () => attempt(() => tls.createServer({ key: "rubbish", cert: own.cert })),
  ],
  "a key of another certificate is": [
    "refused",
    () => attempt(() => tls.createServer({ key: other.key, cert: own.cert })),
  ],
  async "a client that was asked for no certificate is"() {
    const server = tls.createServer(own);
    const socket = client(await listening(server));
    const [accepted] = await once(server, "secureConnection");
    const { authorized } = accepted;
    socket.destroy();
    server.close();
    return ["not authorized", authorized ? "authorized" : "not authorized"];
  },
  async "ciphers that the server does not have"() {
    const server = tls.createServer({ ...own, maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" });
    server.on("tlsClientError", () => {});
    const socket = client(await listening(server), { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" });
    const found = await first(socket, "secureConnect");
    socket.destroy();
    server.close();
    return ["fail", found === "secureConnect" ? "connect" : "fail"];
  },
  async "suites of TLS 1.3 that the server does not have"() {
    const server = tls.createServer({ ...own, ciphers: "TLS_AES_256_GCM_SHA384", minVersion: "TLSv1.3" });
    server.on("tlsClientError", () => {});
    const socket = client(await listening(server), { ciphers: "TLS_AES_128_GCM_SHA256", minVersion: "TLSv1.3" });
    const found = await first(socket, "secureConnect");
    socket.destroy();
    server.close();
    return ["fail", found === "secureConnect" ? "connect" : "fail"];
  },
  async "TLS over a socket made with onread"() {
    const server = tls.createServer(own);
    const port = await listening(server);
    const onread = { buffer: Buffer.alloc(1000), callback: () => true };
    const below = net.connect({ port, host: "127.0.0.1", onread });
    await once(below, "connect");
    const socket = client(0, { socket: below });
    const found = await first(socket, "secureConnect");
    below.destroy();
    server.close();
    return ["secureConnect", found];
  },
  async "a TLS session is"() {
    const server = tls.createServer({ ...own, maxVersion: "TLSv1.2" }, (accepted) => accepted.on("error", () => {}));
    const port = await listening(server);
    const one = client(port);
    const session = await Promise.race([
      once(one, "session").then(([bytes]) => bytes),
      new Promise((done) => setTimeout(done, 1000)),
    ]);
    one.destroy();
    const two = client(port, { session });
    await once(two, "secureConnect");
    const reused = two.isSessionReused();
    two.destroy();
    server.close();
    return ["resumed", reused ? "resumed" : "not resumed"];
  },
  async "a UDP port right after close()"() {
    const one = createSocket("udp4");
    one.bind(0, "127.0.0.1");
    await once(one, "listening");
    const { port } = one.address();
    one.close();
    const two = createSocket("udp4");
    two.bind(port, "127.0.0.1");
    const found = await first(two, "listening", "error");
    two.close();
    return ["listening", found];
  },
  async "listening on an address of another machine"() {
    const server = net.createServer();
    server.listen({ port: 0, host: "192.0.2.1" });
    return ["EADDRNOTAVAIL", await first(server, "listening", "error")];
  },
  async "a datagram to a closed port, connected"() {
    const free = createSocket("udp4");
    free.bind(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address();
    free.close();
    await new Promise((done) => setTimeout(done, 50));
    const socket = createSocket("udp4");
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.send("x", () => {});
    const found = await first(socket, "error");
    socket.close();
    return ["ECONNREFUSED", found];
  },
  "the time of the last change of a file's inode has": [
    "nanoseconds",
    () => {
      const digits = [1, 2, 3].map((count) => {
        writeFileSync(file("changed"), `${count}`);
        return statSync(file("changed"), { bigint: true }).ctimeNs % 1_000_000_000n;
      });
      return digits.some((rest) => rest !== 0n) ? "nanoseconds" : "seconds";
    },
  ],
};

try {
  for (const [name, test] of Object.entries(CASES)) {
    const [expected, found] = typeof test === "function" ? await test() : [test[0], test[1]()];
    console.log(`${found === expected ? "as Node" : "DIFFERS"}  ${name}: ${found}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit();
