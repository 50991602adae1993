/**
 * The behaviour `scripted`: each connection plays a script, step by step, and reads only where a step says so. Runs in the peer's
 * process.
 *
 * The first script is the first connection's, and so on. The steps are described in peers.ts (`Step`).
 */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** A queue whose `take` waits. */
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

let scripts = queue();
let goes = queue();

/** Drops what an earlier session has left. */
export function forgetScripts() {
  scripts = queue();
  goes = queue();
}

/** The commands `script` and `go`. */
export const addScript = (steps) => scripts.put(steps);
export const go = () => goes.put(null);

/** Resolves when something may have changed: bytes, an end, an error. */
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

async function play(socket, report) {
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
      report("received", { bytes, sha256: received.copy().digest("hex") });
    } else if (what === "return") socket.write(held);
    else if (what === "pause") await sleep(step.milliseconds);
    else if (what === "await") await goes.take();
    else if (what === "end") socket.end();
    else if (what === "close") socket.end(() => socket.destroy());
    else if (what === "reset") socket.resetAndDestroy();
  }
  report("played");
}

export function scripted(socket, _options, report) {
  socket.on("readable", () => {}); // reads nothing by itself
  play(socket, report).catch((error) => report("error", { message: String(error) }));
}
