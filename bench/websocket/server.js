/** The peer: `echo` sends back; `flood` and `large` send so many messages when the client asks. */

import { WebSocketServer } from "ws";
import { FLOOD, LARGE, LARGE_BYTES } from "./loads.js";

const small = Buffer.alloc(100, "x");
const large = Buffer.alloc(LARGE_BYTES, "x");
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
server.on("listening", () => console.log(JSON.stringify(server.address())));

server.on("connection", (socket, { url }) => {
  const data = url === "/flood" ? small : large;
  /** @param {number} left */
  const more = (left) => {
    for (; left > 0; left--) {
      if (socket.bufferedAmount > 4_000_000) {
        socket.send(data, () => more(left - 1));
        return;
      }
      socket.send(data);
    }
  };
  socket.on("message", (message) => {
    if (url === "/echo") socket.send(message, { binary: false });
    else more(url === "/flood" ? FLOOD : LARGE);
  });
});
