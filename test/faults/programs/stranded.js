/**
 * Waits without a limit in one way while the line is dead: `node stranded.js write|keep-alive|connect|half-open <host> <port>`.
 * It says "connected" before (not `connect`), and "ended" with the error that ended the wait.
 */

import { connect } from "ringnet";
import { say } from "./say.js";

const [what, host, port] = [process.argv[2], process.argv[3], Number(process.argv[4])];

const waits = {
  /** Until the system stops trying to send. */
  write(socket) {
    for (;;) socket.writeAll(Buffer.alloc(1 << 20), -1);
  },
  /** Nothing is sent but probes. */
  "keep-alive": (socket) => socket.readExactly(1, -1),
  /** The other side has no such connection any more, and answers a packet with a reset. */
  "half-open"(socket) {
    say("waiting");
    if (socket.waitUntilReadable(3000)) throw new Error("nothing should have come");
    socket.write("are you there?");
    socket.readExactly(1, -1);
  },
};

const start = performance.now();
try {
  const options = { host, port, timeout: what === "connect" ? -1 : 10_000 };
  const socket = connect({ ...options, keepAlive: what === "keep-alive" ? 1000 : false });
  say("connected");
  waits[what](socket);
} catch (error) {
  say("ended", { name: error.name, code: error.code, milliseconds: performance.now() - start });
}
process.exit(0);
