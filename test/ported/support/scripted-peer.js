/**
 * A TCP server in a process of its own that does with each connection what a script says, step by step, and reads
 * nothing without a command to read. Started by `startScriptedPeer` in scripted-peers.ts.
 *
 * It takes lines of JSON on standard input: an array is the script of the next connection (the first script is the first
 * connection's), `"go"` lets a script go on that waits at the step `await`. It ends when standard input ends.
 */

import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const { host } = JSON.parse(process.argv[2]);

/** Blocks, so that a line is out even when the process is killed right after. */
function report(event, details = {}) {
  writeSync(1, `${JSON.stringify({ event, ...details })}\n`);
}

/** A queue that is waited for. */
function queue() {
  const items = [];
  const takers = [];
  return {
    put(item) {
      const taker = takers.shift();
      if (taker === undefined) items.push(item);
      else taker(item);
    },
    take: () => (items.length > 0 ? items.shift() : new Promise((resolve) => takers.push(resolve))),
  };
}

const scripts = queue();
const goes = queue();

/** Something may have changed: bytes, an end, an error. */
function change(socket) {
  return new Promise((resolve) => {
    const events = ["readable", "end", "close", "error"];
    const done = () => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}

/** Up to `limit` bytes, fewer only where the stream ends. */
async function receive(socket, limit) {
  const pieces = [];
  let count = 0;
  while (count < limit) {
    const piece = socket.read(Math.min(limit - count, socket.readableLength || 1));
    if (piece !== null) {
      pieces.push(piece);
      count += piece.length;
    } else if (socket.readableEnded || socket.destroyed) break;
    else await change(socket);
  }
  return Buffer.concat(pieces);
}

async function play(socket, connection) {
  const received = createHash("sha256");
  let bytes = 0;
  let held = Buffer.alloc(0);
  for (const { do: what, ...step } of await scripts.take()) {
    if (what === "send") socket.write(Buffer.from(step.text, "latin1"));
    else if (what === "repeat") socket.write(Buffer.alloc(step.bytes, step.text, "latin1"));
    else if (what === "receive") {
      held = await receive(socket, step.bytes ?? Number.POSITIVE_INFINITY);
      received.update(held);
      bytes += held.length;
      report("received", { connection, bytes, sha256: received.copy().digest("hex") });
    } else if (what === "return") socket.write(held);
    else if (what === "pause") await sleep(step.milliseconds);
    else if (what === "await") await goes.take();
    else if (what === "end") socket.end();
    else if (what === "close") socket.end(() => socket.destroy());
    else if (what === "reset") socket.resetAndDestroy();
  }
  report("played", { connection });
}

let connections = 0;
const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  const connection = connections++;
  socket.on("error", (error) => report("error", { connection, code: error.code }));
  socket.on("readable", () => {}); // reads nothing by itself
  report("connection", { connection, remoteAddress: socket.remoteAddress, remotePort: socket.remotePort });
  play(socket, connection).catch((error) => report("error", { connection, message: String(error) }));
});
server.listen({ host, port: 0 }, () => report("listening", { port: server.address().port }));

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const order = JSON.parse(line);
  if (order === "go") goes.put(null);
  else scripts.put(order);
});
input.on("close", () => process.exit(0));
