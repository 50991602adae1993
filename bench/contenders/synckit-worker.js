/** The other half of the synckit contender: node:net in a worker, one call at a time, each answered by a message. */
import dgram from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { runAsWorker } from "synckit";

/** @type {any[]} Sockets and servers by their number. */
const handles = [];
/** @type {Set<number>} Numbers of watched connections that have bytes. */
const ready = new Set();
/** Called when `ready` gets its first member. */
let wake = () => {};

/** @param {any} handle */
const keep = (handle) => handles.push(handle) - 1;

/** A copy that does not drag Node's whole buffer pool through the structured clone. @param {Buffer | null} bytes */
const copy = (bytes) => (bytes === null ? null : new Uint8Array(bytes));

const calls = {
  /** @param {string} host @param {number} port @param {string} [certificate] */
  async connect(host, port, certificate) {
    const socket = certificate
      ? tls.connect({ host, port, ca: readFileSync(certificate), servername: "localhost" })
      : net.connect({ host, port, noDelay: true });
    await once(socket, certificate ? "secureConnect" : "connect");
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("readable", () => {});
    return keep(socket);
  },
  /** @param {number} id @param {number} max */
  tryRead: (id, max) => copy(handles[id].read(Math.min(max, handles[id].readableLength)) ?? null),
  /** @param {number} id @param {number} max */
  async receive(id, max) {
    while (handles[id].readableLength === 0) await once(handles[id], "readable");
    return calls.tryRead(id, max);
  },
  /** @param {number} id @param {Uint8Array} data */
  async send(id, data) {
    if (!handles[id].write(data)) await once(handles[id], "drain");
  },
  /** @param {number} id */
  close: (id) => void handles[id].destroy(),
  /** @param {number} id */
  watch(id) {
    handles[id].on("readable", () => {
      ready.add(id);
      wake();
    });
  },
  /** @param {number} milliseconds */
  async wait(milliseconds) {
    if (ready.size === 0 && milliseconds > 0) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        wake = () => {
          clearTimeout(timer);
          resolve(null);
        };
      });
    }
    const ids = [...ready];
    ready.clear();
    return ids;
  },
  async listen() {
    const server = net.createServer();
    /** @type {net.Socket[]} */
    const clients = [];
    server.on("connection", (client) => {
      client.on("error", () => {});
      clients.push(client);
      server.emit("client");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { id: keep({ server, clients }), port: /** @type {net.AddressInfo} */ (server.address()).port };
  },
  /** @param {number} id */
  async accept(id) {
    const { server, clients } = handles[id];
    while (clients.length === 0) await once(server, "client");
    return keep(clients.shift());
  },
  async bindUdp() {
    const socket = dgram.createSocket("udp4");
    /** @type {Buffer[]} */
    const queue = [];
    socket.on("message", (bytes) => {
      queue.push(bytes);
      socket.emit("queued");
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return { id: keep({ socket, queue }), port: socket.address().port };
  },
  /** @param {number} id @param {number} port @param {string} host */
  async connectUdp(id, port, host) {
    handles[id].socket.connect(port, host);
    await once(handles[id].socket, "connect");
  },
  /** @param {number} id @param {Uint8Array} data */
  sendUdp: (id, data) => new Promise((resolve) => handles[id].socket.send(data, () => resolve(null))),
  /** @param {number} id */
  async receiveUdp(id) {
    const { socket, queue } = handles[id];
    while (queue.length === 0) await once(socket, "queued");
    return copy(queue.shift());
  },
};

runAsWorker((/** @type {keyof typeof calls} */ name, /** @type {any[]} */ ...rest) => {
  return /** @type {any} */ (calls[name])(...rest);
});
