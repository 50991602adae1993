/**
 * A Piscina pool whose tasks use the package: `node pool.js <port of an echo server>` runs twenty of them in two threads and prints
 * their results. The same file is the pool's task.
 */

import { isMainThread } from "node:worker_threads";
import { Piscina } from "piscina";
import { connect } from "ringnet";

/** A task: asks the echo server, blocking. */
export default function ask({ port, text }) {
  const socket = connect({ host: "127.0.0.1", port, timeout: 10_000 });
  try {
    socket.writeAll(`${text}\n`, 5000);
    return socket.readLine(5000);
  } finally {
    socket.close();
  }
}

if (isMainThread) {
  const pool = new Piscina({ filename: import.meta.url, minThreads: 2, maxThreads: 2 });
  const port = Number(process.argv[2]);
  const answers = Array.from({ length: 20 }, (_, i) => pool.run({ port, text: `task ${i}` }));
  console.log(JSON.stringify(await Promise.all(answers)));
  await pool.destroy();
}
