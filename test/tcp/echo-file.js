/**
 * A file through an echo server and back, both ends made with the package and blocking, in two processes:
 * `node test/tcp/echo-file.js [bytes] [ringBytes]` (1 GB and 1 MiB).
 *
 * Writes a temporary file, sends it while it reads what comes back, and compares the SHA-256 of both. Prints one line
 * of JSON: {bytes, ringBytes, received, seconds, sent: <sha256>, got: <sha256>, identical}. The exit code is 0 if they are
 * identical.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "ringnet";
import { pattern } from "../support/bytes.js";

const bytes = Number(process.argv[2] ?? 1_000_000_000);
const ringBytes = Number(process.argv[3] ?? 1 << 20);
const SILENCE = 60_000;

const folder = mkdtempSync(join(tmpdir(), "ringnet-echo-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, "file");
writeFile(path);
const port = startServer();

const socket = connect({ host: "127.0.0.1", port, timeout: 10_000, receiveBuffer: ringBytes, sendBuffer: ringBytes });
const file = openSync(path, "r");
const sent = createHash("sha256");
const got = createHash("sha256");
const out = Buffer.alloc(1 << 16);
const back = Buffer.alloc(1 << 16);
const start = performance.now();

let received = 0;
let read = 0; // bytes of the file read so far
let piece = out.subarray(0, 0); // read from the file and not yet taken by the socket
let ended = false;
for (;;) {
  if (piece.length === 0 && read < bytes) {
    piece = out.subarray(0, readSync(file, out, 0, out.length, read));
    sent.update(piece);
    read += piece.length;
  }
  const taken = piece.length > 0 ? socket.write(piece) : 0;
  piece = piece.subarray(taken);
  if (piece.length === 0 && read === bytes && !ended) {
    socket.end();
    ended = true;
  }
  const count = socket.readInto(back);
  if (count === null) break;
  got.update(back.subarray(0, count));
  received += count;
  // When nothing can be written, bytes are in flight: some will come back.
  if (taken === 0 && count === 0 && !socket.waitUntilReadable(SILENCE)) throw new Error("nothing comes back");
}
const seconds = (performance.now() - start) / 1000;
socket.close();
closeSync(file);

const result = { bytes, ringBytes, received, seconds, sent: sent.digest("hex"), got: got.digest("hex") };
const identical = received === bytes && result.sent === result.got;
console.log(JSON.stringify({ ...result, identical }));
process.exitCode = identical ? 0 : 1;

function writeFile(path) {
  const file = openSync(path, "w");
  for (let at = 0; at < bytes; at += 1 << 20) writeSync(file, pattern(1, at, Math.min(1 << 20, bytes - at)));
  closeSync(file);
}

/** Starts the server in another process and waits, blocking, for its port. */
function startServer() {
  const answers = join(folder, "port");
  const answer = openSync(answers, "w");
  const program = fileURLToPath(new URL("echo-server.js", import.meta.url));
  const child = spawn(process.execPath, [program, `${ringBytes}`], { stdio: ["ignore", answer, "inherit"] });
  closeSync(answer);
  child.unref();
  process.on("exit", () => child.kill());
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 2000; tries++) {
    const text = readFileSync(answers, "utf8");
    if (text.endsWith("\n")) return JSON.parse(text).port;
    Atomics.wait(cell, 0, 0, 5);
  }
  throw new Error("the server did not start");
}
