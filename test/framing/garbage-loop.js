/**
 * A loop of `write`, `readInto` and a poller's `wait` over one connection: `node garbage-loop.js <port> <loop | empty>
 * <rounds>` prints what V8's own counters say of the collector's work meanwhile.
 */

import v8 from "node:v8";
import { connect, Poller } from "ringnet";

const [port, what, rounds] = process.argv.slice(2);
const socket = connect({ host: "127.0.0.1", port: Number(port), timeout: 10_000 });
const poller = new Poller().add(socket);
const message = Buffer.alloc(64, 1);
const target = Buffer.alloc(64);
let written = 0;
let read = 0;
let ready = 0;

function loop(count) {
  for (let round = 0; round < count; round++) {
    written += socket.write(message);
    read += socket.readInto(target);
    ready += poller.wait(0).length;
  }
}

function empty(count) {
  for (let round = 0; round < count; round++) ready += round & 1;
}

const run = what === "loop" ? loop : empty;
run(300_000); // until it is compiled
globalThis.gc();
const profiler = new v8.GCProfiler();
profiler.start();
const before = v8.getHeapStatistics().used_heap_size;
run(Number(rounds));
const after = v8.getHeapStatistics().used_heap_size;
const { statistics } = profiler.stop();
console.log(JSON.stringify({ collections: statistics.length, grown: after - before, written, read, ready }));
process.exit();
