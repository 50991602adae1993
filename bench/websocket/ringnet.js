/** This package's WebSockets. */
import { openWebSocket } from "../../dist/websocket.mjs";

/** ms for each wait. */
const PATIENCE = 10_000;
/** @type {import("../../dist/websocket.mjs").WebSocket} */
let socket;

/** @type {import("./loads.js").WebSocketContender} */
export default {
  open(url) {
    socket = openWebSocket(url, { timeout: PATIENCE, perMessageDeflate: false });
  },
  echo(message, times, until) {
    for (let start = performance.now(); start < until; ) {
      socket.send(message);
      socket.receive(PATIENCE);
      const stop = performance.now();
      times.push((stop - start) / 1000);
      start = stop;
    }
  },
  receive(message, count) {
    socket.send(message);
    for (let left = count; left > 0; left--) socket.receive(PATIENCE);
  },
  send(message, data, count) {
    socket.send(message);
    for (let left = count; left > 0; left--) socket.sendWait(data, PATIENCE);
    socket.receive(PATIENCE);
  },
};
