/**
 * ringnet/wasi against preview2-shim: `node bench/wasi.js [rounds]`. CPU time of the whole process, both threads, for a round trip of 64 bytes
 * and for a MiB received, by the calls that components make. Rounds of both alternate; prints medians, and the median of the rounds' ratios.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as shim from "@bytecodealliance/preview2-shim";
import * as ringnet from "../dist/wasi.mjs";
import { median } from "./report/statistics.js";

const TRIPS = 200;
const MIB = 16;
const DISPOSE = Symbol.dispose ?? Symbol.for("dispose");

/** The peer: sends `MIB` MiB to a client that begins with D, echoes to others. */
async function serve() {
  const net = await import("node:net");
  const piece = Buffer.alloc(2 ** 20);
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true);
    socket.once("data", (first) => {
      if (first[0] !== 68) {
        socket.write(first);
        socket.pipe(socket);
        return;
      }
      for (let i = 0; i < MIB; i++) socket.write(piece);
      socket.end();
    });
  });
  server.listen(0, "127.0.0.1", () =>
    process.send?.(/** @type {import("node:net").AddressInfo} */ (server.address()).port),
  );
  process.on("disconnect", () => process.exit());
}

/** @param {any} wasi @param {number} port @returns {any[]} the two streams and the socket */
function connected({ sockets }, port) {
  const socket = sockets.tcpCreateSocket.createTcpSocket("ipv4");
  const address = { tag: "ipv4", val: { port, address: [127, 0, 0, 1] } };
  socket.startConnect(sockets.instanceNetwork.instanceNetwork(), address);
  for (;;) {
    try {
      return [...socket.finishConnect(), socket];
    } catch (error) {
      if (error !== "would-block") throw error;
      const pollable = socket.subscribe();
      pollable.block();
      pollable[DISPOSE]();
    }
  }
}

/** @param {any[]} streams */
function echo([input, output]) {
  const message = Buffer.alloc(64, 65);
  for (let i = 0; i < TRIPS; i++) {
    output.blockingWriteAndFlush(message);
    for (let count = 0; count < message.length; ) count += input.blockingRead(64n).length;
  }
  return TRIPS;
}

/** @param {any[]} streams */
function receive([input, output]) {
  output.blockingWriteAndFlush(Buffer.from("D"));
  for (let count = 0; count < MIB * 2 ** 20; ) count += input.blockingRead(65536n).length;
  return MIB;
}

/** µs of CPU time for each unit of `work`. @param {any} wasi @param {number} port @param {(streams: any[]) => number} work */
function cost(wasi, port, work) {
  const resources = connected(wasi, port);
  const before = process.cpuUsage();
  const units = work(resources);
  const { user, system } = process.cpuUsage(before);
  for (const resource of resources) resource[DISPOSE]();
  return (user + system) / units;
}

/** @param {number} rounds */
async function measure(rounds) {
  const peer = fork(fileURLToPath(import.meta.url), ["serve"]);
  const [port] = await once(peer, "message");
  for (const [name, work] of Object.entries({ "a round trip of 64 bytes": echo, "a MiB received": receive })) {
    /** @type {{ ours: number, theirs: number }[]} */
    const found = [];
    for (let round = -1; round < rounds; round++) {
      const order = round % 2 === 0 ? [ringnet, shim] : [shim, ringnet];
      const [first = 0, second = 0] = order.map((wasi) => cost(wasi, port, work));
      // The first round compiles.
      if (round >= 0) found.push(round % 2 === 0 ? { ours: first, theirs: second } : { ours: second, theirs: first });
    }
    const ours = median(found.map((each) => each.ours)).toFixed(0);
    const theirs = median(found.map((each) => each.theirs)).toFixed(0);
    const ratio = median(found.map((each) => each.theirs / each.ours)).toFixed(2);
    console.log(`${name}: ringnet ${ours} µs, preview2-shim ${theirs} µs, ratio ${ratio}`);
  }
  peer.disconnect();
  process.exit();
}

if (process.argv[2] === "serve") await serve();
else await measure(Number(process.argv[2] ?? 15));
