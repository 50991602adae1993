/**
 * What docs/reliability.md says about bounds, in figures: `npm run build`, then `node bench/bounds.js`. Some seconds.
 *
 * Times are CPU times of the whole process where nothing else is said: they count the networking thread too, and depend less on
 * what else runs.
 */

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { connect, listen, Poller, TcpSocket } from "../dist/index.mjs";

const host = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "ringnet-bounds-"));
const keyPath = join(folder, "key.pem");
const certPath = join(folder, "cert.pem");
const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:*.some.test"];
execFileSync("openssl", ["req", "-x509", ...kind, ...names, "-keyout", keyPath, "-out", certPath], { stdio: "ignore" });
const cert = readFileSync(certPath, "utf8");
const bundle = `${rootCertificates.join("\n")}\n${cert}`;

const PEER = `
const [keyPath, certPath] = process.argv.slice(1);
const [net, tls, fs] = ["net", "tls", "fs"].map((name) => require(name));
const echo = (socket) => socket.on("error", () => {}).pipe(socket);
const options = { key: fs.readFileSync(keyPath), cert: fs.readFileSync(certPath), noDelay: true };
const servers = [net.createServer({ noDelay: true }, echo), tls.createServer(options, echo)];
for (const server of servers) server.listen(0, "127.0.0.1", () => {
  if (servers.every((each) => each.listening)) console.log(servers.map((each) => each.address().port).join(" "));
});
process.stdin.on("data", (text) => { // "port count": opens so many connections, and sends a byte on each
  const [port, count] = String(text).split(" ").map(Number);
  let opened = 0;
  const open = () => { if (opened++ < count) net.connect(port, "127.0.0.1", open).on("error", () => {}).write("x"); };
  for (let i = 0; i < 50; i++) open();
}).on("end", () => process.exit());`;
const peer = spawn(process.execPath, ["-e", PEER, keyPath, certPath], { stdio: ["pipe", "pipe", "inherit"] });
const [plain, secure] = await new Promise((done) => {
  peer.stdout.once("data", (text) => done(String(text).split(" ").map(Number)));
});

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

/** The number of connections that were not served. @param {number} count */
function burst(count) {
  const server = listen({ host, receiveBuffer: 4096, sendBuffer: 4096 });
  peer.stdin.write(`${server.port} ${count}`);
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

/** @param {Partial<import("../dist/index.mjs").ConnectOptions>} options */
const open = (options) => connect({ host, port: plain, timeout: 20_000, ...options });
const other = open({});
exchange(other);
/** @type {Record<string, string>} */
const figures = {};

let deaf = 0;
figures["8,000 x accept, detach, attach"] = `${cost(() => {
  deaf = burst(8000);
})}, ${deaf} not served`;
let attached = open({});
figures["30,000 x attach without yielding"] = cost(() => {
  for (let i = 0; i < 30_000; i++) attached = TcpSocket.attach(attached.detach());
});
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
const small = connect({ host: "localhost", port: secure, tls: { ca: cert }, timeout: 20_000 });
const times = Array.from({ length: 100 }, () => exchange(small)).sort((a, b) => a - b);
figures["a small exchange over TLS, median of 100"] = `${times[50]?.toFixed(2)} ms of wall time`;

console.log(`Node ${process.version}`);
for (const [what, figure] of Object.entries(figures)) console.log(`${what}: ${figure}`);
peer.kill();
rmSync(folder, { recursive: true });
process.exit();
