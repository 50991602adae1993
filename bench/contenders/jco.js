/** jco's wasi:sockets: the calls a WebAssembly component would make, on its own worker. They block without a limit if necessary. */
import { monotonicClock } from "@bytecodealliance/preview2-shim/clocks";
import { poll } from "@bytecodealliance/preview2-shim/io";
import { instanceNetwork, tcpCreateSocket, udpCreateSocket } from "@bytecodealliance/preview2-shim/sockets";

const network = instanceNetwork.instanceNetwork();
const dispose = Symbol.dispose ?? Symbol.for("dispose");
/** The most that one blocking-write-and-flush may carry, by the interface's text. */
const SMALL = 4096;

/** @param {string} host @param {number} port @returns {any} */
const address = (host, port) => ({ tag: "ipv4", val: { address: host.split(".").map(Number), port } });

/** Waits until `of` is ready. @param {any} of */
function block(of) {
  const pollable = of.subscribe();
  pollable.block();
  pollable[dispose]();
}

/** @typedef {import("./contract.js").Connection} Shape */

/** @implements {Shape} */
class Connection {
  /** @param {any} socket @param {any} input @param {any} output */
  constructor(socket, input, output) {
    this.socket = socket;
    this.input = input;
    this.output = output;
    /** @type {any} */
    this.pollable = null;
  }

  /** @param {Uint8Array} target */
  receive(target) {
    for (;;) {
      const bytes = this.input.blockingRead(BigInt(target.length));
      if (bytes.length > 0) return bytes.length;
    }
  }

  /** @param {Uint8Array} target */
  tryRead(target) {
    return this.input.read(BigInt(target.length)).length;
  }

  /** @param {Uint8Array} data */
  send(data) {
    if (data.length <= SMALL) return void this.output.blockingWriteAndFlush(data);
    for (let at = 0; at < data.length; ) {
      const room = Number(this.output.checkWrite());
      if (room === 0) {
        block(this.output);
        continue;
      }
      this.output.write(new Uint8Array(data.subarray(at, at + room))); // a copy: a view would drag all of data along
      at += room;
    }
  }

  close() {
    this.pollable?.[dispose]();
    this.input[dispose]();
    this.output[dispose]();
    this.socket[dispose]();
  }
}

/** @type {import("./contract.js").BlockingContender} */
export default {
  kind: "blocking",
  connect(host, port) {
    const socket = tcpCreateSocket.createTcpSocket("ipv4");
    socket.startConnect(network, address(host, port));
    block(socket);
    const [input, output] = socket.finishConnect();
    return new Connection(socket, input, output);
  },
  watch() {
    /** @type {Connection[]} */
    const connections = [];
    /** @type {any[]} */
    const pollables = [];
    return {
      add(connection) {
        const one = /** @type {Connection} */ (connection);
        one.pollable = one.input.subscribe();
        connections.push(one);
        pollables.push(one.pollable);
      },
      wait(milliseconds) {
        const timer = monotonicClock.subscribeDuration(BigInt(milliseconds) * 1_000_000n);
        const ready = [...poll.poll([...pollables, timer])].filter((index) => index < connections.length);
        /** @type {any} */ (timer)[dispose]();
        return ready.map((index) => /** @type {Connection} */ (connections[index]));
      },
    };
  },
  listen() {
    const socket = tcpCreateSocket.createTcpSocket("ipv4");
    socket.startBind(network, address("127.0.0.1", 0));
    block(socket);
    socket.finishBind();
    socket.startListen();
    block(socket);
    socket.finishListen();
    return {
      port: socket.localAddress().val.port,
      accept() {
        for (;;) {
          try {
            const [client, input, output] = socket.accept();
            return new Connection(client, input, output);
          } catch (error) {
            if (error !== "would-block") throw error;
            block(socket);
          }
        }
      },
    };
  },
  bindUdp() {
    const socket = udpCreateSocket.createUdpSocket("ipv4");
    socket.startBind(network, address("127.0.0.1", 0));
    block(socket);
    socket.finishBind();
    /** @type {any[]} */
    let [incoming, outgoing] = socket.stream(undefined);
    return {
      port: socket.localAddress().val.port,
      connect(port, host) {
        incoming[dispose]();
        outgoing[dispose]();
        [incoming, outgoing] = socket.stream(address(host, port));
      },
      send(data, count) {
        for (let left = count; left > 0; ) {
          const room = Number(outgoing.checkSend());
          if (room <= 0) block(outgoing);
          const datagrams = Array.from({ length: Math.max(0, Math.min(left, room)) }, () => ({ data }));
          if (datagrams.length > 0) left -= Number(outgoing.send(datagrams));
        }
      },
      receive() {
        for (;;) {
          const datagrams = incoming.receive(64n);
          if (datagrams.length > 0) return datagrams.length;
          block(incoming);
        }
      },
    };
  },
};
