/**
 * An echo server made with the package, in one blocking thread: `node echo-server.js <ringBytes>`. Serves one client,
 * and ends its side after the client's end. Prints `{"port": …}` when it listens. Gives up after a minute without a byte.
 */

import { writeSync } from "node:fs";
import { listen } from "ringnet";

const ringBytes = Number(process.argv[2] ?? 1 << 20);
const SILENCE = 60_000;

const server = listen({ host: "127.0.0.1", receiveBuffer: ringBytes, sendBuffer: ringBytes });
writeSync(1, `${JSON.stringify({ port: server.port })}\n`);

server.waitUntilAcceptable(SILENCE);
const socket = server.accept();
if (socket === null) throw new Error("no client came");
const buffer = Buffer.alloc(1 << 16);
for (;;) {
  const count = socket.readInto(buffer);
  if (count === null) break;
  if (count === 0 && !socket.waitUntilReadable(SILENCE)) throw new Error("the client says nothing");
  for (let at = 0; at < count; ) {
    at += socket.write(buffer.subarray(at, count));
    if (at < count && !socket.waitUntilWritable(SILENCE)) throw new Error("the client reads nothing");
  }
}
socket.close();
server.close();
