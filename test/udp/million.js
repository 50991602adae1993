/**
 * A million numbered datagrams on loopback, to a socket of ours and from one: `npm run build`, then `node test/udp/million.js [count]`.
 *
 * Prints what became of them and how long it took; ends with code 1 unless every one is accounted for: received, dropped by the full
 * ring, or lost by the kernel, none corrupted, none twice. The other end is a process of its own (support/udp-peer.js).
 */

import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bindUdp, poll } from "ringnet";
import { fillNumbered, NumberedTally } from "./support/numbered.js";

const COUNT = Number(process.argv[2] ?? 1_000_000);
const PATIENCE_MS = 120_000;
const folder = mkdtempSync(join(tmpdir(), "ringnet-million-"));
const peers = [];
process.on("exit", () => {
  for (const peer of peers) peer.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A peer whose events can be read while this thread blocks: they go to a file. */
function startPeer(options) {
  const output = join(folder, `peer-${peers.length}`);
  const program = fileURLToPath(new URL("support/udp-peer.js", import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify({ host: "127.0.0.1", ...options })], {
    stdio: ["pipe", openSync(output, "w"), "inherit"],
  });
  child.unref();
  peers.push(child);
  const events = (kind) =>
    readFileSync(output, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === kind);
  const waitFor = (kind, count = 1) => {
    const deadline = performance.now() + PATIENCE_MS;
    for (; performance.now() < deadline; poll([], 2)) {
      const found = events(kind)[count - 1];
      if (found !== undefined) return found;
    }
    throw new Error(`no "${kind}" from the peer in ${PATIENCE_MS} ms`);
  };
  return {
    waitFor,
    events,
    port: waitFor("listening").port,
    tell: (what) => child.stdin.write(`${JSON.stringify(what)}\n`),
  };
}

/** What the kernel threw away at the socket bound to `port` (Linux). */
function lostByKernel(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return ["/proc/net/udp", "/proc/net/udp6"]
    .flatMap((table) => readFileSync(table, "latin1").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(`:${hex}`))
    .reduce((sum, columns) => sum + Number(columns.at(-1)), 0);
}

function show(title, { sent, received, dropped, lost, corrupted, duplicated, disordered }, seconds) {
  const sum = received + dropped + lost;
  const good = sum === sent && corrupted === 0 && duplicated === 0;
  console.log(
    `${title}: ${sent} sent = ${received} received + ${dropped} dropped by the ring + ${lost} lost by the kernel${sum === sent ? "" : `, but the sum is ${sum}`}`,
  );
  console.log(
    `  ${corrupted} corrupted, ${duplicated} twice, ${disordered} out of order; ${seconds.toFixed(2)} s, ${Math.round(received / seconds)} received a second`,
  );
  if (!good) process.exitCode = 1;
}

/** Receives them all. It rests for `rest` ms each time that the ring is empty, so that the ring overflows. */
function receive(title, options, rest) {
  const socket = bindUdp({ host: "127.0.0.1", ...options });
  const peer = startPeer({});
  const tally = new NumberedTally();
  const start = performance.now();
  peer.tell({ do: "numbered", port: socket.port, host: "127.0.0.1", count: COUNT });
  let sum = 0;
  for (let last = start; sum < COUNT && performance.now() - last < 10_000; ) {
    if (socket.waitUntilReadable(100)) last = performance.now();
    for (let datagram = socket.receive(); datagram !== null; datagram = socket.receive()) tally.add(datagram.data);
    if (rest > 0) poll([], rest);
    sum = tally.received + socket.dropped + (peer.events("sent").length > 0 ? lostByKernel(socket.port) : 0);
  }
  const seconds = (performance.now() - start) / 1000;
  const { sent } = peer.waitFor("sent");
  show(title, { sent, ...tally.result, dropped: socket.dropped, lost: lostByKernel(socket.port) }, seconds);
  socket.close();
}

receive("to us", {}, 0);
receive("to us, with a small ring and a reader that rests", { receiveBuffer: 131_072 }, 20);

{
  const socket = bindUdp({ host: "127.0.0.1" });
  const peer = startPeer({ tally: true, receiveBuffer: 1 << 22 });
  const start = performance.now();
  for (let next = 0; next < COUNT; ) {
    if (socket.send(fillNumbered(next), peer.port, "127.0.0.1")) next++;
    else socket.waitUntilWritable(10_000);
  }
  socket.waitUntilDrained(10_000);
  let result;
  for (let asked = 1; ; asked++) {
    peer.tell({ do: "tally" });
    result = peer.waitFor("tally", asked);
    if (result.received + lostByKernel(peer.port) >= COUNT || asked === 500) break;
    poll([], 20);
  }
  const seconds = (performance.now() - start) / 1000;
  show("from us", { sent: COUNT, ...result, dropped: 0, lost: lostByKernel(peer.port) }, seconds);
  socket.close();
}
