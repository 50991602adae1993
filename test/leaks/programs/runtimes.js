/**
 * Opens and closes runtimes, each with a connection, a server and a UDP socket: `node --expose-gc runtimes.js <count> <port> [yielding]`.
 * Without "yielding" it never returns to its event loop in between.
 */

import { createRuntime } from "ringnet";
import { account, tell } from "./ledger.js";

const [count, port, yielding] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4] === "yielding"];
const host = "127.0.0.1";

async function live(total) {
  for (let i = 0; i < total; i++) {
    const runtime = createRuntime({ receiveBuffer: 1 << 17, sendBuffer: 1 << 17 });
    const socket = runtime.connect({ host, port, timeout: 10_000 });
    socket.writeAll("hello", 5000);
    if (String(socket.readExactly(5, 5000)) !== "hello") throw new Error("wrong bytes");
    runtime.listen({ host });
    runtime.bindUdp({ host });
    runtime.close();
    if (yielding) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // Node frees ended threads in the event loop, and their shared memory at the next garbage collections.
  for (let round = 0; round < 10; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis.gc();
  }
}

await live(5);
const before = account();
await live(count);
tell(before, account(), { count });
