// Serves one client to its end, blocking its own thread only. The task of examples/acceptor-pool.js.

import { scryptSync } from "node:crypto";
import { threadId } from "node:worker_threads";
import { TcpSocket } from "ringnet";

const TIMEOUT = 10_000;

export default function serve(token) {
  const client = TcpSocket.attach(token);
  try {
    for (let line = client.readLine(TIMEOUT); line !== null; line = client.readLine(TIMEOUT)) {
      // Work that would keep an event loop, and everybody else, waiting.
      const digest = scryptSync(line, "salt", 16, { N: 4096 }).toString("hex");
      client.writeAll(`${digest} ${line} (thread ${threadId})\n`, TIMEOUT);
    }
  } catch (error) {
    // A client that is silent for too long or breaks off is no concern of the next one's.
    if (error.code !== "ETIMEDOUT" && error.code !== "ECONNRESET" && error.code !== "EPIPE") throw error;
  } finally {
    client.close();
  }
}
