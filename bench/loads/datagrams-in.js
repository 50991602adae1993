/** Another program sends datagrams of 512 bytes as fast as it can: how many reach the contender. */
import dgram from "node:dgram";

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "datagrams-in",
  title: "datagrams received",
  driver: "flood",
  numbers: [512],
  metrics: [{ id: "received", label: "datagrams of 512 bytes received", unit: "/s", better: "higher" }],
  blocking(run, contender) {
    const socket = contender.bindUdp();
    run.ready(socket.port);
    for (let i = 0; i < 1000; ) i += socket.receive();
    const start = performance.now();
    let done = 0;
    while (performance.now() < start + run.seconds * 1000) done += socket.receive();
    return { received: (done / (performance.now() - start)) * 1000 };
  },
  events(run) {
    return new Promise((resolve) => {
      const socket = dgram.createSocket("udp4");
      let done = -1000;
      let start = 0;
      socket.on("message", () => {
        if (++done === 0) start = performance.now();
        if (done <= 0 || performance.now() < start + run.seconds * 1000) return;
        socket.close();
        resolve({ received: (done / (performance.now() - start)) * 1000 });
      });
      socket.bind(0, "127.0.0.1", () => run.ready(socket.address().port));
    });
  },
};
