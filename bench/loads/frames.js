/**
 * A program that checks its idle connections once a frame: one poll of all of them, and one read of one.
 * For node:net a frame is one turn of its event loop.
 */

/** Calls between two readings of the clock. */
const BATCH = 100;

/** Seconds that one call takes. @param {number} seconds @param {() => unknown} call */
function time(seconds, call) {
  for (let i = 0; i < 10; i++) call();
  const start = performance.now();
  const end = start + seconds * 1000;
  let now = start;
  let done = 0;
  let size = 1;
  for (; now < end; now = performance.now(), done += size) {
    if (now - start < 1 && size < BATCH) size *= 2; // a call may be slow: start with few
    for (let i = 0; i < size; i++) call();
  }
  return (now - start) / done / 1000;
}

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "frames",
  title: "a frame that polls idle connections",
  service: "echo",
  numbers: [10, 1000, 10_000],
  numbersOf: { jco: [10, 1000], synckit: [10, 1000] },
  rounds: 3,
  metrics: [
    ...[10, 1000, 10_000].map((count) => ({
      id: `poll-${count}`,
      label: `poll of ${count.toLocaleString("en")} idle connections`,
      unit: /** @type {const} */ ("s"),
      better: /** @type {const} */ ("lower"),
    })),
    { id: "read", label: "read(4096) of an idle connection", unit: "s", better: "lower" },
    { id: "look", label: "read into a buffer, idle connection", unit: "s", better: "lower" },
  ],
  blocking(run, contender) {
    const watcher = contender.watch();
    const target = Buffer.alloc(4096);
    /** @type {import("../contenders/contract.js").Connection[]} */
    const connections = [];
    /** @type {import("../contenders/contract.js").Result} */
    const result = {};
    for (const count of run.numbers) {
      while (connections.length < count) {
        const connection = contender.connect(run.host, run.port);
        watcher.add(connection);
        connections.push(connection);
      }
      watcher.wait(0);
      result[`poll-${count}`] = time(run.seconds, () => watcher.wait(0));
    }
    const [one] = connections;
    if (one?.read) result.read = time(run.seconds, () => one.read?.());
    if (one) result.look = time(run.seconds, () => one.tryRead(target));
    return result;
  },
  async events(run, contender) {
    /** @type {import("node:net").Socket[]} */
    const sockets = [];
    /** @type {import("../contenders/contract.js").Result} */
    const result = {};
    for (const count of run.numbers) {
      while (sockets.length < count) {
        const socket = await contender.connect(run.host, run.port);
        socket.on("readable", () => {});
        sockets.push(socket);
      }
      const start = performance.now();
      let turns = 0;
      for (; performance.now() < start + run.seconds * 1000; turns++) await new Promise(setImmediate);
      result[`poll-${count}`] = (performance.now() - start) / turns / 1000;
    }
    const [one] = sockets;
    if (one) result.read = time(run.seconds, () => one.read());
    return result;
  },
};
