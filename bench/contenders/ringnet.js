/** This package, with the settings it comes with. */
import { readFileSync } from "node:fs";
import { bindUdp, connect, createRuntime, listen, Poller } from "../../dist/index.mjs";

/** The longest wait in ms. */
const PATIENCE = 10_000;

/** @type {string | undefined} */
let ca;

/** @typedef {import("./contract.js").Connection} Shape */

/** @implements {Shape} */
class Connection {
  /** @param {import("../../dist/index.mjs").TcpSocket} socket */
  constructor(socket) {
    this.socket = socket;
  }

  /** @param {Uint8Array} target */
  receive(target) {
    for (;;) {
      const count = this.socket.readInto(target);
      if (count === null) throw new Error("the peer ended");
      if (count > 0) return count;
      if (!this.socket.waitUntilReadable(PATIENCE)) throw new Error("no bytes came");
    }
  }

  /** @param {Uint8Array} target */
  tryRead(target) {
    return this.socket.readInto(target) ?? 0;
  }

  read() {
    return this.socket.read(4096);
  }

  /** @param {Uint8Array} data */
  send(data) {
    const taken = this.socket.write(data);
    if (taken < data.length) this.socket.writeAll(data.subarray(taken), PATIENCE);
  }

  close() {
    this.socket.close();
  }
}

/** @typedef {import("./contract.js").BlockingContender} Contender */

/** @type {Contender} */
const ringnet = {
  kind: "blocking",
  connect(host, port, certificate) {
    if (!certificate) return new Connection(connect({ host, port, timeout: PATIENCE }));
    ca ??= readFileSync(certificate, "utf8");
    return new Connection(connect({ host, port, timeout: PATIENCE, tls: { ca, servername: "localhost" } }));
  },
  watch() {
    const poller = new Poller();
    const connections = new Map();
    return {
      add(connection) {
        const { socket } = /** @type {Connection} */ (connection);
        poller.add(socket);
        connections.set(socket, connection);
      },
      wait: (milliseconds) => poller.wait(milliseconds).map((handle) => connections.get(handle)),
    };
  },
  listen() {
    const server = listen({ host: "127.0.0.1", port: 0 });
    return { port: server.port, accept: () => new Connection(server.acceptWait(PATIENCE)) };
  },
  bindUdp() {
    const socket = bindUdp({ host: "127.0.0.1", port: 0 });
    return {
      port: socket.port,
      connect: (port, host) => socket.connect(port, host),
      send(data, count) {
        for (let i = 0; i < count; i++) {
          while (!socket.send(data)) {
            if (!socket.waitUntilWritable(PATIENCE)) throw new Error("no datagram went out");
          }
        }
      },
      receive() {
        if (socket.receive() === null) socket.receiveWait(PATIENCE);
        return 1;
      },
    };
  },
};

export default ringnet;

/** The same for plain TCP with so many networking threads. @param {number} threads @returns {Contender} */
export function withThreads(threads) {
  const runtime = createRuntime({ threads });
  return {
    ...ringnet,
    connect: (host, port) => new Connection(runtime.connect({ host, port, timeout: PATIENCE })),
  };
}
