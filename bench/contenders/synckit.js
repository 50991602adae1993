/** The usual way to block in Node: each call is a message to a worker and a wait for the answer, by synckit. */
import { fileURLToPath } from "node:url";
import { createSyncFn } from "synckit";

const call = createSyncFn(fileURLToPath(new URL("./synckit-worker.js", import.meta.url)), 10_000);

/** @typedef {import("./contract.js").Connection} Shape */

/** @implements {Shape} */
class Connection {
  /** @param {number} id */
  constructor(id) {
    this.id = id;
  }

  /** @param {Uint8Array} target */
  receive(target) {
    return call("receive", this.id, target.length).length;
  }

  /** @param {Uint8Array} target */
  tryRead(target) {
    return call("tryRead", this.id, target.length)?.length ?? 0;
  }

  /** @param {Uint8Array} data */
  send(data) {
    call("send", this.id, data);
  }

  close() {
    call("close", this.id);
  }
}

/** @type {import("./contract.js").BlockingContender} */
export default {
  kind: "blocking",
  connect: (host, port, certificate) => new Connection(call("connect", host, port, certificate)),
  watch() {
    const connections = new Map();
    return {
      add(connection) {
        const { id } = /** @type {Connection} */ (connection);
        call("watch", id);
        connections.set(id, connection);
      },
      wait: (milliseconds) => call("wait", milliseconds).map((/** @type {number} */ id) => connections.get(id)),
    };
  },
  listen() {
    const { id, port } = call("listen");
    return { port, accept: () => new Connection(call("accept", id)) };
  },
  bindUdp() {
    const { id, port } = call("bindUdp");
    return {
      port,
      connect: (to, host) => call("connectUdp", id, to, host),
      send(data, count) {
        for (let i = 0; i < count; i++) call("sendUdp", id, data);
      },
      receive() {
        call("receiveUdp", id);
        return 1;
      },
    };
  },
};
