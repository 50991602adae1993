// Serves one client to its end, blocking its own thread only. The handler of examples/acceptor-pool.js.

import { scryptSync } from "node:crypto";
import { threadId } from "node:worker_threads";

const TIMEOUT = 10_000;

export default function serve(client) {
  for (let line = client.readLine(TIMEOUT); line !== null; line = client.readLine(TIMEOUT)) {
    // Work that would block an event loop, and all its clients.
    const digest = scryptSync(line, "salt", 16, { N: 4096 }).toString("hex");
    client.writeAll(`${digest} ${line} (thread ${threadId})\n`, TIMEOUT);
  }
}
