/**
 * A worker thread's socket takes 12,500,000 bytes, and another thread ends it: `node worker-sockets.js <port> <way>`,
 * where the way is `exit`, `SIGTERM` (with a handler), `terminate` (this package's) or `worker.terminate`.
 */

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { connect, terminate } from "../../dist/index.mjs";

if (isMainThread) {
  const [port, way] = process.argv.slice(2);
  const worker = new Worker(new URL(import.meta.url), { workerData: Number(port) });
  process.on("SIGTERM", () => process.exit());
  worker.once("message", async () => {
    if (way === "exit") process.exit();
    if (way === "SIGTERM") process.kill(process.pid, "SIGTERM");
    if (way === "terminate") await terminate(worker);
    if (way === "worker.terminate") await worker.terminate();
  });
} else {
  const socket = connect({ host: "127.0.0.1", port: workerData, timeout: 10_000, sendBuffer: 2 ** 24 });
  socket.write(Buffer.alloc(12_500_000));
  parentPort?.postMessage("taken");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
