/**
 * A hostile guest of ringnet/wasi: `node wasi.js <calls> <seed>`. Random calls on random resources, many of them dropped, in any state, with
 * values that are almost right or extreme, but of the types that a component can pass. A call may return, throw a code of the WIT or a stream
 * error, or trap; nothing else may come out, and nothing may take long. Calls that may block rightly are made when they must not.
 *
 * Prints a line of JSON. Run it with more calls for a longer search: `node test/fuzz/programs/wasi.js 1000000`.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { stdin } from "ringnet/wasi/cli";
import { monotonicClock } from "ringnet/wasi/clocks";
import { error, poll } from "ringnet/wasi/io";
import {
  createSockets,
  instanceNetwork,
  ipNameLookup,
  network,
  tcpCreateSocket,
  udpCreateSocket,
} from "ringnet/wasi/sockets";
import { Random } from "./random.js";

const calls = Number(process.argv[2]);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
const random = new Random(seed);

/** Prints its ports: servers that echo, only read, only write, end at once, and reset; a UDP socket that echoes. */
const PEER = `
  const net = require("node:net");
  const udp = require("node:dgram").createSocket("udp4");
  udp.on("message", (bytes, { port, address }) => udp.send(bytes, port, address)).on("error", () => {});
  const servers = [
    (s) => s.pipe(s),
    (s) => s.resume(),
    (s) => { const more = () => { while (s.writable && s.write(Buffer.alloc(10000))); }; s.on("drain", more); more(); },
    (s) => s.resume().end("bye"),
    (s) => s.once("data", () => s.resetAndDestroy()),
  ].map((serve) => net.createServer({ allowHalfOpen: true }, (s) => serve(s.on("error", () => {}))));
  (async () => {
    for (const server of servers) await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    await new Promise((resolve) => udp.bind(0, "127.0.0.1", resolve));
    console.log(JSON.stringify([...servers, udp].map((each) => each.address().port)));
  })();
  process.stdin.on("end", () => process.exit()).resume();`;
const peer = spawn(process.execPath, ["-e", PEER], { stdio: ["pipe", "pipe", "inherit"] });
const ports = JSON.parse(String((await once(peer.stdout, "data"))[0]));

const DISPOSE = Symbol.dispose ?? Symbol.for("dispose");
const LONGEST = 4000;
const CODES = new Set(
  `unknown access-denied not-supported invalid-argument out-of-memory timeout concurrency-conflict not-in-progress would-block invalid-state
  new-socket-limit address-not-bindable address-in-use remote-unreachable connection-refused connection-reset connection-aborted
  datagram-too-large name-unresolvable temporary-resolver-failure permanent-resolver-failure`.split(/\s+/),
);

/** Whether a guest may see what was thrown. */
function isAllowed(thrown) {
  if (typeof thrown === "string") return CODES.has(thrown);
  if (thrown instanceof WebAssembly.RuntimeError) return thrown.message.startsWith("trap: ");
  if (thrown?.tag === "closed") return true;
  if (thrown?.tag !== "last-operation-failed" || !(thrown.val instanceof error.Error)) return false;
  const code = network.networkErrorCode(thrown.val);
  return typeof thrown.val.toDebugString() === "string" && (code === undefined || CODES.has(code));
}

/** The resources that a guest holds, by kind; dropped ones stay for a while. */
const held = {
  tcp: [],
  udp: [],
  input: [],
  output: [],
  incoming: [],
  outgoing: [],
  names: [],
  pollable: [],
  network: [],
};
const MOST = 12;
held.network.push(instanceNetwork.instanceNetwork(), new network.Network());
held.network.push(createSockets({ enableNetwork: false }).instanceNetwork.instanceNetwork());

function hold(kind, resource) {
  const list = held[kind];
  if (list.length >= MOST) list.splice(random.below(list.length), 1)[0][DISPOSE]?.();
  list.push(resource);
}

const u64 = () =>
  random.of([
    () => 0n,
    () => 1n,
    () => BigInt(random.size(1e6)),
    () => 2n ** 32n,
    () => 2n ** 63n,
    () => 2n ** 64n - 1n,
  ])();
const u32 = () => random.of([() => 0, () => 1, () => random.size(1e6), () => 2 ** 31, () => 2 ** 32 - 1])();
const u8 = () => random.of([0, 1, 64, 255]);
const bytes = (most) => new Uint8Array(random.chance(0.2) ? 0 : random.size(most)).fill(random.below(256));
const family = () => random.of(["ipv4", "ipv4", "ipv6"]);
const port = () => random.of([0, 1, 65535, ...ports, ...ports]);

