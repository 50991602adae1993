// A TLS client in a process of its own: connects with the certificate of the variable CLIENT, and ends when the server does.

import { spawn } from "node:child_process";

const SOURCE = `
  const { cert, key, ca } = JSON.parse(process.env.CLIENT);
  const socket = require("node:tls").connect({ host: "localhost", port: Number(process.argv[1]), cert, key, ca });
  socket.on("error", () => {});
  socket.resume();
  setTimeout(() => process.exit(), 10000).unref();`;

/** Starts the client; resolves when it has ended. */
export function runBlockingClient(port) {
  return new Promise((done) => {
    spawn(process.execPath, ["--eval", SOURCE, "--", `${port}`], { stdio: "inherit" }).once("exit", done);
  });
}
