/**
 * Runs out of file descriptors and recovers: `node few-descriptors.js client|server|start <port>`, started with a low `ulimit -n`.
 */

import { closeSync, openSync } from "node:fs";
import { bindUdp, connect, listen, resolve } from "ringnet";
import { say } from "./say.js";

const [what, port] = [process.argv[2], Number(process.argv[3])];
const host = "127.0.0.1";

/** What a call gave: "ok" or its error. */
function outcome(call) {
  const start = performance.now();
  let result = "ok";
  try {
    call();
  } catch (error) {
    result = `${error.name} ${error.code}`;
  }
  return { result, milliseconds: performance.now() - start };
}

/** Calls until it fails; what the calls gave, and the failure. */
function exhaust(open) {
  const opened = [];
  for (;;) {
    const { result, milliseconds } = outcome(() => opened.push(open()));
    if (result !== "ok") return { opened, result, milliseconds };
    if (opened.length > 1000) throw new Error("there is no limit");
  }
}

const echoes = (socket, text) => {
  socket.writeAll(text, 5000);
  return String(socket.readExactly(text.length, 5000)) === text;
};

const stories = {
  /** As many connections as there are descriptors; then everything else fails, and the connections work; then some are closed. */
  client() {
    const { opened, result, milliseconds } = exhaust(() => connect({ host, port, timeout: 5000 }));
    say("exhausted", { opened: opened.length, result, milliseconds });
    say("others", {
      listen: outcome(() => listen({ host })),
      udp: outcome(() => bindUdp({ host })),
      name: outcome(() => {
        const address = resolve("localhost");
        if (address.waitUntilResolved(10_000) !== "success") throw address.error;
      }),
    });
    say("working", { all: opened.every((socket, i) => echoes(socket, `connection ${i}`)) });
    for (const socket of opened.splice(0, 10)) {
      socket.end();
      socket.readAll(5000);
      socket.close();
    }
    // A descriptor is free again when the networking thread has closed the socket, a moment later.
    const again = [];
    const deadline = performance.now() + 5000;
    while (again.length < 10 && performance.now() < deadline)
      outcome(() => again.push(connect({ host, port, timeout: 5000 })));
    say("recovered", {
      again: again.length,
      working: [...opened, ...again].every((socket) => echoes(socket, "again")),
    });
  },

  /** Clients until there are no more descriptors: the ones that it has continue; when they are closed, others come in. */
  server() {
    const server = listen({ host, receiveBuffer: 4096, sendBuffer: 4096 });
    say("listening", { port: server.port });
    const clients = [];
    while (server.waitUntilAcceptable(1500)) clients.push(server.accept());
    say("accepted", { count: clients.length, working: clients.every((client) => echoes(client, "you are in")) });
    for (const client of clients) client.close();
    const next = server.acceptWait(20_000);
    say("recovered", { working: echoes(next, "so are you") });
  },

  /** No descriptor is left for the networking thread itself. */
  start() {
    const files = exhaust(() => openSync("/dev/null", "r")).opened;
    const { result, milliseconds } = outcome(() => connect({ host, port, timeout: -1 }));
    for (const file of files) closeSync(file);
    const socket = connect({ host, port, timeout: 5000 });
    say("recovered", { result, milliseconds, working: echoes(socket, "late start") });
  },
};

stories[what]();
process.exit(0);
