/**
 * Waits for room and through pollables, bytes claimed in place, waits cancelled, inputs opened and names looked up, on connections to an echo server:
 * `node --expose-gc waits.js <count> <port>`.
 */

import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cancel, createRuntime, Deadline, Poller, poll, pollable } from "ringnet";
import { account, settle, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
const host = "127.0.0.1";
// With so little memory a leak ends the networking thread.
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
  poller.delete(socket);
}

/** How often pollers watch the open handles. */
function watched() {
  const channels = [...runtime.links].flatMap((link) => [...link.channels]);
  return channels.reduce((sum, { watchers }) => sum + watchers.length, 0);
}

/** Waits that another thread has cancelled: on the socket, on a name, in `poll` and in a poller. */
function cancelled(socket) {
  const address = runtime.resolve("localhost");
  const poller = new Poller().add(socket, { readable: false });
  const nothing = { handle: socket, readable: false, writable: false };
  mustCancel(socket, () => socket.readLine(10_000));
  mustCancel(socket, () => socket.waitUntil({ readable: true }, new Deadline(10_000)));
  mustCancel(socket, () => poll([nothing], new Deadline(10_000)));
  mustCancel(poller, () => poller.wait(10_000));
  cancel(address.canceller());
  try {
    address.waitUntilResolved(10_000);
  } catch (error) {
    if (error.code !== "ERR_CANCELLED") throw error;
  }
  address.close();
  poller.delete(socket);
}

function mustCancel(target, wait) {
  cancel(structuredClone(target.canceller()));
  try {
    wait();
  } catch (error) {
    if (error.code === "ERR_CANCELLED") return;
    throw error;
  }
  throw new Error("the wait was not cancelled");
}

function reverse() {
  try {
    runtime.reverse(host, new Deadline(10_000));
  } catch (error) {
    if (error.code !== "ENOTFOUND") throw error;
  }
}

/** Closes an input on a pipe that is empty or read in part; this closes the pipe. Its other end stays open. */
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
    must(poller.wait(0).length === 0, "a line is there that was not sent");
    must(watched() === 1, `pollers watch ${watched()} times, not once`);
    poller.delete(line);
    must(watched() === 0, "a deleted pollable still watches its socket");
    poller.add(line);
    socket.writeAll(`line${i % 10}\n`, 10_000);
    const deadline = new Deadline(10_000);
    must(
      socket.waitUntil({ readable: true, writable: true }, deadline).writable,
      "waitUntil says that there is no room",
    );
    must(poll([line], deadline)[0] === line, "the line does not come");
    must([...poller.wait(10_000)][0] === line, "the poller does not report the line");
    socket.canceller();
    socket.claim(); // and never committed
    if (i % 20 < 2) readPipe(i % 20 === 1);
    if (i % 20 === 3) readFile();
    if (i % 20 === 4) reverse();
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
