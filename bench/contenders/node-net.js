/** Async node:net and node:tls, as their documentation uses them; the loads hold the rest. */
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

/** @type {string | undefined} */
let ca;

/** @type {import("./contract.js").EventContender} */
export default {
  kind: "events",
  connect(host, port, certificate) {
    return new Promise((resolve, reject) => {
      if (certificate) ca ??= readFileSync(certificate, "utf8");
      /** @type {net.Socket} */
      const socket = certificate
        ? tls.connect({ host, port, ca, servername: "localhost" }, () => resolve(socket))
        : net.connect({ host, port, noDelay: true }, () => resolve(socket));
      socket.on("error", reject);
      if (certificate) socket.setNoDelay(true);
    });
  },
};
