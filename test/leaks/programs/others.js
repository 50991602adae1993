/**
 * Opens and closes servers, bound sockets, UDP sockets, look-ups, connections that are refused and connections that are given up:
 * `node --expose-gc others.js <count>`.
 */

import { createRuntime, Poller } from "ringnet";
import { account, settle, tell } from "./ledger.js";

const count = Number(process.argv[2]);
const host = "127.0.0.1";
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });

function refused() {
  try {
    runtime.connect({ host, port: 1, timeout: 5000 });
  } catch (error) {
    if (error.code !== "ECONNREFUSED") throw error;
  }
}

function open(total) {
  for (let i = 0; i < total; i++) {
    const server = runtime.listen({ host });
    const poller = new Poller().add(server);
    const client = runtime.connect({ host, port: server.port });
    poller.wait(5000);
    const accepted = server.accept();
    runtime.connect({ host, port: server.port }).close(); // given up, or turned away
    const unaccepted = runtime.connect({ host, port: server.port });
    server.close();
    const [bound, listening, connecting] = [1, 2, 3].map(() => runtime.bindTcp({ host }));
    runtime.listen({ bound: listening }).close();
    runtime.connect({ bound: connecting, host, port: 1 }).close();
    const udp = runtime.bindUdp({ host });
    const address = runtime.resolve("localhost");
    if (i % 2 === 0) address.waitUntilResolved(5000);
    for (const handle of [client, accepted, unaccepted, bound, udp, address]) {
      poller.add(handle);
      handle.close();
    }
    poller.wait(0);
    refused();
    if (i % 50 === 49) settle(runtime);
  }
  settle(runtime);
}

open(100);
const before = account(runtime);
open(count);
tell(before, account(runtime), { count });
runtime.close();
