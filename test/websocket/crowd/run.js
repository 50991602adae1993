/**
 * Many WebSockets at once: `node test/websocket/crowd/run.js [connections]`, 10,000 by default, after `npm run build`.
 *
 * Clients of `ws` in another process open them, ten at a time; one loop accepts them, and every client gets back what it sends. Prints the
 * times, and the memory of a connection. Needs as many descriptors in each of the two processes: `ulimit -n 20000`.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Poller } from "ringnet";
import { listenWebSocket } from "ringnet/websocket";

const COUNT = Number(process.argv[2] ?? 10_000);
/** The longest time without an event, in ms. */
const PATIENCE = 30_000;
/** The smallest ring sizes. */
const RINGS = { receiveBuffer: 4096, sendBuffer: 4096 };

const server = listenWebSocket({ host: "0.0.0.0", backlog: 1024, ...RINGS });
const clients = fork(fileURLToPath(new URL("clients.js", import.meta.url)), [`${server.port}`, `${COUNT}`]);
await once(clients, "spawn");

const before = process.memoryUsage.rss();
const poller = new Poller();
poller.add(server);
let accepted = 0;
let answered = 0;
let start = performance.now();
const seconds = () => ((performance.now() - start) / 1000).toFixed(1);

/** Waits for events and handles them. */
function step() {
  const ready = poller.wait(PATIENCE);
  if (ready.length === 0) throw new Error(`nothing for ${PATIENCE} ms: ${accepted} accepted, ${answered} answered`);
  for (const handle of ready) {
    if (handle === server) {
      for (let socket = server.accept(); socket !== null; socket = server.accept()) {
        poller.add(socket);
        accepted++;
      }
      continue;
    }
    for (let message = handle.receive(); message !== undefined; message = handle.receive()) {
      if (message === null) throw new Error(`a client is gone: ${handle.closeCode}`);
      handle.sendWait(message, PATIENCE);
      answered++;
    }
  }
}

while (accepted < COUNT || answered < COUNT) step();
const memory = (process.memoryUsage.rss() - before) / COUNT / 1024;
console.log(`${COUNT} accepted and answered once in ${seconds()} s; ${memory.toFixed(1)} KiB for each`);

start = performance.now();
answered = 0;
clients.send("again");
while (answered < COUNT) step();
console.log(`a message of each answered in ${seconds()} s`);

start = performance.now();
const rounds = 1000;
for (let i = 0; i < rounds; i++) poller.wait(0);
console.log(`a poll of all that are idle: ${(((performance.now() - start) / rounds) * 1000).toFixed(1)} µs`);
clients.kill();
server.close();
process.exit(0);
