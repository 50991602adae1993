/**
 * The other side of the soak, in a process of its own: `node peer.js <folder> <name>`. It listens over TCP, TLS and on a Unix socket, sends
 * datagrams back, and writes its ports to `<folder>/<name>.json`. It ends with its standard input.
 *
 * The first line of a connection, JSON, says what happens on it:
 *
 * - `{ "send": { seed, bytes, piece, pause }, "receive": { seed, bytes, slow }, "fault": { after, how } | null }`: both streams at once; when
 *   both are complete it says "good" (or "bad!", if other bytes came) and ends. A fault ends the connection after `after` bytes sent.
 * - `{ "startTls": true }`: it answers with the line `go` and speaks TLS, as its server; the first line within says what happens on it.
 * - `{ "lines": true }`: it sends every line back.
 * - `{ "connect": port, "count": n }`: it opens so many connections to that port, on which the other side says what happens.
 * - `{ "garbage": port, "count": n }`: it opens so many connections to that port, with nothing or nonsense on them.
 */

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { pattern } from "../support/bytes.js";

const [folder, name] = process.argv.slice(2);
const SLOW_BYTES = 65_536;
const SLOW_MS = 4;

function serve(socket) {
  socket.on("error", () => {}); // resets are expected
  let head = Buffer.alloc(0);
  const onHead = (chunk) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end < 0) return;
    socket.off("data", onHead);
    socket.pause();
    let job;
    try {
      job = JSON.parse(head.subarray(0, end).toString());
    } catch {
      return socket.destroy();
    }
    socket.unshift(head.subarray(end + 1));
    if (job.startTls) return startTls(socket);
    if (job.lines) return echoLines(socket);
    if (job.connect !== undefined) return openTo(job.connect, job.count, serve, socket);
    if (job.garbage !== undefined) return openTo(job.garbage, job.count, annoy, socket);
    exchange(socket, job);
  };
  socket.on("data", onHead);
  socket.once("end", () => head.includes(10) || socket.end());
}

function startTls(socket) {
  socket.write("go\n");
  serve(new tls.TLSSocket(socket, { isServer: true, ...identity(), allowHalfOpen: true }));
}

function echoLines(socket) {
  socket.on("data", (chunk) => socket.write(chunk));
  socket.on("end", () => socket.end());
  socket.resume();
}

function openTo(port, count, then, asker) {
  for (let i = 0; i < count; i++) {
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => then(socket));
    socket.on("error", () => {});
  }
  asker.resume();
  asker.end("done");
}

function annoy(socket) {
  const ways = [
    () => socket.destroy(),
    () => socket.resetAndDestroy(),
    () => socket.end(randomBytes(2000)),
    () => socket.write(randomBytes(50_000), () => socket.resetAndDestroy()),
  ];
  ways[Math.floor(Math.random() * ways.length)]();
  socket.resume();
}

function exchange(socket, { send, receive, fault }) {
  let sent = 0;
  let received = 0;
  let right = true;
  let finished = false;
  const finish = () => {
    if (finished || sent < send.bytes || received < receive.bytes) return;
    finished = true;
    socket.end(right ? "good" : "bad!");
  };
  const pump = () => {
    for (;;) {
      if (socket.destroyed || finished) return;
      const end = fault === null ? send.bytes : Math.min(send.bytes, fault.after);
      if (sent === end) break;
      const length = Math.min(send.piece, end - sent);
      const more = socket.write(pattern(send.seed, sent, length));
      sent += length;
      if (!more) return void socket.once("drain", pump);
      if (send.pause > 0) return void setTimeout(pump, send.pause);
    }
    if (fault === null) return finish();
    finished = true;
    if (fault.how === "reset" && socket.remotePort !== undefined && !socket.encrypted) socket.resetAndDestroy();
    else if (fault.how === "end") socket.end();
    else socket.destroy();
  };
  let sinceRest = 0;
  socket.on("data", (chunk) => {
    if (!chunk.equals(pattern(receive.seed, received, chunk.length))) {
      right = false;
      console.error(`wrong bytes of stream ${receive.seed} after ${received}`);
    }
    received += chunk.length;
    if (received > receive.bytes) right = false;
    sinceRest += chunk.length;
    if (receive.slow && sinceRest > SLOW_BYTES) {
      sinceRest = 0;
      socket.pause();
      setTimeout(() => socket.resume(), SLOW_MS);
    }
    finish();
  });
  socket.on("end", () => {
    if (received < receive.bytes && fault === null) socket.destroy(); // the other side gave up
  });
  socket.resume();
  pump();
}

/** A certificate for localhost, of no authority. */
function identity() {
  const [keyPath, certPath] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    return { key: readFileSync(keyPath), cert: readFileSync(certPath) };
  } catch {
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9"];
    spawnSync("openssl", ["req", ...kind, "-subj", "/CN=localhost", "-keyout", keyPath, "-out", certPath]);
    return { key: readFileSync(keyPath), cert: readFileSync(certPath) };
  }
}

const listening = (server, where) => new Promise((resolve) => server.listen(where, () => resolve(server.address())));
const options = { allowHalfOpen: true, noDelay: true };
const host = "127.0.0.1";
const tcp = await listening(net.createServer(options, serve), { host, port: 0 });
const secure = await listening(tls.createServer({ ...options, ...identity() }, serve), { host, port: 0 });
const path = join(folder, `${name}.sock`);
await listening(net.createServer(options, serve), { path });
const datagrams = createSocket("udp4");
datagrams.on("message", (bytes, from) => datagrams.send(bytes, from.port, from.address));
await new Promise((resolve) => datagrams.bind(0, host, resolve));

const ports = { tcp: tcp.port, tls: secure.port, path, udp: datagrams.address().port };
writeFileSync(join(folder, `${name}.part`), JSON.stringify(ports));
renameSync(join(folder, `${name}.part`), join(folder, `${name}.json`));
process.stdin.on("end", () => process.exit(0)).resume();
