/**
 * A UDP socket in a process of its own, started by `startDatagramPeer` in datagram-peers.ts.
 *
 * Reports each datagram as a line of JSON, answers it with `reply` if there is one, and sends what it is told to by lines
 * of JSON on standard input; ends when that ends.
 */

import dgram from "node:dgram";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

const { host, reply } = JSON.parse(process.argv[2]);

function report(event, details) {
  writeSync(1, `${JSON.stringify({ event, ...details })}\n`);
}

const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
socket.on("message", (bytes, { address, port }) => {
  report("datagram", { text: bytes.toString("latin1"), address, port });
  if (reply !== undefined) socket.send(reply, port, address);
});
socket.on("error", (error) => report("error", { code: error.code }));
socket.bind({ address: host, port: 0 }, () => report("bound", { port: socket.address().port }));

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const { text, port, address, delay = 0 } = JSON.parse(line);
  setTimeout(() => socket.send(text, port, address, () => report("sent", { text })), delay);
});
input.on("close", () => process.exit(0));
