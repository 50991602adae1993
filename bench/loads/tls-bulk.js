/** Download and upload with TLS, the certificate verified, in pieces of 64 KiB. */
import { measureTransfer, measureTransferByEvents } from "./transfer.js";

const PIECE = 64 << 10;

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "tls-bulk",
  title: "TLS bulk",
  service: "tls",
  metrics: [
    { id: "download", label: "TLS download, pieces of 64 KiB", unit: "B/s", better: "higher" },
    { id: "upload", label: "TLS upload, pieces of 64 KiB", unit: "B/s", better: "higher" },
  ],
  blocking(run, contender) {
    const connection = contender.connect(run.host, run.port, run.certificate);
    return {
      download: measureTransfer(connection, false, PIECE, run.seconds),
      upload: measureTransfer(connection, true, PIECE, run.seconds),
    };
  },
  async events(run, contender) {
    const socket = await contender.connect(run.host, run.port, run.certificate);
    return {
      download: await measureTransferByEvents(socket, false, PIECE, run.seconds),
      upload: await measureTransferByEvents(socket, true, PIECE, run.seconds),
    };
  },
};
