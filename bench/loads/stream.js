/** Writes of 64 bytes, one after another, until the peer has them all. */
import { measureTransfer, measureTransferByEvents } from "./transfer.js";

const BYTES = 64;
const TRIAL = 20_000 * BYTES;

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "stream",
  title: "64-byte writes in a stream",
  service: "bulk",
  metrics: [{ id: "writes", label: "64-byte writes in a stream", unit: "/s", better: "higher" }],
  blocking(run, contender) {
    const connection = contender.connect(run.host, run.port);
    return { writes: measureTransfer(connection, true, BYTES, run.seconds, TRIAL) / BYTES };
  },
  async events(run, contender) {
    const socket = await contender.connect(run.host, run.port);
    return { writes: (await measureTransferByEvents(socket, true, BYTES, run.seconds, TRIAL)) / BYTES };
  },
};
