import { WebSocket } from "ws";
import { ECHOES, FLOOD, LARGE, report, SMALL } from "./loads.js";

const [load, port] = process.argv.slice(2);
const socket = new WebSocket(`ws://127.0.0.1:${port}/${load}`, { perMessageDeflate: false });
let left = load === "echo" ? 1000 + ECHOES : load === "flood" ? FLOOD : LARGE;
let begin = 0;
socket.on("open", () => {
  begin = performance.now();
  socket.send(SMALL);
});
socket.on("message", () => {
  left--;
  if (load === "echo" && left === ECHOES) begin = performance.now();
  if (left === 0) {
    report(load, performance.now() - begin);
    socket.terminate();
  } else if (load === "echo") {
    socket.send(SMALL);
  }
});
