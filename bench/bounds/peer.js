/**
 * The peers of bounds.js, in a process of their own: `node peer.js <key file> <certificate file>`.
 *
 * First it prints the ports of three servers: one that echoes, the same with TLS, and one that reads slowly and prints
 * how many bytes came and whether an end or a reset followed. Then it takes commands, one a line: `connect PORT COUNT`
 * opens so many connections and sends a byte on each; `reset PORT` sends 60,000 bytes over TLS and resets 500 ms later.
 */

import { readFileSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import tls from "node:tls";

const [keyPath = "", certPath = ""] = process.argv.slice(2);
const host = "127.0.0.1";

/** @param {net.Socket} socket */
function echo(socket) {
  socket.on("error", () => {}).pipe(socket);
}

/** Reads 128 KiB or less every 20 ms. @param {net.Socket} socket */
function readSlowly(socket) {
  let bytes = 0;
  socket.on("data", (piece) => {
    bytes += piece.length;
    socket.pause();
    setTimeout(() => socket.resume(), 20);
  });
  socket.on("end", () => console.log(`${bytes} bytes and an end`));
  socket.on("error", () => console.log(`${bytes} bytes and a reset`));
}

const servers = [
  net.createServer({ noDelay: true }, echo),
  tls.createServer({ key: readFileSync(keyPath), cert: readFileSync(certPath), noDelay: true }, echo),
  net.createServer({ highWaterMark: 128 * 1024 }, readSlowly),
];
for (const server of servers) {
  await new Promise((done) => server.listen(0, host, () => done(null)));
}
console.log(servers.map((server) => /** @type {net.AddressInfo} */ (server.address()).port).join(" "));

/** @type {Record<string, (...numbers: number[]) => void>} */
const commands = {
  connect(port = 0, count = 0) {
    let opened = 0;
    const open = () => {
      if (opened++ < count) {
        net
          .connect(port, host, open)
          .on("error", () => {})
          .write("x");
      }
    };
    for (let i = 0; i < 50; i++) open();
  },
  reset(port = 0) {
    const below = net.connect(port, host);
    const secure = tls.connect({ socket: below, rejectUnauthorized: false });
    secure.on("error", () => {});
    secure.write(Buffer.alloc(60_000), () => setTimeout(() => below.resetAndDestroy(), 500));
  },
};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [name = "", ...numbers] = line.split(" ");
    commands[name]?.(...numbers.map(Number));
  })
  .on("close", () => process.exit());
