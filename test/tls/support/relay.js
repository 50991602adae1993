/**
 * A relay between a TLS client and a server, in a process of its own: `node relay.js '<options as JSON>'`, started by `startRelay` in
 * relays.ts. It does to the server's bytes what attackers and broken networks do. Takes commands as lines on standard input.
 */

import { writeSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";

const { port, path, limit = Number.POSITIVE_INFINITY } = JSON.parse(process.argv[2] ?? "{}");
const HEADER = 5; // of a TLS record: type, version (2), length (2); RFC 8446, 5.1

let mode = "forward";
let current = null;
let upstream = null;
/** Bytes of the server that were held back. */
let held = [];

function say(line) {
  writeSync(1, `${line}\n`);
}

const listener = net.createServer({ allowHalfOpen: true }, (client) => {
  const server = net.connect(path ? { path, allowHalfOpen: true } : { port, host: "127.0.0.1", allowHalfOpen: true });
  let passed = 0;
  current = client;
  upstream = server;
  say("client connected");
  client.on("error", () => {});
  server.on("error", () => {});
  client.on("data", (bytes) => server.write(bytes));
  client.on("end", () => {
    say("client ended");
    server.end();
  });
  server.on("end", () => mode === "forward" && client.end());
  server.on("data", (bytes) => {
    if (mode === "deaf") return;
    if (mode === "halve") {
      // The beginning of a record, and then the end of the connection.
      mode = "deaf";
      client.end(bytes.subarray(0, HEADER + 3));
    } else if (mode === "flip") {
      mode = "forward";
      bytes[bytes.length - 1] ^= 1;
      client.write(bytes);
    } else {
      const piece = bytes.subarray(0, Math.max(0, limit - passed));
      passed += piece.length;
      client.write(piece);
      held.push(bytes.subarray(piece.length));
    }
  });
});
listener.listen(0, "127.0.0.1", () => say(`listening ${listener.address().port}`));

const commands = {
  /** TCP's end without a close_notify before it. */
  cut: () => {
    mode = "deaf";
    current.end();
  },
  reset: () => current.resetAndDestroy(),
  resetServer: () => upstream.resetAndDestroy(),
  /** Passes on what was held back so far. */
  pass: () => {
    for (const bytes of held) current.write(bytes);
    held = [];
  },
  halve: () => {
    mode = "halve";
  },
  flip: () => {
    mode = "flip";
  },
};

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  commands[line]();
  say(`done ${line}`);
});
input.on("close", () => process.exit(0));
