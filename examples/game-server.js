// A game of many players in one thread that never yields: sixty times a second it takes in what they have pressed,
// moves the world and sends it to everybody. Players are pages in browsers, each with a WebSocket; the page and its
// WebSocket come from one port.
//
//   node examples/game-server.js [port] [seconds]
//
// Open http://localhost:8080 in two windows, and move with the arrow keys.

import { fileURLToPath } from "node:url";
import { Poller } from "ringnet";
import { listenWebSocket } from "ringnet/websocket";

const [port = "8080", seconds = "Infinity"] = process.argv.slice(2);
const FRAME_MS = 1000 / 60;
const SIZE = 600;
const SPEED = 4;

const server = listenWebSocket({
  port: Number(port),
  path: "/play",
  files: fileURLToPath(new URL("game-server/page", import.meta.url)),
  receiveBuffer: 4096,
  sendBuffer: 64 * 1024,
});
console.log(`http://localhost:${server.port}`);

const players = new Map();
const poller = new Poller().add(server);
const clock = new Int32Array(new SharedArrayBuffer(4));
let lastPlayer = 0;
let networking = 0;

for (let frame = 0, due = performance.now(); frame < Number(seconds) * 60; frame++) {
  const begin = performance.now();
  for (const handle of poller.wait(0)) {
    if (handle === server) takePlayers();
    else takeInputs(handle);
  }
  const inputs = performance.now();
  for (const player of players.values()) move(player);
  const world = JSON.stringify({ frame, networking, players: [...players.values()] });
  const moved = performance.now();
  for (const socket of players.keys()) send(socket, world);
  networking = Math.round((inputs - begin + performance.now() - moved) * 1000); // µs, drawn by the page

  due += FRAME_MS;
  Atomics.wait(clock, 0, 0, Math.max(0, due - performance.now()));
}

function takePlayers() {
  for (let socket = server.accept(); socket !== null; socket = server.accept()) {
    const id = ++lastPlayer;
    const player = { id, x: SIZE / 2, y: SIZE / 2, hue: (id * 137) % 360, dx: 0, dy: 0 };
    players.set(socket, player);
    poller.add(socket);
    socket.send(JSON.stringify({ you: id }));
  }
}

function takeInputs(socket) {
  for (;;) {
    const message = socket.closed ? null : socket.receive();
    if (message === undefined) return;
    const [, dx, dy] = /^(-?[01]) (-?[01])$/.exec(message) ?? [];
    if (dx === undefined) {
      leave(socket, message === null ? 1000 : 1008);
      return;
    }
    Object.assign(players.get(socket), { dx: Number(dx), dy: Number(dy) });
  }
}

function move(player) {
  player.x = Math.min(SIZE, Math.max(0, player.x + SPEED * player.dx));
  player.y = Math.min(SIZE, Math.max(0, player.y + SPEED * player.dy));
}

/** A slow player misses frames: what does not fit now is dropped. */
function send(socket, world) {
  try {
    socket.send(world);
  } catch {
    leave(socket, 1000);
  }
}

function leave(socket, code) {
  players.delete(socket);
  poller.delete(socket);
  socket.close(code);
}
