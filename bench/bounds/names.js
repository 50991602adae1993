/**
 * Two bounds about names, in a network of its own whose name server never answers, and where `two.test` is 127.0.0.1
 * and 127.0.0.9: prints how long 256 datagrams to an IP take behind one to a name, and how long a connection takes whose
 * first address answers after a second while the second one refuses.
 */

import { spawn } from "node:child_process";
import { bindUdp, connect } from "../../dist/index.mjs";

bindUdp({ host: "127.0.0.1", port: 53 }); // the name server
const receiver = bindUdp({ host: "127.0.0.1" });
const sender = bindUdp({ host: "127.0.0.1" });
const sent = performance.now();
sender.send("x", receiver.port, "unanswered.test");
for (let i = 0; i < 256; i++) {
  sender.send("x", receiver.port, "127.0.0.1");
  receiver.receiveWait(20_000);
}
console.log(`${Math.round(performance.now() - sent)} ms of wall time`);

// Its backlog is full, and it is blocked for a second: the kernel drops further attempts, which are repeated.
const LATE = `
const net = require("node:net");
const server = net.createServer((socket) => socket.on("error", () => {}));
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  const { port } = server.address();
  for (let i = 0; i < 4; i++) net.connect(port, "127.0.0.1").on("error", () => {});
  process.nextTick(() => {
    require("node:fs").writeSync(1, String(port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  });
});`;
const late = spawn(process.execPath, ["-e", LATE], { stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((done) => late.stdout.once("data", (text) => done(Number(text))));
const begun = performance.now();
let outcome = "connected";
try {
  connect({ host: "two.test", port, timeout: 20_000 });
} catch (error) {
  outcome = /** @type {NodeJS.ErrnoException} */ (error).code ?? String(error);
}
console.log(`${outcome} after ${Math.round(performance.now() - begun)} ms of wall time`);
late.kill();
process.kill(process.pid, "SIGKILL"); // the look-up can't be cancelled
