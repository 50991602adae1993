/** libc by FFI: the system calls themselves, blocking in the main thread, without a worker. Linux only. */
import koffi from "koffi";

const libc = koffi.load(null);
const socket = libc.func("int socket(int, int, int)");
const connect = libc.func("int connect(int, void *, int)");
const bind = libc.func("int bind(int, void *, int)");
const listen = libc.func("int listen(int, int)");
const accept = libc.func("int accept(int, void *, void *)");
const getsockname = libc.func("int getsockname(int, void *, void *)");
const setsockopt = libc.func("int setsockopt(int, int, int, void *, int)");
const send = libc.func("long send(int, void *, size_t, int)");
const recv = libc.func("long recv(int, void *, size_t, int)");
const close = libc.func("int close(int)");
const epollCreate = libc.func("int epoll_create1(int)");
const epollControl = libc.func("int epoll_ctl(int, int, int, void *)");
const epollWait = libc.func("int epoll_wait(int, void *, int, int)");

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EPOLLIN = 1;
const EPOLL_CTL_ADD = 1;
/** struct epoll_event is packed on x86-64 only. */
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const EVENT_DATA = EVENT_BYTES - 8;

const one = Buffer.from(Int32Array.of(1).buffer);
/** struct timeval of 10 seconds: the longest wait. */
const patience = Buffer.from(BigInt64Array.of(10n, 0n).buffer);

/** A struct sockaddr_in. @param {string} host @param {number} port */
function address(host, port) {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(host.split(".").map(Number), 4);
  return bytes;
}

/** Throws errno where a call failed. @param {number} result @param {string} name */
function check(result, name) {
  if (result < 0) throw new Error(`${name}: errno ${koffi.errno()}`);
  return result;
}

/** @param {number} type */
function bound(type) {
  const fd = check(socket(AF_INET, type, 0), "socket");
  check(bind(fd, address("127.0.0.1", 0), 16), "bind");
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, 16);
  const name = Buffer.alloc(16);
  check(getsockname(fd, name, Buffer.from(Int32Array.of(16).buffer)), "getsockname");
  return { fd, port: name.readUInt16BE(2) };
}

/** @typedef {import("./contract.js").Connection} Shape */

/** @implements {Shape} */
class Connection {
  /** @param {number} fd */
  constructor(fd) {
    this.fd = fd;
  }

  /** @param {Uint8Array} target */
  receive(target) {
    const count = check(recv(this.fd, target, target.length, 0), "recv");
    if (count === 0) throw new Error("the peer ended");
    return count;
  }

  /** @param {Uint8Array} target */
  tryRead(target) {
    return Math.max(0, recv(this.fd, target, target.length, MSG_DONTWAIT));
  }

  /** @param {Uint8Array} data */
  send(data) {
    for (let at = 0; at < data.length; ) {
      const rest = at === 0 ? data : data.subarray(at);
      at += check(send(this.fd, rest, rest.length, MSG_NOSIGNAL), "send");
    }
  }

  close() {
    close(this.fd);
  }
}

/** @type {import("./contract.js").BlockingContender} */
export default {
  kind: "blocking",
  connect(host, port) {
    const fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(connect(fd, address(host, port), 16), "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, one, 4);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, 16);
    return new Connection(fd);
  },
  watch() {
    const set = check(epollCreate(0), "epoll_create1");
    const connections = new Map();
    const events = Buffer.alloc(256 * EVENT_BYTES);
    return {
      add(connection) {
        const { fd } = /** @type {Connection} */ (connection);
        const event = Buffer.alloc(EVENT_BYTES);
        event.writeUInt32LE(EPOLLIN, 0);
        event.writeInt32LE(fd, EVENT_DATA);
        check(epollControl(set, EPOLL_CTL_ADD, fd, event), "epoll_ctl");
        connections.set(fd, connection);
      },
      wait(milliseconds) {
        const count = check(epollWait(set, events, 256, milliseconds), "epoll_wait");
        const ready = [];
        for (let i = 0; i < count; i++) ready.push(connections.get(events.readInt32LE(i * EVENT_BYTES + EVENT_DATA)));
        return ready;
      },
    };
  },
  listen() {
    const { fd, port } = bound(SOCK_STREAM);
    check(listen(fd, 511), "listen");
    return { port, accept: () => new Connection(check(accept(fd, null, null), "accept")) };
  },
  bindUdp() {
    const { fd, port } = bound(SOCK_DGRAM);
    const bytes = Buffer.alloc(2048);
    return {
      port,
      connect: (to, host) => void check(connect(fd, address(host, to), 16), "connect"),
      send(data, count) {
        for (let i = 0; i < count; i++) check(send(fd, data, data.length, 0), "send");
      },
      receive() {
        check(recv(fd, bytes, bytes.length, 0), "recv");
        return 1;
      },
    };
  },
};
