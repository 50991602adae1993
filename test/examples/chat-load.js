/**
 * Load for the chat server: `node chat-load.js <port> <guests> <speakers> <lines>` connects `guests` guests, of which `speakers` send `lines` lines
 * each; prints when all are connected, and when all have received everything, in the same order.
 */

import { createHash } from "node:crypto";
import net from "node:net";

const [port, count, speakers, lines] = process.argv.slice(2).map(Number);
const expected = speakers * lines;
const sockets = [];
const heard = [];
let complete = 0;

function enter(guest) {
  return new Promise((entered, failed) => {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    const hash = createHash("sha256");
    let here = false;
    let received = 0;
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`/name guest ${guest} é🦊\n/who\n`));
    socket.on("data", (text) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop();
      for (const line of parts) {
        if (/^\d+ are here$/.test(line)) {
          here = true;
          entered();
        } else {
          if (!/^guest \d+ é🦊: line \d+ of guest \d+$/.test(line)) throw new Error(`strange: ${line}`);
          hash.update(line);
          if (++received === expected) {
            heard.push(hash.digest("hex"));
            if (++complete === count) finish();
          }
        }
      }
    });
    socket.on("error", (error) => (here ? console.log(`guest ${guest}: ${error.message}`) : failed(error)));
    socket.on("close", () => received < expected && console.log(`guest ${guest} was put out after ${received}`));
    sockets.push(socket);
  });
}

function finish() {
  console.log(
    JSON.stringify({ heard: expected * count, orders: new Set(heard).size, milliseconds: performance.now() - start }),
  );
  for (const socket of sockets) socket.end("/bye\n");
}

for (let guest = 0; guest < count; guest += 50) {
  await Promise.all(Array.from({ length: Math.min(50, count - guest) }, (_, i) => enter(guest + i)));
}
console.log(`${sockets.length} guests are in`);
const start = performance.now();
for (let line = 0; line < lines; line++) {
  for (let guest = 0; guest < speakers; guest++) sockets[guest].write(`line ${line} of guest ${guest}\n`);
  await new Promise((done) => setTimeout(done, 10));
}
