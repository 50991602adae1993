/** The clients of run.js: `node clients.js PORT COUNT`. Opens ten at a time; each sends a message, and another one on request. */

import { once } from "node:events";
import { WebSocket } from "ws";

const [port, count] = process.argv.slice(2).map(Number);
const AT_ONCE = 10;
/** Connections from one address, which has a limited number of ports. */
const AN_ADDRESS = 5000;

/** @type {WebSocket[]} */
const sockets = [];

async function open() {
  while (sockets.length < count) {
    const number = sockets.length;
    const socket = new WebSocket(`ws://127.0.0.${2 + Math.floor(number / AN_ADDRESS)}:${port}/`, {
      perMessageDeflate: false,
    });
    sockets.push(socket);
    socket.on("message", (message) => {
      if (String(message) !== `I am ${number}`) throw new Error(`client ${number} got ${message}`);
    });
    await once(socket, "open");
    socket.send(`I am ${number}`);
  }
}

process.on("message", () => {
  for (const [number, socket] of sockets.entries()) socket.send(`I am ${number}`);
});
process.on("disconnect", () => process.exit(1));
await Promise.all(Array.from({ length: AT_ONCE }, open));
