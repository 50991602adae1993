/**
 * Sends datagrams to an echo server and reads what comes back: `node --expose-gc datagrams.js <count> <port>`.
 */

import { createRuntime } from "ringnet";
import { account, settle, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });

/** All datagrams go through one socket after another: each is used 10,000 times. */
function send(total) {
  let received = 0;
  const target = Buffer.alloc(8); // less than a datagram has
  const take = (socket) => {
    if (received % 3 > 0) return socket.receive();
    socket.peek();
    return socket.receiveInto(target);
  };
  for (let done = 0; done < total; ) {
    const socket = runtime.bindUdp({ host: "127.0.0.1" });
    for (let i = 0; i < 10_000 && done < total; i++, done++) {
      while (!socket.send(`datagram ${done}`, port, "127.0.0.1")) socket.waitUntilWritable(1000);
      if (i % 100 === 99) socket.waitUntilReadable(10);
      while (take(socket) !== null) received++;
    }
    while (socket.waitUntilReadable(50)) while (take(socket) !== null) received++;
    socket.close();
  }
  settle(runtime);
  return received;
}

send(20_000);
const before = account(runtime);
const received = send(count);
tell(before, account(runtime), { count, received });
runtime.close();
