/**
 * Waits for room and through pollables, bytes claimed in place, waits cancelled and inputs opened, on connections to an echo server:
 * `node --expose-gc waits.js <count> <port>`.
 */

import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cancel, createRuntime, Poller, poll, pollable } from "ringnet";
import { account, settle, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
const host = "127.0.0.1";
// With so little memory a leak in the networking thread is its death.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });
const folder = mkdtempSync(join(tmpdir(), "ringnet-waits-"));
const fifo = join(folder, "fifo");
execFileSync("mkfifo", [fifo]);
const writer = openSync(fifo, constants.O_RDWR); // opening one end alone would wait for the other
const file = join(folder, "file");
const FILE_BYTES = 5000;
writeFileSync(file, Buffer.alloc(FILE_BYTES));

/** Is ready when a whole line of `length` bytes has come. */
class Line {
  constructor(socket, length) {
    this.socket = socket;
    this.length = length;
  }

  [pollable](watch) {
    if (this.socket.readable >= this.length) return true;
    watch(this.socket);
    return false;
  }
}

function must(condition, what) {
  if (!condition) throw new Error(what);
}

/** Room, in place: fills the send ring until a poller has to wait for room, then reads it all back. */
function waitForRoom(socket) {
  const poller = new Poller().add(socket, { readable: false, writable: true });
  let sent = 0;
  for (let pieces = 0; pieces < 8; pieces++) {
    must([...poller.wait(10_000)].includes(socket), "there is no room");
    const bytes = socket.claim(3000);
    bytes.fill(pieces);
    socket.commit(bytes.length);
    sent += bytes.length;
  }
  poller.modify(socket, { readable: true, writable: true });
  must([...poller.wait(10_000)].includes(socket), "neither room nor bytes");
  must(socket.readExactly(sent, 10_000).length === sent, "the bytes are not back");
}

function cancelled(socket) {
  const canceller = structuredClone(socket.canceller());
  cancel(canceller);
  try {
    socket.readLine(10_000);
  } catch (error) {
    if (error.code === "ERR_CANCELLED") return;
    throw error;
  }
  throw new Error("the wait was not cancelled");
}

/** A pipe that has brought nothing, or was read in part, when the input is closed, which closes the pipe. Its other end stays open. */
function readPipe(written) {
  const input = runtime.openInput(openSync(fifo, constants.O_RDONLY));
  if (written) {
    writeSync(writer, "one\ntwo\n");
    must(input.readLine(10_000) === "one", "another line came in");
  }
  input.close();
}

/** A file, which stays open. */
function readFile() {
  const fd = openSync(file, "r");
  const input = runtime.openInput(fd);
  must(input.readAll(10_000).length === FILE_BYTES, "the file is not complete");
  input.close();
  closeSync(fd);
}

function open(total) {
  for (let i = 0; i < total; i++) {
    const socket = runtime.connect({ host, port, timeout: 10_000, sendBuffer: 4096, receiveBuffer: 4096 });
    if (i % 2 === 0) waitForRoom(socket);
    cancelled(socket);
    const line = new Line(socket, 6);
    const poller = new Poller().add(line);
    socket.writeAll(`line${i % 10}\n`, 10_000);
    must(poll([line], 10_000)[0] === line, "the line does not come");
    must([...poller.wait(10_000)][0] === line, "the poller does not report the line");
    socket.canceller();
    socket.claim(); // and never committed
    if (i % 20 < 2) readPipe(i % 20 === 1);
    if (i % 20 === 3) readFile();
    if (i % 4 === 0) socket.close();
    else socket.reset();
    if (i % 50 === 49) settle(runtime);
  }
  settle(runtime);
}

open(100);
const before = account(runtime);
open(count);
tell(before, account(runtime), { count });
runtime.close();
rmSync(folder, { recursive: true });
