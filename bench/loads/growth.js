/**
 * What a request and its answer cost as connections grow: CPU time of the process, all threads, once each connection has been used.
 * Up to 60,000 connections, or as many as a process may have open here.
 */
import { readFileSync } from "node:fs";
import { blockingTurns, eventTurns } from "./turns.js";

/** Files that are no connections. */
const OTHERS = 500;

/** How many files a process may have open; Node raises its own limit to that. */
function allowedFiles() {
  if (process.platform !== "linux") return 10_000;
  return Number(
    /^Max open files +\S+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Number.POSITIVE_INFINITY,
  );
}

const most = allowedFiles() - OTHERS;
const numbers = [...new Set([10, 100, 1000, 10_000, 60_000].map((count) => Math.min(count, most)))];

/** @param {Map<number, import("./turns.js").Taken>} turns */
const costs = (turns) => Object.fromEntries([...turns].map(([count, { done, cpu }]) => [count, cpu / done]));

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "growth",
  title: "CPU time as connections grow",
  service: "echo",
  numbers,
  numbersOf: {
    // A call for each connection, and a descriptor set that holds no more.
    synckit: [10, 100],
    jco: [10, 100],
  },
  rounds: 3,
  metrics: numbers.map((count) => ({
    id: `${count}`,
    label: `CPU time of a request over ${count.toLocaleString("en")} connections`,
    unit: "s",
    better: "lower",
  })),
  blocking: (run, contender) => costs(blockingTurns(run, contender, true)),
  events: async (run, contender) => costs(await eventTurns(run, contender, true)),
};
