/** The contender sends datagrams of 512 bytes as fast as it can. What counts is what reached the other program. */
import dgram from "node:dgram";

/** Sends between two readings of the clock. */
const BATCH = 64;

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "datagrams-out",
  title: "datagrams sent",
  driver: "sink",
  numbers: [512],
  metrics: [{ id: "sent", label: "datagrams of 512 bytes sent", unit: "/s", better: "higher" }],
  blocking(run, contender) {
    const socket = contender.bindUdp();
    const data = Buffer.alloc(/** @type {number} */ (run.numbers[0]));
    socket.connect(run.port, run.host);
    let given = 0;
    for (const end = performance.now() + run.seconds * 1000; performance.now() < end; given += BATCH) {
      socket.send(data, BATCH);
    }
    return { given };
  },
  async events(run) {
    const socket = dgram.createSocket("udp4");
    const data = Buffer.alloc(/** @type {number} */ (run.numbers[0]));
    await new Promise((resolve) => socket.connect(run.port, run.host, () => resolve(null)));
    let given = 0;
    for (const end = performance.now() + run.seconds * 1000; performance.now() < end; given += BATCH) {
      for (let i = 1; i < BATCH; i++) socket.send(data);
      await new Promise((resolve) => socket.send(data, () => resolve(null))); // all before it are out then
    }
    return { given };
  },
  combine: (_, driver) => (driver ? { sent: driver.received / driver.seconds } : {}),
};
