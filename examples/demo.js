// Run it with `npm run demo`. A program without a single `async`: it downloads a file from a stock HTTP server in
// another process, checks and uploads it again, and then polls 100 connections sixty times a second, as a game would.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, Poller, resolve } from "ringnet";

const SIZE = 256 * 1024 * 1024;
const PLAYERS = 100;
const FRAMES = 240;
const FRAME_MS = 1000 / 60;

const server = startServer();
try {
  const content = download(server.http);
  check("downloaded", content, server.sha256);
  upload(server.http, content, server.sha256);
  play(server.game);
} finally {
  server.stop();
}

/** Opens a connection to the HTTP server, blocking. */
function open(port) {
  const address = resolve("localhost");
  if (address.waitUntilResolved(5000) !== "success") throw address.error;
  return connect({ host: address, port, timeout: 5000 });
}

/** Reads the head of an HTTP response: its status and its content length. */
function readHead(socket) {
  const status = Number(socket.readLine(5000).split(" ")[1]);
  let length = 0;
  for (let line = socket.readLine(5000); line !== ""; line = socket.readLine(5000)) {
    const [name, value] = line.split(": ");
    if (name.toLowerCase() === "content-length") length = Number(value);
  }
  return { status, length };
}

function download(port) {
  const socket = open(port);
  socket.writeAll("GET /random.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 5000);
  const { status, length } = readHead(socket);
  if (status !== 200) throw new Error(`HTTP status ${status}`);
  const content = Buffer.allocUnsafe(length);
  const show = progress("download", length);
  for (let got = 0; got < length; show(got)) {
    const count = socket.readInto(content.subarray(got));
    if (count === null) throw new Error(`the server ended after ${got} bytes`);
    if (count === 0 && !socket.waitUntilReadable(5000)) throw new Error("the server is silent");
    got += count;
  }
  socket.close();
  return content;
}

function upload(port, content, sha256) {
  const socket = open(port);
  socket.writeAll(
    `PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${content.length}\r\nConnection: close\r\n\r\n`,
    5000,
  );
  const show = progress("upload", content.length);
  for (let sent = 0; sent < content.length; show(sent)) {
    const count = socket.write(content.subarray(sent, sent + 1024 * 1024));
    if (count === 0 && !socket.waitUntilWritable(5000)) throw new Error("the server takes nothing");
    sent += count;
  }
  readHead(socket);
  const answer = socket.readAll(30_000).toString();
  socket.close();
  console.log(answer.includes(sha256) ? "  the server has the same SHA-256" : `  DIFFERENT: the server got ${answer}`);
  if (!answer.includes(sha256)) process.exitCode = 1;
}

function check(what, content, sha256) {
  const digest = createHash("sha256").update(content).digest("hex");
  console.log(digest === sha256 ? `  ${what} intact: SHA-256 ${digest.slice(0, 16)}…` : `  ${what} DAMAGED`);
  if (digest !== sha256) process.exitCode = 1;
}

function play(port) {
  const poller = new Poller();
  const players = Array.from({ length: PLAYERS }, () => connect({ host: "127.0.0.1", port, timeout: 5000 }));
  for (const player of players) poller.add(player);
  const buffer = Buffer.alloc(4096);
  const costs = [];
  let bytes = 0;
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let frame = 0, due = performance.now(); frame < FRAMES; frame++) {
    const begin = performance.now();
    for (const player of poller.wait(0)) bytes += player.readInto(buffer) ?? 0;
    costs.push((performance.now() - begin) * 1000);
    due += FRAME_MS;
    Atomics.wait(clock, 0, 0, Math.max(0, due - performance.now())); // the rest of the frame
  }
  costs.sort((a, b) => a - b);
  const at = (part) => `${costs[Math.floor(part * (costs.length - 1))].toFixed(0)} µs`;
  console.log(`${FRAMES} frames at 60 per second over ${PLAYERS} connections, ${bytes} bytes read:`);
  console.log(
    `  a frame's networking cost ${at(0.5)} (median), ${at(0.99)} (99 %), ${at(1)} (worst), of ${(FRAME_MS * 1000).toFixed(0)} µs`,
  );
  for (const player of players) player.close();
}

/** A progress bar that is drawn again at most ten times a second. */
function progress(what, total) {
  const begin = performance.now();
  let drawn = 0;
  return (done) => {
    const now = performance.now();
    if (done < total && now - drawn < 100) return;
    drawn = now;
    const part = done / total;
    const bar = "█".repeat(Math.round(part * 30)).padEnd(30, "░");
    const rate = done / 1e6 / ((now - begin) / 1000);
    const line = `${what.padEnd(9)}${bar} ${(part * 100).toFixed(0).padStart(3)} %  ${rate.toFixed(0)} MB/s`;
    if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === total ? "\n" : ""}`);
    else if (done === total) console.log(line);
  };
}

/** Starts the server process, and blocks until it has written its ports. */
function startServer() {
  const folder = mkdtempSync(join(tmpdir(), "ringnet-demo-client-"));
  const path = join(folder, "server.json");
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const output = openSync(path, "w");
  const program = fileURLToPath(new URL("demo/server.js", import.meta.url));
  const child = spawn(process.execPath, [program, String(SIZE)], { stdio: ["ignore", output, "inherit", "ipc"] });
  closeSync(output);
  console.log(`starting an HTTP server with ${SIZE / 2 ** 20} MB of random bytes, in another process`);
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !readFileSync(path, "utf8").endsWith("\n"); waited += 20) {
    if (waited > 60_000) throw new Error("the server did not start");
    Atomics.wait(clock, 0, 0, 20);
  }
  const { http, game, sha256 } = JSON.parse(readFileSync(path, "utf8"));
  return { http, game, sha256, stop: () => child.disconnect() }; // it removes its file then; a signal would leave it
}
