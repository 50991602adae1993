/**
 * A hostile program: calls all import functions of a program with random values, many of them nearly right, in the
 * memory of a real one. In a process of its own, because a defect may end it. Prints a line of JSON.
 */

import { createRequire } from "node:module";
import { socketImports } from "ringnet/wasm";

const [seed, wanted] = process.argv.slice(2).map(Number);
const require = createRequire(import.meta.url);
const module = await require("./guests/sockets.cjs")({ noInitialRun: true });

let state = seed;
/** A number from 0 to `below` - 1 (mulberry32). */
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = (list) => list[random(list.length)];

const SIZE = 4096;
const area = module._malloc(SIZE);
const heap = () => module.HEAPU8;

/** Memory for results. The program's own malloc would trap, because the calls below overwrite whatever it keeps in the memory. */
const POOL = 65536;
const pool = module._malloc(POOL);
let free = pool;
const allocations = [];
const { calls, shared } = socketImports({
  FS: module.FS,
  heap,
  malloc: (bytes) => {
    const address = free;
    if (address + bytes > pool + POOL) return 0;
    free += (bytes + 15) & ~15;
    allocations.push(address);
    return address;
  },
});
const functions = Object.entries({ ...calls, ...shared });

/** Blocks at most this long, whatever a call waits for. */
const MS = 20;
const socketOptions = [2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 15, 26, 30, 32, 33, 34, 35, 36, 38, 39, 66];

const number = () =>
  pick([
    () => 0,
    () => random(12),
    () => random(64),
    () => -random(8),
    () => random(2 ** 32) | 0,
    () => area + random(SIZE),
    () => area + random(SIZE / 4) * 4,
    () => area,
    () => heap().length - random(64),
    () => pick([0x7fffffff, -0x80000000, -1, 0xffff, 65536, 16, 28, 110, 128]),
  ])();

/** Writes something that may be an address, a message, a list of buffers or of descriptors. */
function scribble() {
  const view = new DataView(heap().buffer);
  const at = area + random(SIZE / 16) * 16;
  const room = area + SIZE - at;
  if (room < 32) return;
  pick([
    () => {
      view.setUint16(at, pick([0, 1, 2, 10, 77]), true);
      view.setUint16(at + 2, pick([0, 9, 80, 65535]));
      view.setUint32(at + 4, pick([0, 0x7f000001, 0xffffffff, 0xe0000001]));
    },
    () => heap().fill(random(256), at, at + 32),
    () => {
      for (let i = 0; i < 32; i += 4) view.setInt32(at + i, number(), true);
    },
    () => {
      view.setUint32(at, area + random(SIZE - 64), true);
      view.setUint32(at + 4, random(64), true);
    },
    () => heap().set(Buffer.from(pick(["127.0.0.1\0", "80\0", "::1\0", "\0"])), at),
  ])();
}

const counts = {};
let count = 0;
let problem = null;
while (count < wanted && problem === null) {
  // No call may wait long, whatever the program has asked for.
  for (const stream of module.FS.streams) {
    const socket = stream?.node?.ringnetSocket;
    if (socket === undefined) continue;
    Object.assign(socket, { receiveTimeout: MS, sendTimeout: MS });
    socket.options.lingerTime = 0;
  }
  for (let i = random(6); i > 0; i--) scribble();
  const [name, call] = pick(functions);
  const values = [random(2) === 0 ? random(16) : number(), number(), number(), number(), number(), number(), number()];
  if (name === "__syscall_socket" && random(2) === 0)
    values.splice(0, 3, pick([1, 2, 10]), pick([1, 2, 0x801, 0x802]), 0);
  if (/sockopt/.test(name) && random(2) === 0) values.splice(1, 2, pick([0, 1, 6, 41]), pick(socketOptions));
  if (name === "__syscall_poll") values[2] = random(3);
  if (name === "wasm_poll_socket") values[2] = random(3);
  if (name === "__syscall__newselect") {
    values[4] = area;
    heap().fill(0, area, area + 8);
  }
  if (/read/.test(name) && values[0] === 0) values[0] = 3; // not the standard input
  // Looking up a random name would wait for name servers.
  if (/^get.*(host|addr)|lookup/.test(name)) {
    heap().set(Buffer.from(pick(["127.0.0.1\0", "::1\0", "\0"])), area);
    if (name === "getnameinfo") values[6] |= 1; // NI_NUMERICHOST
    values[0] = pick([area, 0, -5, heap().length + 99, area + SIZE * 100]);
    if (values[0] === area + SIZE * 100) heap().fill(65, values[0], values[0] + 5000);
  }
  // Descriptors 0 to 2 stay: this program prints.
  if (name === "__syscall_dup3" && values[1] < 3) values[1] = 3 + random(9);
  try {
    const result = call(...values);
    if (!Number.isInteger(result)) throw new Error(`returned ${result}`);
    counts[result < 0 ? "failed" : "succeeded"] = (counts[result < 0 ? "failed" : "succeeded"] ?? 0) + 1;
  } catch (error) {
    problem = `${name}(${values.join(", ")}): ${error.stack}`;
  }
  count++;
  if (random(50) === 0) {
    const fd = 3 + random(30);
    const stream = module.FS.streams[fd];
    if (stream?.node?.ringnetSocket !== undefined) module.FS.close(stream);
  }
}
console.log(JSON.stringify({ seed, count, problem, ...counts, allocations: allocations.length }));
process.exit(problem === null ? 0 : 1);
