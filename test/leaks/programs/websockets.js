/**
 * Opens and closes WebSockets and their servers in every way: closed by either end, lost, refused, given up, never accepted:
 * `node --expose-gc websockets.js <count>`.
 */

import { createRuntime } from "ringnet";
import { listenWebSocket, openWebSocket } from "ringnet/websocket";
import { account, settle, tell } from "./ledger.js";

const count = Number(process.argv[2]);
const host = "127.0.0.1";
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });
const rings = { receiveBuffer: 4096, sendBuffer: 4096, runtime };

function open(total) {
  for (let i = 0; i < total; i++) {
    const perMessageDeflate = i % 4 === 0;
    const server = listenWebSocket({ host, path: "/x", perMessageDeflate, ...rings });
    const url = `ws://${host}:${server.port}/x`;
    const client = openWebSocket(url, { timeout: 5000, perMessageDeflate, ...rings });
    const accepted = server.acceptWait(5000);
    client.send("there");
    accepted.receive(5000);
    accepted.send("back");
    client.receive(5000);
    client.sendWait(Buffer.alloc(3000), 5000);
    if (i % 2 === 0) accepted.receive(5000);
    const lost = openWebSocket(url, { timeout: 5000, ...rings });
    server.acceptWait(5000).terminate();
    if (i % 8 === 0) {
      const waiting = openWebSocket(url, { timeout: 5000, ...rings });
      const reader = server.acceptWait(5000);
      waiting.send("x");
      reader.receive(5000);
      reader.close();
      waiting.receive(5000);
      waiting.close();
    }
    openWebSocket(url, rings).close(); // given up
    const unaccepted = openWebSocket(url, rings);
    const refused = openWebSocket(`ws://${host}:${server.port}/y`, rings);
    refused.waitUntilOpen(5000);
    server.close();
    if (i % 3 === 0) client.end(4000, "enough");
    for (const handle of [client, accepted, lost, unaccepted, refused]) handle.close();
    if (i % 20 === 19) settle(runtime);
  }
  settle(runtime);
}

open(40);
const before = account(runtime);
open(count);
tell(before, account(runtime), { count });
runtime.close();
