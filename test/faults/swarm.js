/**
 * Many short-lived clients, in a process of their own: `node swarm.js '{"port": 1, "count": 10000, "atOnce": 100, "ways": ["leave"]}'`.
 *
 * The ways take turns. It prints "done" with how many connected, failed and were ended by the other side, when all are gone. It ends with
 * its standard input.
 */

import { randomBytes } from "node:crypto";
import net from "node:net";

const { port, count, atOnce = 100, ways, host = "127.0.0.1" } = JSON.parse(process.argv[2] ?? "{}");

const GARBAGE = [
  () => randomBytes(1 + Math.floor(Math.random() * 20_000)),
  () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  () => Buffer.from("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "latin1"), // the beginning of a TLS ClientHello
  () => Buffer.from("\x16\x03\x01\xff\xff", "latin1"), // a TLS record longer than records can be
  () => Buffer.from("\x80\x2e\x01\x00\x02", "latin1"), // the beginning of SSL 2
  () => Buffer.alloc(65_536),
];
let garbage = 0;

const WAYS = {
  /** A port scan: connects and closes. */
  leave: (socket) => socket.destroy(),
  /** A port scan by reset. */
  reset: (socket) => socket.resetAndDestroy(),
  /** Ends, and waits for the other side to end. */
  end: (socket) => socket.resume().end(),
  /** Sends garbage and goes. */
  garbage: (socket) => socket.write(GARBAGE[garbage++ % GARBAGE.length](), () => socket.destroy()),
  /** Sends garbage, then resets. */
  rude: (socket) => socket.write(GARBAGE[garbage++ % GARBAGE.length](), () => socket.resetAndDestroy()),
  /** Sends a byte, waits for one, and ends. */
  talk(socket) {
    socket.write("?");
    socket.once("data", () => socket.end());
  },
};

const done = { connected: 0, failed: 0, codes: {} };
let started = 0;
let gone = 0;

function next() {
  if (started === count) return;
  const way = WAYS[ways[started++ % ways.length]];
  const socket = net.connect({ port, host });
  socket.once("connect", () => {
    done.connected++;
    way(socket);
  });
  socket.on("error", ({ code }) => {
    done.codes[code] = (done.codes[code] ?? 0) + 1;
    if (socket.bytesWritten === 0 && socket.connecting) done.failed++;
  });
  socket.once("close", () => {
    gone++;
    if (gone === count) console.log(JSON.stringify({ event: "done", ...done }));
    next();
  });
}

for (let i = 0; i < atOnce; i++) next();
process.stdin.on("end", () => process.exit(0)).resume();
