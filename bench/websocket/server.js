/** The peer, by ws: `send N BYTES` brings so many messages, `take N` counts so many and answers; anything else is echoed. */
import { WebSocketServer } from "ws";

/** Bytes that wait to be sent, from which on the server waits. */
const HIGH_WATER = 4_000_000;

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 0 });
server.on("listening", () => console.log(JSON.stringify(server.address())));

/** @param {import("ws").WebSocket} socket @param {Buffer} data @param {number} count */
function sendMany(socket, data, count) {
  for (let left = count; left > 0; left--) {
    if (socket.bufferedAmount > HIGH_WATER) {
      socket.send(data, () => sendMany(socket, data, left - 1));
      return;
    }
    socket.send(data);
  }
}

server.on("connection", (socket) => {
  let expected = 0;
  socket.on("message", (message, binary) => {
    if (expected > 0) {
      if (--expected === 0) socket.send("all");
      return;
    }
    const [, order, count, bytes] = binary ? [] : (/^(send|take) (\d+) ?(\d*)$/.exec(String(message)) ?? []);
    if (order === "send") sendMany(socket, Buffer.alloc(Number(bytes), "x"), Number(count));
    else if (order === "take") expected = Number(count);
    else socket.send(message, { binary });
  });
});
