/**
 * Sends numbered datagrams as fast as it can: `node flood.js <port> <count>`. Each holds its number, which
 * determines its length and bytes.
 */

import { createSocket } from "node:dgram";

const [port, count] = [Number(process.argv[2]), Number(process.argv[3])];
const socket = createSocket("udp4");
let sent = 0;

function burst() {
  for (let i = 0; i < 200 && sent < count; i++, sent++) {
    const bytes = Buffer.alloc(4 + (sent % 500), sent & 255);
    bytes.writeUInt32BE(sent);
    socket.send(bytes, () => {});
  }
  if (sent < count) return void setImmediate(burst);
  socket.close();
  console.log(JSON.stringify({ event: "done", sent }));
}

socket.connect(port, "127.0.0.1", burst);
