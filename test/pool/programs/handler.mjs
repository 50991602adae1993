/** Serves one connection: its first line says how. */

import { threadId } from "node:worker_threads";

const hoard = [];
const TIMEOUT_MS = 20_000;

const WAYS = {
  echo: (socket) => socket.writeAll(`${socket.readLine(TIMEOUT_MS)} from ${threadId}\n`),
  /** Waits until the client sends more. */
  hold: (socket) => {
    socket.writeAll("holding\n");
    socket.writeAll(`${socket.readLine(TIMEOUT_MS)}, done\n`);
  },
  throw: () => {
    throw new RangeError("thrown on purpose");
  },
  exit: () => process.exit(3),
  memory: () => {
    for (;;) hoard.push(Array.from({ length: 1000 }, (_, i) => i + Math.random()));
  },
  /** Throws when the peer ends or resets. */
  "read-on": (socket) => {
    socket.writeAll("reading\n");
    socket.readExactly(1000, TIMEOUT_MS);
  },
};

export default function serve(socket) {
  WAYS[socket.readLine(TIMEOUT_MS)](socket);
}
