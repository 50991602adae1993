/**
 * The peer where there is no C compiler: the same modes and services as peer.c, as a Node process. It is slower than the
 * C one, so it can be what limits a load.
 */
import dgram from "node:dgram";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { COMMAND_BYTES, ECHO, RECEIVE, SEND } from "./protocol.js";

const [mode, ...rest] = process.argv.slice(2);

/** @param {unknown} value */
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/**
 * One bulk or TLS connection: commands, one after another.
 * @param {net.Socket} socket
 */
function serveCommands(socket) {
  let head = Buffer.alloc(0);
  let left = 0;
  let operation = -1;
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (/** @type {Buffer} */ bytes) => {
    if (operation === ECHO) return void socket.write(bytes);
    if (operation === RECEIVE) return void receive(bytes.length);
    head = Buffer.concat([head, bytes]);
    if (head.length < COMMAND_BYTES) return;
    operation = head.readUInt32LE(0);
    const piece = head.readUInt32LE(4);
    left = Number(head.readBigUInt64LE(8));
    const more = head.subarray(COMMAND_BYTES);
    head = Buffer.alloc(0);
    if (operation === SEND) send(Buffer.alloc(piece));
    else if (more.length > 0) operation === ECHO ? socket.write(more) : receive(more.length);
  });
  /** @param {number} count */
  const receive = (count) => {
    left -= count;
    if (left > 0) return;
    operation = -1;
    socket.write("!");
  };
  /** @param {Buffer} piece */
  const send = (piece) => {
    while (left > 0) {
      const size = Math.min(left, piece.length);
      left -= size;
      if (!socket.write(size === piece.length ? piece : piece.subarray(0, size))) {
        return void socket.once("drain", () => send(piece));
      }
    }
    operation = -1;
  };
}

/** @param {net.Socket} socket */
function serveEcho(socket) {
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => socket.write(bytes));
}

/**
 * @param {net.Server} server
 * @returns {Promise<number>} its port
 */
function listen(server) {
  return new Promise((resolve) => {
    server.listen({ host: "0.0.0.0", port: 0, backlog: 4096 }, () =>
      resolve(/** @type {any} */ (server.address()).port),
    );
  });
}

async function serve() {
  const [certificate, key] = rest;
  const encrypted = certificate
    ? tls.createServer(
        { cert: readFileSync(certificate), key: readFileSync(/** @type {string} */ (key)) },
        serveCommands,
      )
    : null;
  encrypted?.on("tlsClientError", () => {});
  print({
    bulk: await listen(net.createServer(serveCommands)),
    echo: await listen(net.createServer(serveEcho)),
    tls: encrypted ? await listen(encrypted) : 0,
  });
}

/** Counts datagrams until none have come for 300 ms. */
function sink() {
  const socket = dgram.createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
  let received = 0;
  let first = 0;
  let last = 0;
  socket.on("message", () => {
    last = performance.now();
    if (received++ === 0) first = last;
  });
  socket.bind(0, () => print({ port: socket.address().port }));
  const timer = setInterval(() => {
    if (received === 0 || performance.now() - last < 300) return;
    print({ received, seconds: (last - first) / 1000 });
    clearInterval(timer);
    socket.close();
  }, 50);
}

async function flood() {
  const [port, size, seconds] = rest.map(Number);
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve) => socket.connect(/** @type {number} */ (port), "127.0.0.1", () => resolve(null)));
  socket.on("error", () => {});
  const bytes = Buffer.alloc(/** @type {number} */ (size));
  let sent = 0;
  for (const end = performance.now() + 1000 * /** @type {number} */ (seconds); performance.now() < end; sent += 64) {
    for (let i = 1; i < 64; i++) socket.send(bytes, () => {});
    await new Promise((resolve) => socket.send(bytes, resolve));
  }
  print({ sent });
  socket.close();
}

/** The server closes what it accepted; each client then makes place for the next. */
function clients() {
  const [port, seconds] = rest.map(Number);
  const end = performance.now() + 1000 * /** @type {number} */ (seconds);
  const start = () => {
    if (performance.now() > end) return;
    const socket = net.connect({ port: /** @type {number} */ (port), host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("connect", () => socket.resume());
    socket.on("end", () => socket.resetAndDestroy());
    socket.on("close", start);
  };
  for (let i = 0; i < 32; i++) start();
}

const modes = { serve, sink, flood, clients };
await modes[/** @type {keyof typeof modes} */ (mode)]();
