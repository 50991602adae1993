/**
 * Sends datagrams to a name without an answer, and to IPs and other names behind it: `node datagrams-to-names.js <answered name>`. The
 * answered name is 127.0.0.1.
 */

import { bindUdp } from "ringnet";
import { say } from "./say.js";

const [answered] = process.argv.slice(2);
const target = bindUdp({ host: "127.0.0.1" });
const NEVER = "never.example";

/** The numbers that arrive within `milliseconds`, up to `count` of them, and how long the last one took. */
function receive(count, milliseconds = 5000) {
  const start = performance.now();
  const numbers = [];
  let last = 0;
  while (numbers.length < count && performance.now() - start < milliseconds) {
    target.waitUntilReadable(20);
    for (let datagram = target.receive(); datagram !== null; datagram = target.receive()) {
      numbers.push(Number(String(datagram.data)));
      last = performance.now() - start;
    }
  }
  return { numbers, milliseconds: last };
}

/** Sends all of `count` numbers; how many errors of earlier datagrams were thrown, by their codes. */
function send(socket, count, host, size = 0) {
  const codes = {};
  for (let i = 0; i < count; i++) {
    for (;;) {
      try {
        if (socket.send(String(i).padEnd(size), target.port, typeof host === "function" ? host(i) : host)) break;
        if (!socket.waitUntilWritable(2000)) throw Object.assign(new Error("no room"), { code: "NO_ROOM" });
      } catch (error) {
        codes[error.code] = (codes[error.code] ?? 0) + 1;
        if (error.code === "NO_ROOM") return codes;
      }
    }
  }
  return codes;
}

// One to a name without an answer, then many to an IP, a few at a time: the kernel's buffer holds no more.
const one = bindUdp({ host: "127.0.0.1" });
send(one, 1, NEVER);
let [received, inOrder, slowest] = [0, true, 0];
for (let round = 0; round < 6; round++) {
  send(one, 100, "127.0.0.1");
  const { numbers, milliseconds } = receive(100);
  received += numbers.length;
  inOrder &&= numbers.every((number, i) => number === i);
  slowest = Math.max(slowest, milliseconds);
}
say("behind one", { received, inOrder, milliseconds: slowest });
say("pending", { bytes: one.waitUntilDrained(100) });
const closing = performance.now();
one.close();
say("closed", { milliseconds: performance.now() - closing });

// Every second one to a name without an answer, the others to one with an answer.
const mixed = bindUdp({ host: "127.0.0.1" });
send(mixed, 400, (i) => (i % 2 === 0 ? NEVER : answered));
const answers = receive(200);
say("mixed", {
  received: answers.numbers.length,
  inOrder: answers.numbers.every((number, i) => number === 2 * i + 1),
  milliseconds: answers.milliseconds,
});

// More to such names than there is room for: they are dropped and reported, and IPs are still reached.
const flood = bindUdp({ host: "127.0.0.1" });
const codes = send(flood, 5000, NEVER, 500);
const behind = send(flood, 10, "127.0.0.1");
const last = receive(10);
say("flood", { codes: { ...codes, ...behind }, received: last.numbers.length, milliseconds: last.milliseconds });

// A call that changes the socket does not wait for the look-up.
const start = performance.now();
mixed.setTtl(7);
say("call", { milliseconds: performance.now() - start });
process.exit();
