/**
 * A program that ends while its socket has bytes to send: `node ending-program.js <JSON>`, `{ port, seed, bytes, how }`. It connects to the
 * soak, writes a line with the same JSON and the bytes, and ends as `how` says.
 */

import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { connect, terminate } from "ringnet";
import { pattern } from "../support/bytes.js";

const job = isMainThread ? JSON.parse(process.argv[2]) : workerData;

function send() {
  const { port, seed, bytes } = job;
  const socket = connect({ host: "127.0.0.1", port, timeout: 20_000, sendBuffer: 2 ** 24 });
  const all = Buffer.concat([Buffer.from(`${JSON.stringify(job)}\n`), pattern(seed, 0, bytes)]);
  if (socket.write(all) !== all.length) throw new Error("the ring is too small");
}

const ENDS = {
  "process.exit": () => {
    send();
    process.exit(0);
  },
  "an uncaught error": () => {
    send();
    throw new Error("on purpose");
  },
  "SIGTERM with a handler": () => {
    process.on("SIGTERM", () => process.exit(0));
    send();
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => {}, 60_000);
  },
  "process.exit beside a worker thread": async () => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    process.exit(0);
  },
  "terminate(worker)": async () => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await terminate(worker);
  },
};

if (isMainThread) await ENDS[job.how]();
else {
  send();
  parentPort.postMessage("sent");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000); // no partner: no thread notifies
}
