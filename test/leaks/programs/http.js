/**
 * Requests over kept connections, of which some end in other ways: bodies that are given up, timeouts, uploads that are cut off, places in
 * the queue that are given up, other protocols, a proxy: `node --expose-gc http.js <count> <port>`, to test/http/support/node-server.js.
 */

import { createRuntime } from "ringnet";
import { createHttpClient } from "ringnet/http";
import { account, mustThrow, settle, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
const origin = `http://127.0.0.1:${port}`;
const BODY = Buffer.alloc(300_000);
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });

const WAYS = [
  (client) => client.fetch(`${origin}/bytes/1000`).bytes(),
  (client) => client.fetch(`${origin}/chunks?text=a,b&pause=0`).text(),
  (client) => client.fetch(`${origin}/coded/gzip`).text(),
  (client) => client.fetch(`${origin}/echo`, { method: "POST", body: BODY }).json(),
  (client) => client.fetch(`${origin}/count/2`).text(),
  (client) => client.fetch(`${origin}/close`).text(),
  // The body is given up when a part of it has come.
  (client) => {
    const response = client.fetch(`${origin}/bytes/300000`);
    response.waitUntilReadable();
    response.read(10);
    response.close();
  },
  // The same with a coding.
  (client) => {
    const response = client.fetch(`${origin}/coded/gzip?bytes=500000`);
    response.waitUntilReadable();
    response.read(10);
    response.close();
  },
  (client) => mustThrow(() => client.fetch(`${origin}/coded/gzip?cut=10`).text(), "ERR_CONTENT_DECODING"),
  (client) => client.fetch(`${origin}/late`).close(),
  (client) => mustThrow(() => client.fetch(`${origin}/late`, { timeout: 1 }).text(), "ETIMEDOUT"),
  (client) => client.fetch(`${origin}/early/413`, { method: "POST", body: Buffer.alloc(3_000_000) }).text(),
  // Its connection is in use, so the other request waits in the queue.
  (client) => {
    const first = client.fetch(`${origin}/bytes/100`);
    client.fetch(`${origin}/bytes/100`).close();
    first.bytes();
  },
  (client) => {
    const headers = { Connection: "Upgrade", Upgrade: "echo" };
    const response = client.fetch(`${origin}/upgrade`, { headers });
    response.waitUntilHeaders();
    response.takeSocket().close();
  },
  (client) => client.fetch(`${origin}/bytes/1000`, { proxy: origin }).bytes(),
];

function request(total) {
  for (let i = 0; i < total; i++) {
    // One client in two keeps its connection from one way to the next.
    const client = createHttpClient({
      runtime,
      connections: 1,
      timeout: 10_000,
      keepAliveMs: i % 2 === 0 ? 60_000 : 0,
    });
    for (const way of WAYS) way(client);
    client.close();
    const { open } = client.connections;
    if (open !== 0) throw new Error(`the client has ${open} open connections after it was closed`);
    if (i % 10 === 9) settle(runtime);
  }
  settle(runtime);
}

/** A stream that has failed is not kept until this thread yields, as Node's own streams are. */
function failToDecode(total) {
  const client = createHttpClient({ runtime, timeout: 10_000 });
  const kept = () => {
    // A collection frees what the one before has found, and ends its sweeping; a buffer goes after the stream that has it.
    for (let i = 0; i < 5; i++) globalThis.gc();
    return process.memoryUsage().arrayBuffers;
  };
  const before = kept();
  for (let i = 0; i < total; i++) {
    mustThrow(() => client.fetch(`${origin}/coded/gzip?cut=10`).text(), "ERR_CONTENT_DECODING");
  }
  const each = (kept() - before) / total;
  if (each > 50_000) throw new Error(`${each} bytes are kept for each stream that has failed`);
  client.close();
  settle(runtime);
}

request(5);
failToDecode(100);
const before = account(runtime);
request(count);
tell(before, account(runtime), { count });
runtime.close();
