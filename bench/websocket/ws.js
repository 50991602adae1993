/** Async ws. */
import { once } from "node:events";
import { WebSocket } from "ws";

/** Bytes that wait to be sent, from which on a sender waits. */
const HIGH_WATER = 1 << 20;
/** @type {WebSocket} */
let socket;

/** @type {import("./loads.js").WebSocketContender} */
export default {
  async open(url) {
    socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
  },
  echo(message, times, until) {
    return new Promise((resolve) => {
      let start = performance.now();
      const listener = () => {
        const stop = performance.now();
        times.push((stop - start) / 1000);
        start = stop;
        if (stop < until) {
          socket.send(message);
          return;
        }
        socket.off("message", listener);
        resolve(null);
      };
      socket.on("message", listener);
      socket.send(message);
    });
  },
  receive(message, count) {
    return new Promise((resolve) => {
      let left = count;
      const listener = () => {
        if (--left > 0) return;
        socket.off("message", listener);
        resolve(null);
      };
      socket.on("message", listener);
      socket.send(message);
    });
  },
  async send(message, data, count) {
    const answer = once(socket, "message");
    socket.send(message);
    for (let left = count; left > 0; left--) {
      if (socket.bufferedAmount < HIGH_WATER) socket.send(data);
      else await new Promise((resolve) => socket.send(data, resolve));
    }
    await answer;
  },
};
