/**
 * The soak: a mixed load with random faults that verifies every byte, for any length of time.
 *
 *   npm run soak [-- minutes [seed]]
 *
 * One blocking thread keeps some dozens of connections busy, over TCP, TLS and Unix sockets, opened and accepted, with lines, streams,
 * datagrams, inputs, WebSockets and pages over HTTP, while a peer in another process is stopped, killed and started anew, connections are reset
 * by either side, ports are scanned, networking threads are terminated, and programs end with bytes to send. It prints a line every ten
 * seconds, and fails at the first byte, error or wait that nothing explains.
 */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { workers } from "../death/programs/started-workers.js";
import { Random } from "../fuzz/programs/random.js";
import { PeerProcess, pause } from "./peer-process.js";

const { createRuntime, NetError, Poller } = await import("ringnet");
const { makeAsides } = await import("../fuzz/programs/asides.js");
const { Datagrams, ENDINGS, Ending, Exchange, Finding, Lines, Upgraded } = await import("./jobs.js");

const minutes = Number(process.argv[2] ?? 2);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
if (!(minutes > 0)) throw new RangeError("usage: node test/soak/run.js [minutes [seed]]");
const random = new Random(seed);
const host = "127.0.0.1";
const MOST_JOBS = 40;
const FAULT_MS = 400;
const ENDING_PROGRAM = fileURLToPath(new URL("ending-program.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ringnet-soak-"));

mkdirSync(join(folder, "asides"));
const asides = Object.values(makeAsides(random, join(folder, "asides")));

let peer = new PeerProcess(folder);
let runtime = createRuntime();
let server = runtime.listen({ host });
/** A server for scans and garbage only. */
let scanned = runtime.listen({ host });
/** A server for programs that end with bytes to send. */
let ending = runtime.listen({ host, receiveBuffer: 4096 });
let poller = new Poller();
const jobs = new Map();
/** How many networking threads belonged to runtimes that were closed. */
let ended = 0;
/** When the last peer was killed. */
let killed = Number.NEGATIVE_INFINITY;
const totals = { jobs: 0, broken: 0, bytes: 0, scans: 0, asides: 0 };
const faults = {};

function add(job) {
  jobs.set(job.handle, job);
  poller.add(job.handle, job.interest);
  totals.jobs++;
  job.onNewHandle = (old, now) => {
    jobs.delete(old);
    poller.delete(old);
    jobs.set(now, job);
    poller.add(now, job.interest);
  };
}

function finish(job) {
  jobs.delete(job.handle);
  poller.delete(job.handle);
  if (job.failedWith !== undefined) totals.broken++;
}

function step(job) {
  totals.bytes += job.step();
  if (job.done) finish(job);
  else if (job.interest !== undefined) poller.modify(job.handle, job.interest);
}

/** Something happens that explains why jobs fail: all of them, or one. */
function excuse(why, ones = jobs.values()) {
  for (const job of ones) job.excuse ??= why;
}

const ring = () => random.of([4096, 65536, 2 ** 20]);
const rings = () => ({ receiveBuffer: ring(), sendBuffer: ring() });

/** Asks the peer for connections to our server. The outcome is not checked: the peer may be stopped. */
function ask(what) {
  const asker = runtime.connect({ host, port: peer.ports.tcp });
  asker.write(`${JSON.stringify(what)}\n`);
  asker.end();
  asker.close();
}

const OPEN = [
  [4, () => add(new Exchange(runtime.connect({ host, port: peer.ports.tcp, ...rings() }), "TCP", random))],
  [
    2,
    () =>
      add(
        new Exchange(
          runtime.connect({ host, port: peer.ports.tls, ...rings(), tls: { rejectUnauthorized: false } }),
          "TLS",
          random,
        ),
      ),
  ],
  [2, () => add(new Upgraded(runtime.connect({ host, port: peer.ports.tcp, ...rings() }), "started TLS", random))],
  [2, () => add(new Exchange(runtime.connect({ path: peer.ports.path, ...rings() }), "a Unix socket", random))],
  [
    2,
    () =>
      add(
        new Exchange(runtime.connect({ host: runtime.resolve("localhost"), port: peer.ports.tcp }), "a name", random),
      ),
  ],
  [3, () => ask({ connect: server.port, count: 1 + random.below(3) })],
  [1, () => ask({ garbage: scanned.port, count: 1 + random.below(5) })],
  [2, () => add(new Lines(runtime, peer.ports.tcp, random))],
  [1, () => add(new Datagrams(runtime, peer.ports.udp, random))],
  [1, () => refused()],
  [0.5, () => aside(random.of(asides))],
];

/** A feature beside connections, exercised in one go: cancelled waits, an input, datagrams, a look-up, a WebSocket, or a page over HTTP. */
function aside(exercise) {
  exercise(runtime);
  totals.asides++;
}

/** No server listens there. */
function refused() {
  const socket = runtime.connect({ host, port: 1 });
  if (socket.waitUntilConnected(10_000) !== "failure") throw new Finding("port 1 answers");
  socket.close();
}

/** Every job must get the death of the networking threads as an error, after the bytes that had arrived before. */
function mourn() {
  excuse("the networking threads were ended");
  const deadline = performance.now() + 15_000;
  while (jobs.size > 0 || !runtime.dead) {
    for (const job of [...jobs.values()]) step(job);
    server.waitUntilAcceptable(10); // as good as any other wait
    if (performance.now() > deadline)
      throw new Finding(`${[...jobs.values()][0]?.describe()} outlives its networking thread`);
  }
}

