/** 64 bytes there and back, one at a time: what echo and TLS echo share. */
import { command, ECHO } from "../peers/protocol.js";

const BYTES = 64;
/** Most round trips that are kept. */
const ROOM = 1 << 21;
const WARM_MS = 100;

/** The times of the round trips, in seconds. @param {Float64Array} times in ms */
function percentiles(times) {
  times.sort();
  /** @param {number} part */
  const at = (part) => /** @type {number} */ (times[Math.floor(times.length * part)]) / 1000;
  return { p50: at(0.5), p99: at(0.99), "p99.9": at(0.999) };
}

/** @param {string} name @param {boolean} encrypted @returns {import("../contenders/contract.js").Load} */
export function echoLoad(name, encrypted) {
  const title = encrypted ? "TLS echo of 64 bytes" : "64-byte echo";
  return {
    name,
    title: `${title}, one at a time`,
    service: encrypted ? "tls" : "bulk",
    metrics: ["p50", "p99", "p99.9"].map((id) => ({ id, label: `${title}, ${id}`, unit: "s", better: "lower" })),
    blocking(run, contender) {
      const connection = contender.connect(run.host, run.port, encrypted ? run.certificate : undefined);
      const message = Buffer.alloc(BYTES);
      const times = new Float64Array(ROOM);
      let count = 0;
      connection.send(command(ECHO));
      const warm = performance.now() + WARM_MS;
      const end = warm + run.seconds * 1000;
      for (let start = performance.now(); start < end && count < ROOM; ) {
        connection.send(message);
        for (let got = 0; got < BYTES; ) got += connection.receive(message);
        const stop = performance.now();
        if (start >= warm) times[count++] = stop - start;
        start = stop;
      }
      return percentiles(times.subarray(0, count));
    },
    async events(run, contender) {
      const socket = await contender.connect(run.host, run.port, encrypted ? run.certificate : undefined);
      const message = Buffer.alloc(BYTES);
      const times = new Float64Array(ROOM);
      let count = 0;
      let got = 0;
      socket.write(command(ECHO));
      const warm = performance.now() + WARM_MS;
      const end = warm + run.seconds * 1000;
      await new Promise((resolve) => {
        let start = performance.now();
        socket.on("data", (bytes) => {
          got += bytes.length;
          if (got < BYTES) return;
          got = 0;
          const stop = performance.now();
          if (start >= warm) times[count++] = stop - start;
          start = stop;
          if (start < end && count < ROOM) socket.write(message);
          else resolve(null);
        });
        socket.write(message);
      });
      return percentiles(times.subarray(0, count));
    },
  };
}
