/**
 * Sends numbered datagrams with a checksum to an echo server and counts what comes back: `node datagram-transfer.js <host> <port> <count>`.
 */

import { bindUdp } from "ringnet";
import { pattern } from "../../support/bytes.js";
import { say } from "./say.js";

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const socket = bindUdp({ host: "0.0.0.0" });
const seen = new Uint8Array(count);
let received = 0;
let repeated = 0;
let overtaken = 0;
let highest = -1;

/** A datagram's bytes follow from its number. */
const datagram = (number) => {
  const bytes = Buffer.alloc(4 + (number % 1400));
  bytes.writeUInt32BE(number);
  pattern(number, 0, bytes.length - 4).copy(bytes, 4);
  return bytes;
};

function take(timeout) {
  if (!socket.waitUntilReadable(timeout)) return false;
  for (let next = socket.receive(); next !== null; next = socket.receive()) {
    const number = next.data.readUInt32BE();
    if (!next.data.equals(datagram(number))) throw new Error(`datagram ${number} is not what was sent`);
    if (next.address !== host || next.port !== port) throw new Error(`a datagram from ${next.address}:${next.port}`);
    if (seen[number] === 1) repeated++;
    else received++;
    if (number < highest) overtaken++;
    highest = Math.max(highest, number);
    seen[number] = 1;
  }
  return true;
}

for (let number = 0; number < count; number++) {
  while (!socket.send(datagram(number), port, host)) socket.waitUntilWritable(1000);
  take(number % 10 === 0 ? 2 : 0);
}
while (take(500));
say("done", { received, repeated, overtaken, dropped: socket.dropped });
socket.close();
