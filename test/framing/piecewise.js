/**
 * A peer that sends the given bytes in the given pieces: `node piecewise.js` listens and prints its port.
 *
 * A client sends one line of JSON, `{ pieces: [{ base64, delay }], end }`: each piece is handed to the kernel by itself, `delay` ms
 * (0: one turn of the event loop) after the one before. With `end` the stream ends then, otherwise the next line may follow.
 */

import net from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

const server = net.createServer({ noDelay: true }, async (socket) => {
  socket.on("error", () => {});
  for await (const line of createInterface({ input: socket })) {
    const { pieces, end } = JSON.parse(line);
    for (const { base64, delay } of pieces) {
      await (delay > 0 ? wait(delay) : new Promise(setImmediate));
      if (socket.destroyed) return;
      socket.write(Buffer.from(base64, "base64"));
    }
    if (end) socket.end();
  }
  socket.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("close", () => process.exit(0)).resume();
