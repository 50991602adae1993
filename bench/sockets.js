/** TCP, TLS and UDP against the peer programs. Runs in the orchestrator. */
import { contenders } from "./contenders/index.js";
import { loads } from "./loads/index.js";
import { Program } from "./peers/process.js";
import { peerCommand, runTrial } from "./trial.js";

/** @type {import("./suites.js").Suite<import("./contenders/contract.js").Load>} */
export const sockets = {
  name: "sockets",
  contenders,
  loads,
  rivals: ["node-net", "c"],

  async start({ built, seconds }) {
    /** @type {Program[]} */
    const peers = [];

    /** Starts a peer and returns the ports of its services. @param {boolean} encrypted */
    async function startPeer(encrypted) {
      const files = built.certificate ? [built.certificate.certificate, built.certificate.key] : [];
      const peer = new Program([...peerCommand(built, encrypted), "serve", ...files]);
      peers.push(peer);
      return peer.message(20);
    }

    const ports = await startPeer(false);
    if (ports.tls === 0 && built.certificate) ports.tls = (await startPeer(true)).tls;

    return {
      lack(contender, load) {
        if (contender.name === "c" && !built.client) return "no C compiler, or not Linux";
        if (contender.name === "koffi" && process.platform !== "linux") return "written for Linux";
        if (load.service === "tls" && !built.certificate) return "no openssl to make a certificate";
        if (contender.name === "c" && load.service === "tls" && !built.client?.tls)
          return "OpenSSL is not there to link with";
        return null;
      },
      trial: (load, contender) => runTrial({ built, ports, seconds }, load, contender),
      stop() {
        for (const peer of peers) peer.stop();
      },
    };
  },
};
