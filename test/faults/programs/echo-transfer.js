/**
 * Sends `bytes` of a pattern to an echo server and checks that every byte comes back: `node echo-transfer.js <host> <port> <bytes>`.
 * It prints "half" in the middle, continues whatever happens to the line, and counts the waits that timed out.
 */

import { connect } from "ringnet";
import { pattern } from "../../support/bytes.js";
import { say } from "./say.js";

const [host, port, total] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const WAIT = 100;

const socket = connect({ host, port, timeout: 20_000 });
const piece = Buffer.alloc(60_000);
const deadline = performance.now() + 60_000;
let sent = 0;
let received = 0;
let timeouts = 0;
let longestWait = 0;
while (received < total) {
  if (sent < total) sent += socket.write(pattern(7, sent, Math.min(50_000, total - sent, socket.writable)));
  const count = socket.readInto(piece);
  if (count === null) throw new Error(`the stream ended after ${received} bytes`);
  if (count === 0) {
    if (performance.now() > deadline) throw new Error(`only ${received} bytes came back`);
    const start = performance.now();
    if (!socket.waitUntilReadable(WAIT)) timeouts++;
    longestWait = Math.max(longestWait, performance.now() - start);
    continue;
  }
  if (!piece.subarray(0, count).equals(pattern(7, received, count))) throw new Error(`wrong bytes after ${received}`);
  if (received <= total / 2 && received + count > total / 2) say("half");
  received += count;
}
socket.end();
say("done", { received, rest: socket.readAll(20_000).length, timeouts, longestWait });
