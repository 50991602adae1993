/**
 * What an open connection costs in resident memory of the whole process: after it was opened, and after 64 bytes went
 * there and back over it. The first few connections are not counted, because they start what all share.
 */
const BYTES = 64;

/** Resident bytes after a full collection. */
function resident() {
  const collect = /** @type {() => void} */ (globalThis.gc);
  collect();
  collect();
  return process.memoryUsage.rss();
}

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "memory",
  title: "memory of an idle connection",
  service: "echo",
  numbers: [500, 3000],
  numbersOf: { jco: [100, 500], synckit: [100, 1000] },
  rounds: 3,
  nodeFlags: ["--expose-gc"],
  metrics: [
    { id: "opened", label: "memory of a connection, opened", unit: "B", better: "lower" },
    { id: "used", label: "memory of a connection, used once", unit: "B", better: "lower" },
  ],
  blocking(run, contender) {
    const [few = 0, many = 0] = run.numbers;
    const message = Buffer.alloc(BYTES);
    /** @param {import("../contenders/contract.js").Connection} connection */
    const use = (connection) => {
      connection.send(message);
      for (let got = 0; got < BYTES; ) got += connection.receive(message);
    };
    const first = Array.from({ length: few }, () => contender.connect(run.host, run.port));
    first.forEach(use);
    const before = resident();
    const connections = Array.from({ length: many }, () => contender.connect(run.host, run.port));
    const opened = (resident() - before) / many;
    connections.forEach(use);
    return { opened, used: (resident() - before) / many };
  },
  async events(run, contender) {
    const [few = 0, many = 0] = run.numbers;
    const message = Buffer.alloc(BYTES);
    /** @param {number} count */
    const open = async (count) => {
      const sockets = [];
      while (sockets.length < count) sockets.push(await contender.connect(run.host, run.port));
      for (const socket of sockets) socket.on("data", () => {});
      return sockets;
    };
    /** @param {import("node:net").Socket} socket */
    const use = (socket) => {
      socket.write(message);
      return new Promise((resolve) => socket.once("data", resolve));
    };
    for (const socket of await open(few)) await use(socket);
    const before = resident();
    const sockets = await open(many);
    const opened = (resident() - before) / many;
    for (const socket of sockets) await use(socket);
    return { opened, used: (resident() - before) / many };
  },
};