/** Loopback, and addresses that must be refused. */
function address() {
  if (random.chance(0.3)) {
    const groups = random.of([
      [0, 0, 0, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    return {
      tag: "ipv6",
      val: { port: port(), flowInfo: u32(), address: groups, scopeId: random.chance(0.8) ? 0 : u32() },
    };
  }
  return ipv4([127, 0, 0, 1], [127, 0, 0, 1], [127, 9, 8, 7], [0, 0, 0, 0]);
}
const ipv4 = (...addresses) => ({ tag: "ipv4", val: { port: port(), address: random.of(addresses) } });
const multicast = () => ipv4([224, 0, 0, 1], [255, 255, 255, 255]);
const name = () =>
  random.of([
    "localhost",
    "127.0.0.1",
    "::1",
    "[::1]",
    "",
    "\0",
    "a b",
    "-".repeat(300),
    "\u00fc\u{10ffff}",
    "[127.0.0.1]",
    "%",
    "::1%lo",
  ]);
const datagrams = () =>
  Array.from({ length: random.of([0, 1, 3, 64, 65, 1000]) }, () => ({
    data: bytes(random.chance(0.1) ? 100_000 : 100),
    remoteAddress: random.chance(0.5) ? address() : undefined,
  }));

const any = (kind) => random.of(held[kind]);
const timer = () => monotonicClock.subscribeDuration(BigInt(random.below(2_000_000)));
/** Whether a call that waits for the resource returns at once. */
const ready = (resource) => resource.subscribe().ready();
function streams([input, output]) {
  hold("input", input);
  hold("output", output);
}
/** Whether all that `blocking-write-and-flush` takes fits; what fails does not block either. */
function roomy(output) {
  try {
    return output.checkWrite() > 8192n;
  } catch {
    return true;
  }
}

/** By kind of resource: calls by name. */
const METHODS = {
  tcp: {
    startBind: (s) => s.startBind(any("network"), random.chance(0.9) ? address() : multicast()),
    finishBind: (s) => s.finishBind(),
    startConnect: (s) => s.startConnect(any("network"), random.chance(0.9) ? address() : multicast()),
    finishConnect: (s) => streams(s.finishConnect()),
    startListen: (s) => s.startListen(),
    finishListen: (s) => s.finishListen(),
    accept(s) {
      const [socket, ...both] = s.accept();
      hold("tcp", socket);
      streams(both);
    },
    localAddress: (s) => s.localAddress(),
    remoteAddress: (s) => s.remoteAddress(),
    isListening: (s) => s.isListening(),
    addressFamily: (s) => s.addressFamily(),
    setListenBacklogSize: (s) => s.setListenBacklogSize(u64()),
    keepAliveEnabled: (s) => s.keepAliveEnabled(),
    setKeepAliveEnabled: (s) => s.setKeepAliveEnabled(random.chance(0.5)),
    setKeepAliveIdleTime: (s) => s.setKeepAliveIdleTime(u64()),
    setKeepAliveInterval: (s) => s.setKeepAliveInterval(u64()),
    setKeepAliveCount: (s) => s.setKeepAliveCount(u32()),
    setHopLimit: (s) => s.setHopLimit(u8()),
    setReceiveBufferSize: (s) => s.setReceiveBufferSize(u64()),
    setSendBufferSize: (s) => s.setSendBufferSize(u64()),
    shutdown: (s) => s.shutdown(random.of(["receive", "send", "both"])),
  },
  udp: {
    startBind: (s) => s.startBind(any("network"), random.chance(0.9) ? address() : multicast()),
    finishBind: (s) => s.finishBind(),
    stream(s) {
      const [incoming, outgoing] = s.stream(random.chance(0.5) ? address() : undefined);
      hold("incoming", incoming);
      hold("outgoing", outgoing);
    },
    localAddress: (s) => s.localAddress(),
    remoteAddress: (s) => s.remoteAddress(),
    setUnicastHopLimit: (s) => s.setUnicastHopLimit(u8()),
    setReceiveBufferSize: (s) => s.setReceiveBufferSize(u64()),
  },
  incoming: { receive: (s) => s.receive(u64()) },
  outgoing: { checkSend: (s) => s.checkSend(), send: (s) => s.send(datagrams()) },
  names: { resolveNextAddress: (s) => s.resolveNextAddress() },
  input: {
    read: (s) => s.read(u64()),
    skip: (s) => s.skip(u64()),
    blockingRead: (s) => ready(s) && s.blockingRead(u64()),
    blockingSkip: (s) => ready(s) && s.blockingSkip(u64()),
  },
  output: {
    checkWrite: (s) => s.checkWrite(),
    write: (s) => s.write(bytes(100_000)),
    writeZeroes: (s) => s.writeZeroes(u64()),
    flush: (s) => s.flush(),
    blockingFlush: (s) => roomy(s) && s.blockingFlush(),
    blockingWriteAndFlush: (s) => roomy(s) && s.blockingWriteAndFlush(bytes(5000)),
    blockingWriteZeroesAndFlush: (s) =>
      roomy(s) && s.blockingWriteZeroesAndFlush(random.of([0n, 1n, 4096n, 4097n, 2n ** 64n - 1n])),
    splice: (s) => s.splice(any("input"), u64()),
    blockingSplice(s) {
      const source = any("input");
      if (ready(source) && roomy(s)) s.blockingSplice(source, u64());
    },
  },
  pollable: {
    ready: (p) => p.ready(),
    block: (p) => p.ready() && p.block(),
  },
};

const SUBSCRIBABLE = ["tcp", "udp", "incoming", "outgoing", "names", "input", "output"];
const OTHERS = {
  createTcpSocket: () => hold("tcp", tcpCreateSocket.createTcpSocket(family())),
  createUdpSocket: () => hold("udp", udpCreateSocket.createUdpSocket(family())),
  resolveAddresses: () => hold("names", ipNameLookup.resolveAddresses(any("network"), name())),
  getStdin: () => hold("input", stdin.getStdin()),
  subscribe: () => hold("pollable", any(random.of(SUBSCRIBABLE.filter((kind) => held[kind].length > 0))).subscribe()),
  subscribeInstant: () => hold("pollable", monotonicClock.subscribeInstant(u64())),
  subscribeDuration: () => hold("pollable", monotonicClock.subscribeDuration(u64())),
  poll: () => poll.poll([...Array.from({ length: random.below(8) }, () => any("pollable")).filter(Boolean), timer()]),
  pollNothing: () => poll.poll([]),
  drop: () => any(random.of(Object.keys(held).filter((kind) => held[kind].length > 0)))[DISPOSE]?.(),
  /** What a sensible guest does, so that there are connections. */
  connect(limit = 1_000_000_000n) {
    const socket = tcpCreateSocket.createTcpSocket("ipv4");
    hold("tcp", socket);
    socket.startConnect(held.network[0], {
      tag: "ipv4",
      val: { port: random.of(ports.slice(0, 5)), address: [127, 0, 0, 1] },
    });
    poll.poll([socket.subscribe(), monotonicClock.subscribeDuration(limit)]);
    streams(socket.finishConnect());
  },
};

const kinds = Object.entries(METHODS).flatMap(([kind, methods]) =>
  Object.entries(methods).map(([method, call]) => [`${kind}.${method}`, kind, call]),
);
const result = { event: "done", seed, returned: 0, thrown: 0, longest: 0, problem: null };
// The first connection also starts the networking thread.
OTHERS.connect(30_000_000_000n);
for (const open of [OTHERS.createTcpSocket, OTHERS.createUdpSocket, OTHERS.subscribe]) open();

for (let i = 0; i < calls && result.problem === null; i++) {
  let current;
  let call;
  if (random.chance(0.3)) [current, call] = random.of(Object.entries(OTHERS));
  else {
    const [named, kind, method] = random.of(kinds);
    if (held[kind].length === 0) continue;
    current = named;
    const resource = any(kind);
    call = () => method(resource);
  }
  const start = performance.now();
  try {
    const value = call();
    if (value?.buffer instanceof SharedArrayBuffer) result.problem = `${current} returned shared memory`;
    result.returned++;
  } catch (thrown) {
    result.thrown++;
    if (!isAllowed(thrown)) result.problem = `call ${i}, ${current}, threw ${thrown?.stack ?? JSON.stringify(thrown)}`;
  }
  const took = performance.now() - start;
  if (took > result.longest) result.longest = took;
  if (took > LONGEST) result.problem = `call ${i}, ${current}, took ${took} ms`;
}
writeSync(1, `${JSON.stringify(result)}\n`);
peer.stdin.end();
process.exit();
