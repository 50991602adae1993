/**
 * CPU time of a process that has one open connection, used a moment ago, and nothing to do: in its event loop, and blocked
 * in a wait for bytes that don't come.
 */
import { setTimeout as delay } from "node:timers/promises";

const SETTLE_MS = 200;

/** Percent of one core since `before`. @param {NodeJS.CpuUsage} before @param {number} start */
function percent(before, start) {
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / (performance.now() - start)) * 100;
}

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "idle",
  title: "CPU time when idle",
  service: "echo",
  rounds: 3,
  metrics: [
    { id: "loop", label: "CPU when idle in the event loop", unit: "%", better: "lower" },
    { id: "blocked", label: "CPU when blocked in a wait", unit: "%", better: "lower" },
  ],
  async blocking(run, contender) {
    const watcher = contender.watch();
    const connection = contender.connect(run.host, run.port);
    const message = Buffer.alloc(64);
    watcher.add(connection);
    for (let i = 0; i < 100; i++) {
      connection.send(message);
      for (let got = 0; got < 64; ) got += connection.receive(message);
    }
    watcher.wait(SETTLE_MS);
    let start = performance.now();
    let before = process.cpuUsage();
    watcher.wait(run.seconds * 3000);
    const blocked = percent(before, start);
    await delay(SETTLE_MS);
    start = performance.now();
    before = process.cpuUsage();
    await delay(run.seconds * 3000);
    return { loop: percent(before, start), blocked };
  },
  async events(run, contender) {
    const socket = await contender.connect(run.host, run.port);
    socket.on("data", () => {});
    for (let i = 0; i < 100; i++) {
      socket.write(Buffer.alloc(64));
      await new Promise((resolve) => socket.once("data", resolve));
    }
    await delay(SETTLE_MS);
    const start = performance.now();
    const before = process.cpuUsage();
    await delay(run.seconds * 3000);
    return { loop: percent(before, start) };
  },
};
