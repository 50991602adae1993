/** Many connections, each with one 64-byte request under way: how many answers a second. */

const BYTES = 64;

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "requests",
  title: "request and response over many connections",
  service: "echo",
  numbers: [1, 10, 100, 1000],
  metrics: [1, 10, 100, 1000].map((count) => ({
    id: `${count}`,
    label: `requests over ${count.toLocaleString("en")} connection${count > 1 ? "s" : ""}`,
    unit: "/s",
    better: "higher",
  })),
  blocking(run, contender) {
    const watcher = contender.watch();
    const message = Buffer.alloc(BYTES);
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
      const start = performance.now();
      const end = start + run.seconds * 1000;
      let flying = count;
      let done = 0;
      let now = start;
      for (const connection of connections) connection.send(message);
      while (flying > 0) {
        const ready = watcher.wait(5000);
        if (ready.length === 0) throw new Error("no answer came");
        now = performance.now();
        for (const connection of ready) {
          if (connection.tryRead(message) < BYTES) continue; // the answers are so small that they come whole
          done++;
          if (now < end) connection.send(message);
          else flying--;
        }
      }
      result[count] = (done / (now - start)) * 1000;
    }
    return result;
  },
  async events(run, contender) {
    const message = Buffer.alloc(BYTES);
    /** @type {import("node:net").Socket[]} */
    const sockets = [];
    /** @type {import("../contenders/contract.js").Result} */
    const result = {};
    let done = 0;
    let flying = 0;
    let end = 0;
    let stopped = () => {};
    for (const count of run.numbers) {
      while (sockets.length < count) {
        const socket = await contender.connect(run.host, run.port);
        socket.on("data", (bytes) => {
          if (bytes.length < BYTES) return;
          done++;
          if (performance.now() < end) socket.write(message);
          else if (--flying === 0) stopped();
        });
        sockets.push(socket);
      }
      const start = performance.now();
      end = start + run.seconds * 1000;
      flying = count;
      done = 0;
      await new Promise((resolve) => {
        stopped = () => resolve(null);
        for (const socket of sockets) socket.write(message);
      });
      result[count] = (done / (performance.now() - start)) * 1000;
    }
    return result;
  },
};
