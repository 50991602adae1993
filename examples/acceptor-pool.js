// A server whose clients are served by blocking code in a pool of threads: this thread accepts, detaches the connection, and gives it to
// a Piscina task, which attaches it and reads and writes as if nobody else were there.
//
//   node examples/acceptor-pool.js [port] [threads]
//   echo "the quick brown fox" | nc -N localhost 7001

import { setImmediate } from "node:timers/promises";
import { Piscina } from "piscina";
import { listen } from "ringnet";

const [port = "7001", threads = "4"] = process.argv.slice(2);
const server = listen({ port: Number(port), receiveBuffer: 64 * 1024, sendBuffer: 64 * 1024 });
const pool = new Piscina({
  filename: new URL("./acceptor-pool/handler.js", import.meta.url).href,
  minThreads: Number(threads),
  maxThreads: Number(threads),
});
console.log(`listening on port ${server.port}, ${threads} threads`);

for (;;) {
  // Blocks, but never for long: Piscina learns in this thread's event loop that a task has ended, and gives out the next one.
  server.waitUntilAcceptable(10);
  for (let client = server.accept(); client !== null; client = server.accept()) {
    pool.run(client.detach()).catch((error) => console.error(error.message));
  }
  await setImmediate();
}
