/**
 * A program of node:cluster whose children use the package. The primary forks two children, the second once the first has its server,
 * prints their messages, and ends with its standard input. Node's own server, `net` below, is the one that cluster shares.
 */

import cluster from "node:cluster";
import { createServer } from "node:net";
import { bindUdp, listen } from "ringnet";

if (cluster.isPrimary) forkChild(1, 0);
else if (process.env.CHILD === "1") first();
else second(Number(process.env.PORT));

function forkChild(child, port) {
  cluster.fork({ CHILD: String(child), PORT: String(port) }).on("message", ({ text, port }) => {
    console.log(text);
    if (child === 1 && port !== undefined) forkChild(2, port);
  });
  if (child === 1) process.stdin.on("end", () => process.exit()).resume();
}

/** Opens a TCP and a UDP port, and serves one client. */
function first() {
  const server = listen({ host: "127.0.0.1" });
  const datagrams = bindUdp({ host: "127.0.0.1", port: server.port });
  process.send({ text: `listens on ${server.port}`, port: datagrams.port });
  const socket = server.acceptWait(20_000);
  socket.writeAll(`${socket.readLine(5000)} at the first\n`);
  socket.waitUntilDrained(5000);
  process.exit();
}

/** Tries to open that port, and one that cluster shares for a server of Node's; then opens its own and serves one client. */
function second(port) {
  const refused = [listen, bindUdp].map((open) => codeOf(() => open({ host: "127.0.0.1", port })));
  createServer().listen({ host: "127.0.0.1", port: 0 }, function () {
    const refusedByNode = codeOf(() => listen({ host: "127.0.0.1", port: this.address().port }));
    const server = listen({ host: "127.0.0.1" });
    process.send({ text: `refused: ${[...refused, refusedByNode].join(" ")}, listens on ${server.port}` });
    const socket = server.acceptWait(20_000);
    socket.writeAll(`${socket.readLine(5000)} at the second\n`);
    socket.waitUntilDrained(5000);
    process.exit();
  });
}

function codeOf(action) {
  try {
    action();
  } catch (error) {
    return error.code;
  }
  return "nothing";
}
