/** The loads in the order of the report. */
const names = [
  "download",
  "upload",
  "echo",
  "stream",
  "requests",
  "growth",
  "frames",
  "connects",
  "accepts",
  "tls-bulk",
  "tls-echo",
  "handshakes",
  "datagrams-in",
  "datagrams-out",
  "memory",
  "cold-start",
  "garbage",
  "idle",
];

/** @type {import("../contenders/contract.js").Load[]} */
export const loads = await Promise.all(names.map(async (name) => (await import(`./${name}.js`)).default));
