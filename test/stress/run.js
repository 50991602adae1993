/**
 * Stress of the rings on real threads: `node test/stress/run.js [bytes] [seed]` moves this many bytes (10 GB by default)
 * through rings of 16 bytes to 1 MiB, verifies each of them, and prints figures. Fails at the first wrong byte or lost wake-up.
 *
 * Test code. Runs on the built package; `npm run stress` builds it first.
 */

import { Worker } from "node:worker_threads";
import { cases, parts } from "./cases.js";

const [bytes = "10e9", seedText = String(Date.now() % 1e9)] = process.argv.slice(2);
const total = Number(bytes);
const seed = Number(seedText);
if (!(total > 0) || !Number.isInteger(seed)) {
  console.error("usage: node test/stress/run.js [bytes] [seed]");
  process.exit(2);
}
/** No case may take longer, however slow the machine: s. */
const LONGEST_CASE = 1800;

const threads = Array.from({ length: 3 }, () => new Worker(new URL("./ends.js", import.meta.url)));

/** Runs a part on a thread; resolves with its figures. */
function play(thread, message) {
  return new Promise((resolve, reject) => {
    thread.once("error", reject);
    thread.once("message", ({ figures, error }) => {
      thread.off("error", reject);
      if (error === undefined) resolve(figures);
      else reject(new Error(error));
    });
    thread.postMessage(message);
  });
}

function row(...cells) {
  const widths = [8, 9, 6, 14, 9, 10, 10, 9];
  return cells
    .map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
    .join(" ");
}

function number(value) {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

const begin = performance.now();
console.log(`Node ${process.version} on ${process.platform} ${process.arch}; seed ${seed}`);
console.log(row("kind", "ring", "below", "bytes", "MB/s", "sleeps", "spurious", "pauses"));
let moved = 0;
try {
  for (const [index, entry] of cases(total).entries()) {
    const started = performance.now();
    const watchdog = setTimeout(() => {
      console.error(`the case takes longer than ${LONGEST_CASE} s`);
      process.exit(1);
    }, LONGEST_CASE * 1000);
    const played = parts(entry, seed + 100 * index).map((message, i) => play(threads[i], message));
    const figures = await Promise.all(played);
    const sum = (name) => figures.reduce((all, each) => all + (each[name] ?? 0), 0);
    clearTimeout(watchdog);
    const seconds = (performance.now() - started) / 1000;
    const words = entry.kind === "swarm" || entry.kind === "doorbell";
    if (!words) moved += entry.total;
    const rate = words ? "" : number(entry.total / 1e6 / seconds);
    const counts = [sum("sleeps"), sum("vain"), entry.kind === "flow" ? sum("pauses") : ""];
    console.log(row(entry.kind, entry.capacity, entry.start, number(entry.total), rate, ...counts));
  }
} catch (error) {
  console.error(`seed ${seed}: ${error.message}`);
  process.exit(1);
}
for (const thread of threads) thread.terminate();
const seconds = (performance.now() - begin) / 1000;
console.log(`${number(moved)} bytes verified in ${seconds.toFixed(1)} s: none lost, repeated, reordered or changed`);
