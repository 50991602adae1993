/**
 * Measures the cost of a wait while many connections are idle: `node idle-cost.js <port> <idle>` opens `<idle>`
 * connections to a peer and one more, and prints the medians of `wait(0)` in ns with nothing ready, and with one connection ready.
 */

import { connect, Poller } from "ringnet";

const [port, idle] = process.argv.slice(2).map(Number);
const options = { host: "127.0.0.1", port, receiveBuffer: 4096, sendBuffer: 4096 };
const ROUNDS = 51;
const CALLS = 200;

const poller = new Poller();
const busy = connect({ ...options, timeout: 10_000 });
poller.add(busy);
for (let opened = 0; opened < idle; ) {
  // Not more at once than the peer's backlog takes.
  const batch = Array.from({ length: Math.min(100, idle - opened) }, () => connect(options));
  for (const socket of batch) {
    if (socket.waitUntilConnected(30_000) !== "success") throw socket.error ?? new Error("not connected");
    poller.add(socket);
  }
  opened += batch.length;
}

function cost(ready) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) {
      if (poller.wait(0).length !== ready) throw new Error(`${poller.wait(0).length} are ready, not ${ready}`);
    }
    times.push(((performance.now() - start) * 1e6) / CALLS);
  }
  return Math.round(times.sort((a, b) => a - b)[ROUNDS >> 1]);
}

while (poller.wait(20).length > 0); // connections that were established are reported once
cost(0); // warms up
const nothing = cost(0);
busy.write("x"); // comes back, and stays unread
if (!busy.waitUntilReadable(10_000)) throw new Error("no echo");
const one = cost(1);
console.log(JSON.stringify({ watched: poller.size, nothing, one }));
