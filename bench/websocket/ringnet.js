import { openWebSocket } from "ringnet/websocket";
import { ECHOES, FLOOD, LARGE, report, SMALL } from "./loads.js";

const [load, port] = process.argv.slice(2);
const socket = openWebSocket(`ws://127.0.0.1:${port}/${load}`, { timeout: 10_000, perMessageDeflate: false });
/** @param {number} count */
const echo = (count) => {
  for (let i = 0; i < count; i++) {
    socket.send(SMALL);
    socket.receive(10_000);
  }
};
if (load === "echo") echo(1000);
const begin = performance.now();
if (load === "echo") {
  echo(ECHOES);
} else {
  socket.send("go");
  for (let left = load === "flood" ? FLOOD : LARGE; left > 0; left--) socket.receive(10_000);
}
report(load, performance.now() - begin);
socket.terminate();
