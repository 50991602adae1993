/**
 * What docs/reliability.md says about bounds, in figures: `npm run build`, then `node bench/bounds.js`. Less than a
 * minute.
 *
 * Times are CPU times of the whole process where nothing else is said: they count the networking thread too, and depend less on
 * what else runs.
 */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { rootCertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import { connect, listen, Poller, poll, TcpSocket } from "../dist/index.mjs";

const host = "127.0.0.1";
const programs = fileURLToPath(new URL("bounds", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ringnet-bounds-"));
const keyPath = join(folder, "key.pem");
const certPath = join(folder, "cert.pem");
const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:*.some.test"];
execFileSync("openssl", ["req", "-x509", ...kind, ...names, "-keyout", keyPath, "-out", certPath], { stdio: "ignore" });
const cert = readFileSync(certPath, "utf8");
const bundle = `${rootCertificates.join("\n")}\n${cert}`;

const peer = spawn(process.execPath, [join(programs, "peer.js"), keyPath, certPath], {
  stdio: ["pipe", "pipe", "inherit"],
});
const reports = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const report = async () => String((await reports.next()).value);
const [plain, secure, slow] = (await report()).split(" ").map(Number);

/** The CPU time of `task` in ms, and the growth of the resident memory in MB. @param {() => void} task */
function cost(task) {
  const [rss, before] = [process.memoryUsage.rss(), process.cpuUsage()];
  task();
  const { user, system } = process.cpuUsage(before);
  return `${Math.round((user + system) / 1000)} ms CPU, ${Math.round((process.memoryUsage.rss() - rss) / 2 ** 20)} MB more`;
}

/** How long it takes, in ms. @param {TcpSocket} socket */
function exchange(socket) {
  const begun = performance.now();
  for (const piece of ["a", "b"]) {
    socket.write(piece);
    socket.waitUntilDrained(5000); // so that they are two segments
  }
  socket.readExactly(2, 5000);
  return performance.now() - begun;
}

/** How many bytes a small ring delivers of an accepted TLS connection that was reset behind 60,000 of them. */
function bytesBeforeReset() {
  const server = listen({ host, receiveBuffer: 4096, tls: { key: readFileSync(keyPath), cert } });
  peer.stdin.write(`reset ${server.port}\n`);
  const socket = server.acceptWait(20_000);
  poll([], 1000);
  let bytes = 0;
  try {
    for (let piece = socket.read(); piece !== null; piece = socket.read()) {
      bytes += piece.length;
      socket.waitUntilReadable(5000);
    }
  } catch {}
  server.close();
  return bytes;
}

/** What bounds/names.js prints; the reason instead if this system has no namespaces for it. */
function namesProgram() {
  const [hosts, resolvers] = [join(folder, "hosts"), join(folder, "resolv.conf")];
  writeFileSync(hosts, "127.0.0.1 localhost two.test\n127.0.0.9 two.test\n");
  writeFileSync(resolvers, "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n");
  const mounts = `mount --bind ${hosts} /etc/hosts && mount --bind ${resolvers} /etc/resolv.conf`;
  const command = `ip link set lo up && ${mounts} && exec ${process.execPath} ${join(programs, "names.js")}`;
  const { stdout, stderr } = spawnSync("unshare", ["-rnm", "sh", "-c", command], { encoding: "utf8", timeout: 60_000 });
  const [datagrams, connection] = (stdout ?? "").trim().split("\n");
  if (connection !== undefined) return [datagrams, connection];
  const reason = `not measured, for want of a network namespace: ${stderr}`.trim();
  return [reason, reason];
}

/** The number of connections that were not served. @param {number} count */
function burst(count) {
  const server = listen({ host, receiveBuffer: 4096, sendBuffer: 4096 });
  peer.stdin.write(`connect ${server.port} ${count}\n`);
  const poller = new Poller();
  const waiting = new Set();
  for (let i = 0; i < count; i++) {
    const socket = TcpSocket.attach(server.acceptWait(20_000).detach());
    waiting.add(socket);
    poller.add(socket);
  }
  const end = performance.now() + 60_000;
  while (waiting.size > 0 && performance.now() < end) {
    for (const socket of poller.wait(1000)) {
      if (!(socket instanceof TcpSocket) || socket.read() === null) continue;
      waiting.delete(socket);
      poller.delete(socket);
      socket.reset();
    }
  }
  server.close();
  return waiting.size;
}

/** How bounds/worker-sockets.js ends. */
const WAYS = {
  exit: "process.exit() in the main thread",
  SIGTERM: "SIGTERM, with a handler that calls process.exit()",
  terminate: "terminate(worker)",
  "worker.terminate": "worker.terminate()",
};

/** @param {Partial<import("../dist/index.mjs").ConnectOptions>} options */
const open = (options) => connect({ host, port: plain, timeout: 20_000, ...options });
const other = open({});
exchange(other);
/** @type {Record<string, string>} */
const figures = {};

figures["delivered of 60,000 bytes that an accepted TLS peer sent before its reset, ring of 4 KiB"] =
  `${bytesBeforeReset()} bytes`;
for (const [way, words] of Object.entries(WAYS)) {
  spawnSync(process.execPath, [join(programs, "worker-sockets.js"), `${slow}`, way], { stdio: "inherit" });
  figures[`delivered of 12,500,000 bytes that a worker thread's socket took before ${words}`] = await report();
}
let attached = open({});
figures["30,000 x attach without yielding"] = cost(() => {
  for (let i = 0; i < 30_000; i++) attached = TcpSocket.attach(attached.detach());
});
let deaf = 0;
figures["8,000 x accept, detach, attach"] = `${cost(() => {
  deaf = burst(8000);
})}, ${deaf} not served`;
let moved = open({});
let reported = "";
figures["530,000 x attach without polling"] = `${cost(() => {
  for (let i = 0; i < 530_000; i++) moved = TcpSocket.attach(moved.detach());
  const poller = new Poller().add(moved);
  moved.write("x");
  reported = poller.wait(20_000).length === 1 ? "reports" : "does not report";
})}; then the poller ${reported} a byte`;
const dashes = open({ receiveBuffer: 2 ** 21, sendBuffer: 2 ** 21 });
dashes.writeAll("-".repeat(2 ** 20), 5000);
while (dashes.readable < 2 ** 20) dashes.waitUntilReadable(1);
figures["readUntil(70 dashes and a letter, 0) against 1 MiB of dashes"] = cost(() => {
  try {
    dashes.readUntil(`${"-".repeat(70)}X`, 0, { maxLength: 2 ** 21 });
  } catch {}
});
const stops = [];
for (let i = 0; i < 15; i++) {
  const tls = { ca: Buffer.from(`${bundle}# ${i}\n`) }; // a context of its own
  const socket = connect({ host: "localhost", port: secure, tls });
  let longest = 0;
  while (socket.status === "waiting") longest = Math.max(longest, exchange(other));
  stops.push(longest);
  socket.close();
}
stops.sort((a, b) => a - b);
figures[`longest exchange of another connection while ${bundle.length >> 10} KB of ca are parsed, median of 15`] =
  `${stops[7]?.toFixed(1)} ms of wall time (without it ${Math.max(...Array.from({ length: 100 }, () => exchange(other))).toFixed(1)})`;
figures["256 server names with this bundle"] = cost(() => {
  for (let i = 0; i < 256; i++) {
    connect({ host, port: secure, tls: { ca: bundle, servername: `n${i}.some.test` }, timeout: 20_000 }).close();
  }
});
const [datagrams, connection] = namesProgram();
figures["256 datagrams to an IP behind one to a name that is not answered"] = String(datagrams);
figures["an address that answers after a second, and another that refuses"] = String(connection);
const small = connect({ host: "localhost", port: secure, tls: { ca: cert }, timeout: 20_000 });
const times = Array.from({ length: 100 }, () => exchange(small)).sort((a, b) => a - b);
figures["a small exchange over TLS, median of 100"] = `${times[50]?.toFixed(2)} ms of wall time`;

console.log(`Node ${process.version}`);
for (const [what, figure] of Object.entries(figures)) console.log(`${what}: ${figure}`);
peer.kill();
rmSync(folder, { recursive: true });
process.exit();
