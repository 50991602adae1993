/**
 * Starts TLS on connections that began in plain text: `node --expose-gc start-tls.js <count> <port>`, to an echo server
 * with TLS, which gets nothing in plain text from us. Some handshakes are given up, and some fail.
 */

import { createRuntime } from "ringnet";
import { account, settle, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
const host = "127.0.0.1";
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });

/** The peer's certificate is self-signed. */
function refused(socket) {
  try {
    socket.startTls({}, 10_000);
  } catch (error) {
    if (/SELF_SIGNED|UNABLE_TO/.test(error.code)) return;
    throw error;
  }
  throw new Error("a certificate of no authority was taken");
}

function givenUp(socket) {
  try {
    socket.startTls({ rejectUnauthorized: false }, 0);
  } catch (error) {
    if (error.code !== "ETIMEDOUT") throw error;
  }
}

function open(total) {
  for (let i = 0; i < total; i++) {
    const socket = runtime.connect({ host, port, timeout: 10_000 });
    if (i % 5 === 3) refused(socket);
    else if (i % 5 === 4) givenUp(socket);
    else {
      socket.startTls({ rejectUnauthorized: false }, 10_000);
      socket.writeAll(`connection ${i}\n`, 10_000);
      const line = socket.readLine(10_000);
      if (line !== `connection ${i}`) throw new Error(`${line} came back`);
    }
    if (i % 10 < 5) socket.close();
    else socket.reset();
    if (i % 50 === 49) settle(runtime);
  }
  settle(runtime);
}

open(200);
const before = account(runtime);
open(count);
tell(before, account(runtime), { count });
runtime.close();
