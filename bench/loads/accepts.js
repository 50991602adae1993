/** Clients of another program, 32 at a time: the contender accepts each and closes it. */
import net from "node:net";

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "accepts",
  title: "accepts",
  driver: "clients",
  metrics: [{ id: "connections", label: "connections accepted", unit: "/s", better: "higher" }],
  blocking(run, contender) {
    const listener = contender.listen();
    run.ready(listener.port);
    for (let i = 0; i < 1000; i++) listener.accept().close();
    const start = performance.now();
    let done = 0;
    for (; performance.now() < start + run.seconds * 1000; done++) listener.accept().close();
    return { connections: (done / (performance.now() - start)) * 1000 };
  },
  events(run) {
    return new Promise((resolve) => {
      let done = -1000;
      let start = 0;
      const server = net.createServer((client) => {
        client.on("error", () => {});
        client.destroy();
        if (++done === 0) start = performance.now();
        if (done <= 0 || performance.now() < start + run.seconds * 1000) return;
        server.close();
        resolve({ connections: (done / (performance.now() - start)) * 1000 });
      });
      server.listen(0, "127.0.0.1", () => run.ready(/** @type {net.AddressInfo} */ (server.address()).port));
    });
  },
};
