// A game server that ticks sixty times a second in one thread: each frame it takes in what the players have sent, moves the world and
// sends it to every player. At the end it draws how long the frames took, as an SVG.
//
//   node examples/game-loop.js [players] [seconds] [file.svg]
//
// The players are another process (examples/game-loop/players.js), which this one starts.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { listen, Poller } from "ringnet";
import { drawHistogram } from "./game-loop/histogram.js";

const [count, seconds, file = "frame-times.svg"] = process.argv.slice(2);
const PLAYERS = Number(count ?? 200);
const FRAMES = Number(seconds ?? 10) * 60;
const FRAME_MS = 1000 / 60;
const INPUT_BYTES = 8;

const server = listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 64 * 1024 });
const program = fileURLToPath(new URL("game-loop/players.js", import.meta.url));
const others = spawn(process.execPath, [program, `${server.port}`, `${PLAYERS}`], { stdio: "inherit" });

const world = Buffer.alloc(4 + 4 * PLAYERS); // the number of the frame, and each player's position
const poller = new Poller();
const players = new Map();
while (players.size < PLAYERS) {
  const socket = server.acceptWait(10_000);
  players.set(socket, players.size);
  poller.add(socket);
}

const input = Buffer.alloc(INPUT_BYTES);
const times = [];
const clock = new Int32Array(new SharedArrayBuffer(4));
let inputs = 0;
let behind = 0;
for (let frame = 0, due = performance.now(); frame < FRAMES; frame++) {
  const begin = performance.now();
  takeInputs();
  world.writeUInt32LE(frame, 0);
  for (const socket of players.keys()) send(socket);
  times.push(performance.now() - begin);
  due += FRAME_MS;
  sleepUntil(due);
}

const sorted = times.toSorted((a, b) => a - b);
const at = (part) => `${(sorted[Math.floor(part * (sorted.length - 1))] * 1000).toFixed(0)} µs`;
console.log(
  `${FRAMES} frames, ${players.size} players, ${inputs} inputs taken, ${behind} frames not sent to slow players`,
);
console.log(
  `networking took ${at(0.5)} a frame (median), ${at(0.99)} (99 %), ${at(1)} (worst), of ${(FRAME_MS * 1000).toFixed(0)} µs`,
);
writeFileSync(file, drawHistogram(times, `Networking per frame, ${players.size} players, ${FRAMES} frames`));
console.log(`the histogram is in ${file}`);
for (const socket of players.keys()) socket.close();
server.close();
others.kill();

/** Costs what has come, however many players are silent; leaves nothing for the garbage collector. */
function takeInputs() {
  for (const socket of poller.wait(0)) {
    try {
      if (socket.peek() === null) leave(socket);
      while (socket.readable >= INPUT_BYTES) {
        socket.readInto(input);
        const player = players.get(socket);
        world.writeInt32LE(world.readInt32LE(4 + 4 * player) + input.readInt32LE(4), 4 + 4 * player);
        inputs++;
      }
    } catch {
      leave(socket); // the connection has failed
    }
  }
}

function send(socket) {
  try {
    // A player that is too slow to take all frames misses some, and does not delay the others.
    if (socket.writable >= world.length) socket.write(world);
    else behind++;
  } catch {
    leave(socket);
  }
}

function leave(socket) {
  players.delete(socket);
  poller.delete(socket);
  socket.close();
}

/** Sleeps for most of the time, and looks at the clock for the rest: a sleep ends some 80 µs late. */
function sleepUntil(time) {
  const left = time - performance.now();
  if (left > 1) Atomics.wait(clock, 0, 0, left - 0.5);
  while (performance.now() < time);
}
