/**
 * Opens and closes connections to an echo server, some at a time: `node --expose-gc connections.js <count> <port> [tls]`.
 */

import { createRuntime } from "ringnet";
import { account, settle, tell } from "./ledger.js";

const [count, port, tls] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4] === "tls"];
const AT_ONCE = 50;
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });
const options = { host: "127.0.0.1", port, tls: tls && { rejectUnauthorized: false } };

function open(total) {
  for (let done = 0; done < total; done += AT_ONCE) {
    const sockets = Array.from({ length: AT_ONCE }, () => runtime.connect(options));
    for (const [i, socket] of sockets.entries()) {
      socket.writeAll(`connection ${i}\n`, 10_000);
      const line = socket.readLine(10_000);
      if (line !== `connection ${i}`) throw new Error(`${line} came back`);
      // Ways to end take turns; a reset leaves no TIME_WAIT behind, of which the system has a limited number.
      if (i % 10 === 0) socket.end();
      if (i % 10 < 5) socket.close();
      else socket.reset();
    }
  }
  settle(runtime);
}

open(500);
const before = account(runtime);
open(count);
tell(before, account(runtime), { count });
runtime.close();
