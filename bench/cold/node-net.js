/** Cold start of node:net. */
import { hello, host, port, report } from "./first-byte.js";

const start = performance.now();
const { connect } = await import("node:net");
const socket = connect({ host, port: Number(port), noDelay: true });
socket.on("data", () => {
  report(start);
  socket.destroy();
});
socket.write(hello);