function renew() {
  for (const job of [...jobs.values()]) {
    job.end();
    finish(job);
  }
  runtime.close();
  ended = workers.length;
  runtime = createRuntime({ threads: 1 + random.below(2) });
  server = runtime.listen({ host });
  scanned = runtime.listen({ host });
  ending = runtime.listen({ host, receiveBuffer: 4096 });
  poller = new Poller();
}

const FAULTS = {
  "peer stopped": [8, () => peer.stop(20 + random.below(400))],
  "program busy": [8, () => pause(random.below(300))],
  "reset by us": [
    8,
    () => {
      const job = random.of([...jobs.values()]);
      if (job === undefined) return;
      job.handle.reset?.();
      job.end();
      finish(job);
    },
  ],
  "peer killed": [
    2,
    () => {
      excuse("the peer was killed");
      peer.kill();
      killed = performance.now();
      peer = new PeerProcess(folder);
    },
  ],
  "program ended": [
    1,
    () => {
      const how = random.of(ENDINGS);
      const bytes = 2_000_000 + random.below(10_000_000); // more than the system's own buffers hold
      const job = JSON.stringify({ port: ending.port, seed: random.below(1000), bytes, how });
      spawn(process.execPath, [ENDING_PROGRAM, job], { stdio: "ignore" }).unref();
    },
  ],
  "runtime closed": [1, () => renew()],
  "networking thread terminated": [
    1,
    () => {
      for (const worker of workers.slice(ended)) void worker.terminate();
      mourn();
      renew();
    },
  ],
};

function strike() {
  const name = random.weighted(Object.entries(FAULTS).map(([each, [weight]]) => [weight, each]));
  faults[name] = (faults[name] ?? 0) + 1;
  FAULTS[name][1]();
}

function acceptAll() {
  for (let client = server.accept(); client !== null; client = server.accept()) {
    const job = new Exchange(client, "an accepted connection", random);
    // Connections of a peer that was killed may have waited in the server's queue.
    if (performance.now() < killed + 5000) job.excuse = "the peer may have been killed";
    add(job);
  }
  for (let client = ending.accept(); client !== null; client = ending.accept()) add(new Ending(client, random));
  for (let client = scanned.accept(); client !== null; client = scanned.accept()) {
    try {
      client.readLine(0, { maxLength: 1000 });
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
    }
    client.close();
    totals.scans++;
  }
}

/**
 * The poller is level-triggered: it reports a connection as long as there is something to do on it. The networking thread first
 * publishes a position, then queues the slot, and may be preempted in between; so a report may be late, but only by seconds.
 */
function compareReports() {
  let due = [...jobs.values()].filter((job) => job.due);
  const deadline = performance.now() + 5000;
  for (let reported = poller.wait(0); ; reported = poller.wait(10)) {
    due = due.filter(({ handle }) => !reported.includes(handle));
    if (due.length === 0) return;
    if (performance.now() > deadline) throw new Finding(`the poller does not report ${due[0].describe()}`);
  }
}

const memory = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
const summary = () => ({ ...totals, gigabytes: Number((totals.bytes / 1e9).toFixed(3)), faults, megabytes: memory() });

async function soak() {
  for (const exercise of asides) aside(exercise);
  const start = performance.now();
  const end = start + minutes * 60_000;
  let nextFault = start + 1000;
  let nextReport = start + 10_000;
  while (performance.now() < end) {
    if (jobs.size < MOST_JOBS && random.chance(0.3)) random.weighted(OPEN)();
    acceptAll();
    for (const handle of [...poller.wait(jobs.size < MOST_JOBS ? 1 : 20)]) {
      const job = jobs.get(handle);
      if (job !== undefined) step(job);
    }
    // Exchanges go on only when the poller reports them; the others may have something to write at any time.
    for (const job of [...jobs.values()]) if (job.interest === undefined && random.chance(0.2)) step(job);
    if (random.chance(0.05)) compareReports();
    if (performance.now() > nextFault) {
      nextFault = performance.now() + random.below(2 * FAULT_MS);
      strike();
    }
    if (performance.now() > nextReport) {
      nextReport += 10_000;
      console.log(JSON.stringify({ seconds: Math.round((performance.now() - start) / 1000), ...summary() }));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  // Lets the remaining jobs end.
  const last = performance.now() + 90_000;
  while (jobs.size > 0) {
    acceptAll();
    poller.wait(5);
    for (const job of [...jobs.values()]) step(job);
    if (performance.now() > last)
      throw new Finding(`${[...jobs.values()].map((job) => job.describe()).join("\n")} do not end`);
  }
  runtime.close();
}

const before = readdirSync("/proc/self/fd").length;
let failure = null;
try {
  await soak();
} catch (error) {
  failure = error;
}
peer.kill();
if (failure === null) {
  // Threads that were ended give their descriptors back in the event loop.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const after = readdirSync("/proc/self/fd").length;
  if (after > before) failure = new Finding(`${after - before} descriptors are not back`);
}
const errors = readdirSync(folder).filter((name) => name.endsWith(".errors"));
const complaints = errors.map((name) => readFileSync(join(folder, name), "utf8")).join("");
if (complaints !== "") failure = new Finding(`${failure?.message ?? ""}\nThe peer complains: ${complaints}`);
rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify({ event: failure === null ? "good" : "bad", seed, ...summary() }));
if (failure !== null) console.error(failure instanceof Finding ? failure.message : failure.stack);
process.exit(failure === null ? 0 : 1);
