// A server whose clients are served by blocking code in a pool of threads: one file accepts, the other one serves.
//
//   node examples/acceptor-pool.js [port] [threads]
//   echo "the quick brown fox" | nc -N localhost 7001

import { servePool } from "ringnet/pool";

const [port = "7001", threads = "4"] = process.argv.slice(2);
const handler = new URL("./acceptor-pool/handler.js", import.meta.url);
const server = await servePool({ port: Number(port), threads: Number(threads), handler });
console.log(`listening on port ${server.port}, ${threads} threads`);
