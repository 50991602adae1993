/**
 * What differs in Bun and Deno, without this package: `node|bun|deno run -A test/runtimes/reproductions.js`. Prints for each whether this
 * runtime does as Node does, or what it does instead. Needs `openssl`, and `node` for a peer. On Node all lines say "as Node".
 */

import { execFile, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { Worker } from "node:worker_threads";
import { brotliCompressSync, createBrotliDecompress } from "node:zlib";

const QUIET = { stdio: "ignore" };
const folder = mkdtempSync(join(tmpdir(), "reproductions-"));
const file = (name) => join(folder, name);

/** A UDP port of 127.0.0.1 that was free a moment ago. */
async function closedUdpPort() {
  const free = createSocket("udp4");
  free.bind(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address();
  free.close();
  await new Promise((done) => setTimeout(done, 50));
  return port;
}

function identity(name) {
  const args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost".split(" ");
  const out = ["-addext", "subjectAltName=DNS:localhost", "-keyout", file(`${name}.key`), "-out", file(`${name}.cert`)];
  execFileSync("openssl", [...args, ...out], QUIET);
  return { key: readFileSync(file(`${name}.key`), "utf8"), cert: readFileSync(file(`${name}.cert`), "utf8") };
}

const own = identity("own");
const other = identity("other");

/** The first of the events, or "nothing" after four seconds. */
async function first(emitter, ...events) {
  const time = new AbortController();
  const seen = events.map((event) =>
    once(emitter, event, { signal: time.signal }).then(([value]) => value?.code ?? event),
  );
  const late = new Promise((done) => setTimeout(done, 4000, "nothing"));
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

/** The value of an expression in another thread, or the code of its error. */
async function inThread(expression, options) {
  const source = `const { parentPort, workerData } = require("node:worker_threads");
    let found;
    try { found = ${expression}; } catch (error) { found = error.code; }
    parentPort.postMessage(found);`;
  const [found] = await once(new Worker(source, { eval: true, ...options }), "message");
  return found;
}

/** What a separate program prints on this runtime, in one line. `flags` are Node's. */
async function printed(source, { flags = [], env = {} } = {}) {
  writeFileSync(file("program.mjs"), source);
  const command = process.versions.deno === undefined ? flags : ["run", "-A", ...flags];
  const settings = { env: { ...process.env, ...env }, timeout: 20_000 };
  return new Promise((done) =>
    execFile(process.execPath, [...command, file("program.mjs")], settings, (error, output) => {
      done(output.trim() || `nothing, and ends with ${error?.code ?? 0}`);
    }),
  );
}

/**
 * A peer that runs on Node, a TLS server behind a relay; gives its port. `onSecure` is what it does with a connection, as source text;
 * `reset()` there resets the TCP connection.
 */
async function nodePeer(onSecure) {
  const source = `const net = require("node:net");
    let reset;
    const server = require("node:tls").createServer(${JSON.stringify(own)}, (socket) => {
      socket.on("error", () => {});
      ${onSecure}
    });
    const relay = net.createServer((here) => {
      const there = net.connect(server.address().port, "127.0.0.1");
      for (const [from, to] of [[here, there], [there, here]]) from.on("error", () => {}).pipe(to);
      reset = () => here.resetAndDestroy();
    });
    server.listen(0, "127.0.0.1", () => relay.listen(0, "127.0.0.1", () => console.log(relay.address().port)));`;
  const peer = spawn("node", ["-e", source], { stdio: ["ignore", "pipe", "inherit"] });
  peers.push(peer);
  const [port] = await once(peer.stdout, "data");
  return Number(port);
}
const peers = [];

/** Connects, and stops reading at the first bytes, for half a second; how many bytes arrived, and what came behind them. */
async function readLate(port) {
  const socket = client(port);
  let bytes = 0;
  socket.on("data", (data) => {
    if (bytes === 0) {
      socket.pause();
      setTimeout(() => socket.resume(), 500);
    }
    bytes += data.length;
  });
  const last = await first(socket, "end", "error");
  socket.destroy();
  return { bytes, last };
}

const sendsAndResets = (bytes) => `socket.write(Buffer.alloc(${bytes}), () => setTimeout(reset, 200));`;
const SENDS_AND_ENDS = `socket.end(Buffer.alloc(5_000_000));`;

const MIN_VERSION = 'import tls from "node:tls"; console.log(tls.DEFAULT_MIN_VERSION);';

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
  async "with an empty servername the name in host is"() {
    const server = tls.createServer(own, (socket) => socket.end());
    const port = await listening(server);
    const below = net.connect(port, "127.0.0.1");
    await once(below, "connect");
    const secureContext = tls.createSecureContext({ ca: own.cert });
    const socket = client(port, { socket: below, host: "localhost", servername: "", secureContext });
    const [{ servername }] = await once(server, "secureConnection");
    socket.destroy();
    server.close();
    return ["not sent", servername ? "sent" : "not sent"];
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
  async "a thread that computes while it is terminated"() {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const source = "for (const words = require('node:worker_threads').workerData;;) Atomics.add(words, 0, 1);";
    const thread = new Worker(source, { eval: true, workerData: words });
    for (let i = 0; i < 100 && words[0] === 0; i++) await new Promise((done) => setTimeout(done, 50));
    void thread.terminate();
    await new Promise((done) => setTimeout(done, 1000));
    const before = words[0];
    await new Promise((done) => setTimeout(done, 200));
    return ["ends", words[0] === before ? "ends" : "goes on"];
  },
  async "IPv4 at a server of :: with ipv6Only is"() {
    const server = net.createServer();
    const port = await listening(server, { port: 0, host: "::", ipv6Only: true });
    const found = await first(net.connect(port, "127.0.0.1"), "connect", "error");
    server.close();
    return ["ECONNREFUSED", found];
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
  async "a TLS session of a server that was started on a connection is"() {
    const context = tls.createSecureContext(own);
    const options = { isServer: true, ...own, maxVersion: "TLSv1.2", secureContext: context };
    const server = net.createServer((below) => new tls.TLSSocket(below, options).on("error", () => {}));
    const port = await listening(server);
    const one = client(port);
    const late = new Promise((done) => setTimeout(done, 1000));
    const session = await Promise.race([once(one, "session").then(([bytes]) => bytes), late]);
    one.destroy();
    const two = client(port, { session });
    await Promise.race([once(two, "secureConnect"), late]);
    const reused = two.isSessionReused();
    two.destroy();
    server.close();
    return ["resumed", reused ? "resumed" : "not resumed"];
  },
  async "bytes that the kernel has of a TLS connection at its reset are"() {
    const { bytes } = await readLate(await nodePeer(sendsAndResets(200_000)));
    return ["read", bytes > 100_000 ? "read" : "lost"]; // the stream drops what it has buffered on Node, too
  },
  async "a reset of a TLS connection is"() {
    const { last } = await readLate(await nodePeer(sendsAndResets(60_000)));
    return ["ECONNRESET", last];
  },
  async "the end of a TLS connection that is read late is"() {
    const { bytes, last } = await readLate(await nodePeer(SENDS_AND_ENDS));
    return ["end behind 5000000 bytes", `${last} behind ${bytes} bytes`];
  },
  async "an expired certificate of a known authority is"() {
    const named = ["-subj", "/CN=localhost", "-keyout", file("old.key"), "-out", file("old.request")];
    const signed = ["-signkey", file("old.key"), "-days", "-1", "-out", file("old.cert")];
    execFileSync("openssl", [..."req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(" "), ...named], QUIET);
    execFileSync("openssl", ["x509", "-req", "-in", file("old.request"), ...signed], QUIET);
    const old = { key: readFileSync(file("old.key"), "utf8"), cert: readFileSync(file("old.cert"), "utf8") };
    const server = tls.createServer(old);
    server.on("tlsClientError", () => {});
    const found = await first(client(await listening(server), { ca: old.cert }), "secureConnect", "error");
    server.close();
    return ["CERT_HAS_EXPIRED", found];
  },
  async "a certificate of version 1 that the authority has not signed is"() {
    const other = file("impostor.pem");
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    execFileSync(
      "openssl",
      ["req", "-x509", ...key, "-subj", "/CN=localhost", "-keyout", `${other}.key`, "-out", other],
      QUIET,
    );
    execFileSync(
      "openssl",
      ["req", ...key, "-subj", "/CN=localhost", "-keyout", file("one.key"), "-out", file("one.request")],
      QUIET,
    );
    const signer = ["-CA", other, "-CAkey", `${other}.key`, "-CAcreateserial", "-days", "30", "-out", file("one.cert")];
    execFileSync("openssl", ["x509", "-req", "-in", file("one.request"), ...signer], QUIET);
    const server = tls.createServer({ key: readFileSync(file("one.key")), cert: readFileSync(file("one.cert")) });
    server.on("tlsClientError", () => {});
    const found = await first(client(await listening(server)), "secureConnect", "error");
    server.close();
    return ["refused", found === "secureConnect" ? "accepted" : "refused"];
  },
  async "bytes that are no handshake are"() {
    const server = net.createServer((socket) => socket.on("error", () => {}).write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const found = await first(client(await listening(server)), "secureConnect", "error");
    server.close();
    return ["ERR_SSL_WRONG_VERSION_NUMBER", found];
  },
  async "an authority in the form BEGIN TRUSTED CERTIFICATE is"() {
    execFileSync("openssl", ["x509", "-in", file("own.cert"), "-trustout", "-out", file("trusted.cert")]);
    const ca = readFileSync(file("trusted.cert"), "utf8");
    const server = tls.createServer(own);
    server.on("tlsClientError", () => {});
    const socket = client(await listening(server), { ca });
    const found = await first(socket, "secureConnect", "error");
    socket.destroy();
    server.close();
    return ["trusted", found === "secureConnect" ? "trusted" : found];
  },
  async "with an empty list of authorities the server of an authority in NODE_EXTRA_CA_CERTS is"() {
    const server = tls.createServer(own);
    server.on("tlsClientError", () => {});
    const options = { host: "127.0.0.1", port: await listening(server), servername: "localhost", ca: [] };
    const source = `import tls from "node:tls";
      const socket = tls.connect(${JSON.stringify(options)}, () => { console.log("trusted"); process.exit(); });
      socket.on("error", () => console.log("not trusted"));`;
    const found = await printed(source, { env: { NODE_EXTRA_CA_CERTS: file("own.cert") } });
    server.close();
    return ["not trusted", found];
  },
  async "a file that NODE_EXTRA_CA_CERTS names and is not there"() {
    const source = `import { readFileSync } from "node:fs"; import tls from "node:tls"; tls.createSecureContext();`;
    const settings = { env: { ...process.env, NODE_EXTRA_CA_CERTS: file("not-there") } };
    writeFileSync(file("program.mjs"), source);
    const command = process.versions.deno === undefined ? [] : ["run", "-A"];
    const warned = await new Promise((done) =>
      execFile(process.execPath, [...command, file("program.mjs")], settings, (_error, _output, errors) =>
        done(errors),
      ),
    );
    return ["a warning", warned === "" ? "no warning" : "a warning"];
  },
  async "--tls-min-v1.3 makes the oldest version of TLS"() {
    return ["TLSv1.3", await printed(MIN_VERSION, { flags: ["--tls-min-v1.3"] })];
  },
  async "--tls-min-v1.3 in NODE_OPTIONS makes the oldest version of TLS"() {
    return ["TLSv1.3", await printed(MIN_VERSION, { env: { NODE_OPTIONS: "--tls-min-v1.3" } })];
  },
  async "--tls-cipher-list makes the ciphers"() {
    const source =
      'import tls from "node:tls"; console.log(tls.DEFAULT_CIPHERS === "AES128-SHA" ? "these" : "others");';
    return ["these", await printed(source, { flags: ["--tls-cipher-list=AES128-SHA"] })];
  },
  async "with --permission a file that may not be read is"() {
    const source = `import { readFileSync } from "node:fs";
      try { readFileSync("/proc/version"); console.log("read"); } catch (error) { console.log(error.code); }`;
    const flag = Number.parseInt(process.versions.node, 10) >= 22 ? "--permission" : "--experimental-permission";
    return ["ERR_ACCESS_DENIED", await printed(source, { flags: [flag, `--allow-fs-read=${folder}/`] })];
  },
  async "an authority behind a broken certificate is"() {
    const server = tls.createServer(own);
    server.on("tlsClientError", () => {});
    const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const options = {
      host: "127.0.0.1",
      port: await listening(server),
      servername: "localhost",
      ca: broken + own.cert,
    };
    const source = `import tls from "node:tls";
      setTimeout(() => { console.log("neither trusted nor refused"); process.exit(); }, 3000);
      try {
        const socket = tls.connect(${JSON.stringify(options)}, () => { console.log("trusted"); process.exit(); });
        socket.on("error", (error) => { console.log(error.code); process.exit(); });
      } catch (error) { console.log("thrown:", error.code); process.exit(); }`;
    const found = await printed(source);
    server.close();
    return ["DEPTH_ZERO_SELF_SIGNED_CERT", found];
  },
  async "the error of a UDP port in use has"() {
    const one = createSocket("udp4");
    one.bind(0, "127.0.0.1");
    await once(one, "listening");
    const two = createSocket("udp4");
    two.bind(one.address().port, "127.0.0.1");
    const [error] = await once(two, "error");
    one.close();
    return [
      "code, syscall, address, port",
      ["code", "syscall", "address", "port"].filter((key) => key in error).join(", "),
    ];
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
  async "connecting to an address that can't be reached"() {
    const socket = net.connect(80, "224.0.0.1"); // multicast
    return ["ENETUNREACH", await first(socket, "connect", "error")];
  },
  async "a thread's memory limit of 24 MB is"() {
    const found = await inThread("require('node:worker_threads').resourceLimits.maxOldGenerationSizeMb", {
      resourceLimits: { maxOldGenerationSizeMb: 24 },
    });
    return ["24 MB", found === undefined ? "not set" : `${found} MB`];
  },
  async "a descriptor that another thread opened is"() {
    const workerData = openSync(file("own.cert"), "r");
    const found = await inThread("require('node:fs').fstatSync(workerData).size", { workerData });
    return ["open", typeof found === "number" ? "open" : found];
  },
  async "a datagram to a closed port, connected"() {
    const port = await closedUdpPort();
    const socket = createSocket("udp4");
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.send("x", () => {});
    const found = await first(socket, "error");
    socket.close();
    return ["ECONNREFUSED", found];
  },
  async "a datagram to a closed port, not connected"() {
    const port = await closedUdpPort();
    const socket = createSocket("udp4");
    const errors = [];
    for (let i = 0; i < 30; i++) {
      for (const text of ["one", "two", "three"])
        socket.send(text, port, "127.0.0.1", (error) => errors.push(error?.code));
      await new Promise((done) => setTimeout(done, 2));
    }
    socket.close();
    return ["nothing", errors.find(Boolean) ?? "nothing"];
  },
  async "datagrams, 256 at a time, arrive"() {
    const source = `const socket = require("node:dgram").createSocket({ type: "udp4", recvBufferSize: 1 << 21 });
      let last = -1, order = "in order";
      socket.on("message", (bytes) => {
        const number = bytes.readUInt16LE();
        if (number < last) order = "in another order";
        last = number;
      });
      socket.bind(0, "127.0.0.1", () => console.log(socket.address().port));
      setTimeout(() => console.log(order), 3000);`;
    const peer = spawn("node", ["-e", source], { stdio: ["ignore", "pipe", "inherit"] });
    peers.push(peer);
    const [port] = await once(peer.stdout, "data");
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    let count = 0;
    const next = () => {
      if (count < 20_000) socket.send(Uint16Array.of(count++), Number(port), "127.0.0.1", next);
    };
    for (let i = 0; i < 256; i++) next();
    const [order] = await once(peer.stdout, "data");
    socket.close();
    return ["in order", String(order).trim()];
  },
  async "a Brotli stream that is cut off ends with"() {
    const whole = brotliCompressSync("some text that is compressed, ".repeat(100));
    const decoder = createBrotliDecompress();
    decoder.resume();
    decoder.end(whole.subarray(0, -5));
    return ["an error", (await first(decoder, "end", "error")) === "end" ? "no error" : "an error"];
  },
  async "another sender's datagram to a connected socket is"() {
    const [socket, peer, other] = await Promise.all(
      [1, 2, 3].map(async () => {
        const one = createSocket("udp4");
        one.bind(0, "127.0.0.1");
        await once(one, "listening");
        return one;
      }),
    );
    socket.connect(peer.address().port, "127.0.0.1");
    await once(socket, "connect");
    const found = new Promise((done) => socket.once("message", (text) => done(String(text))));
    const { port } = socket.address();
    other.send("received", port, "127.0.0.1", () =>
      setTimeout(() => peer.send("not received", port, "127.0.0.1"), 200),
    );
    return ["not received", await found];
  },
  async "a socket made of a pipe's descriptor"() {
    const program = `
      const socket = new (require("node:net").Socket)({ fd: 0, readable: true, writable: false });
      socket.on("data", () => console.log("reads"));
      setTimeout(() => process.exit(), 2000);`;
    writeFileSync(file("pipe.cjs"), program);
    const flags = process.versions.deno === undefined ? [] : ["run", "-A"];
    const child = spawn(process.execPath, [...flags, file("pipe.cjs")], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.write("text");
    const found = await first(child.stdout, "data", "end");
    child.stdin.end();
    return ["reads", found === "end" ? "reads nothing" : "reads"];
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
  for (const peer of peers) peer.kill();
  rmSync(folder, { recursive: true });
}
process.exit();
