/**
 * HTTPS requests, directly and through proxies, that end in many ways: `node --expose-gc tunnels.js <count> <port>`, to tunnel-peer.js.
 */

import { createRuntime } from "ringnet";
import { createHttpClient } from "ringnet/http";
import { account, mustThrow, settle, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
const origin = `https://localhost:${port}`;
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });
const PROXIES = [null, `http://127.0.0.1:${port}`, `socks5://127.0.0.1:${port}`, `socks5h://127.0.0.1:${port}`];

const WAYS = [
  (client) => client.fetch(`${origin}/1000`).bytes(),
  (client) => client.fetch(`${origin}/300000`).bytes(), // over the same connection, if it is kept
  // The body is given up when a part of it has come.
  (client) => {
    const response = client.fetch(`${origin}/300000`);
    response.waitUntilReadable();
    response.read(10);
    response.close();
  },
  (client) => mustThrow(() => client.fetch(`${origin}/late`, { timeout: 20 }).text(), "ETIMEDOUT"),
  (client) => client.fetch(`${origin}/1000`).close(), // perhaps during the handshake
];

function request(total) {
  for (let i = 0; i < total; i++) {
    for (const proxy of PROXIES) {
      const options = { runtime, proxy, timeout: 10_000, keepAliveMs: i % 2 === 0 ? 60_000 : 0 };
      const client = createHttpClient({ ...options, tls: { rejectUnauthorized: false } });
      for (const way of WAYS) way(client);
      mustThrow(() => client.fetch("https://localhost:1/").text(), proxy === null ? "ECONNREFUSED" : "ERR_HTTP_PROXY");
      client.close();
      const strict = createHttpClient(options);
      mustThrow(() => strict.fetch(`${origin}/1`).text(), "DEPTH_ZERO_SELF_SIGNED_CERT");
      strict.close();
    }
    if (i % 5 === 4) settle(runtime);
  }
  settle(runtime);
}

request(2);
const before = account(runtime);
request(count);
tell(before, account(runtime), { count });
runtime.close();
