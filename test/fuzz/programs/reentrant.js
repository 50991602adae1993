/**
 * Calls from odd places: `node reentrant.js <story> <echo port> <silent port>`. Each story prints one line of JSON.
 */

import { writeSync } from "node:fs";
import { connect, createRuntime, listen, NetError, net, Poller, poll, TcpSocket } from "ringnet";

const [story, echo, silent] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const host = "127.0.0.1";
const tell = (details) => writeSync(1, `${JSON.stringify(details)}\n`);
const codeOf = (call) => {
  try {
    call();
    return null;
  } catch (error) {
    return error instanceof NetError ? error.code : error.constructor.name;
  }
};

function echoes(socket, text = "hello") {
  socket.writeAll(text, 5000);
  return String(socket.readExactly(Buffer.byteLength(text), 5000)) === text;
}

const stories = {
  /** A resource of the program uses its connection while it is being disposed of, and disposes of it twice. */
  dispose() {
    const log = [];
    class Session {
      socket = connect({ host, port: echo, timeout: 5000 });
      [Symbol.dispose]() {
        log.push(echoes(this.socket, "good bye"));
        this.socket[Symbol.dispose]();
        this.socket[Symbol.dispose]();
        log.push(codeOf(() => this.socket.write("x")));
      }
    }
    const session = new Session();
    try {
      throw new Error("on purpose");
    } catch {
      session[Symbol.dispose]();
    }
    const runtime = createRuntime();
    runtime.connect({ host, port: echo, timeout: 5000 });
    runtime[Symbol.dispose]();
    runtime[Symbol.dispose]();
    tell({ log, runtime: codeOf(() => runtime.connect({ host, port: echo })) });
  },

  /** Exit handlers use the network, block, and open kinds of handles that were never open before. */
  exit() {
    process.on("exit", (code) => {
      const again = echoes(kept, "from the exit handler");
      const fresh = echoes(connect({ host, port: echo, timeout: 5000 }), "a new one");
      const server = listen({ host });
      const client = connect({ host, port: server.port, timeout: 5000 });
      const accepted = server.acceptWait(5000);
      client.writeAll("to ourselves", 5000);
      const own = String(accepted.readExactly(12, 5000)) === "to ourselves";
      tell({ code, again, fresh, own, timeout: codeOf(() => kept.readExactly(1, 50)) });
      server.close();
      client.reset();
    });
    const kept = connect({ host, port: echo, timeout: 5000 });
    process.exit(4);
  },

  /** The very first use is in an exit handler. */
  "first use at exit"() {
    process.on("exit", () => {
      const socket = connect({ host, port: echo, timeout: 10_000 });
      tell({ works: echoes(socket), drained: socket.waitUntilDrained(5000) });
      socket.close();
    });
  },

  /** The handler of an uncaught error. */
  "uncaught error"() {
    process.on("uncaughtException", (error) => {
      const socket = connect({ host, port: echo, timeout: 5000 });
      tell({ works: echoes(socket, error.message) });
      socket.close();
    });
    throw new Error("on purpose");
  },

  /** Options whose getters use the network, close what is being used, and throw. */
  getters() {
    const other = connect({ host, port: echo, timeout: 5000 });
    const runtime = createRuntime();
    const results = {
      using: echoes(
        connect({
          port: echo,
          get host() {
            return echoes(other) ? host : "";
          },
          timeout: 5000,
        }),
      ),
      closingRuntime: codeOf(() =>
        runtime.connect({
          host,
          port: echo,
          get sendBuffer() {
            runtime.close();
            return 65536;
          },
          timeout: 5000,
        }),
      ),
      closedWhileListening: codeOf(() => {
        const doomed = createRuntime();
        doomed.listen({
          get host() {
            doomed.close();
            return host;
          },
        });
      }),
      closedWhileBinding: codeOf(() => {
        const doomed = createRuntime();
        doomed.bindUdp({
          host,
          get port() {
            doomed.close();
            return 0;
          },
        });
      }),
    };
    tell({ ...results, afterwards: echoes(other) });
  },

  /** Iterating a list closes the handles in it. */
  lists() {
    const sockets = Array.from({ length: 4 }, () => connect({ host, port: echo, timeout: 5000 }));
    for (const socket of sockets) socket.write("x");
    for (const socket of sockets) socket.waitUntilReadable(5000);
    function* closing() {
      for (const socket of sockets) {
        yield socket;
        socket.close();
      }
    }
    const closed = poll(closing(), -1).length;
    const poller = new Poller();
    const more = Array.from({ length: 4 }, () => connect({ host, port: echo, timeout: 5000 }));
    for (const socket of more) {
      socket.write("x");
      poller.add(socket);
    }
    let reported = 0;
    // Closes, adds and waits while it iterates the result of the last wait.
    for (const socket of [...poller.wait(5000)]) {
      reported++;
      poller.delete(socket);
      for (const each of more) each.close();
      poller.add(connect({ host, port: silent, timeout: 5000 }));
      poller.wait(0);
    }
    tell({ closed, reported, left: poller.size });
  },

  /** A connection goes from thread to thread as soon as it is accepted, and is written to at once. */
  handover() {
    const server = listen({ host });
    let good = 0;
    for (let i = 0; i < 200; i++) {
      const client = connect({ host, port: server.port });
      let accepted = server.acceptWait(5000);
      for (let hand = 0; hand <= i % 3; hand++) accepted = TcpSocket.attach(accepted.detach());
      accepted.writeAll(`number ${i}\n`, 1000);
      if (client.readLine(2000) === `number ${i}`) good++;
      client.close();
      accepted.close();
    }
    tell({ good });
  },

  /** Bytes that were peeked at, still in the receive ring, can be written; one buffer serves for writing and reading. */
  "own memory"() {
    const socket = connect({ host, port: echo, timeout: 5000, receiveBuffer: 4096, sendBuffer: 4096 });
    const buffer = Buffer.from("once around ".repeat(20));
    socket.writeAll(buffer, 5000);
    for (let round = 0; round < 50; round++) {
      for (let at = 0; at < buffer.length; ) {
        socket.waitUntilReadable(5000);
        const view = socket.peek().subarray(0, buffer.length - at);
        const count = socket.write(view); // out of the receive ring, into the send ring
        socket.consume(count);
        at += count;
      }
    }
    buffer.fill(0);
    for (let at = 0; at < buffer.length; at += socket.readInto(buffer.subarray(at))) socket.waitUntilReadable(5000);
    tell({ same: String(buffer) === "once around ".repeat(20) });
    socket.close();
  },

  /** Calls of the `net` facade on closed handles return error pairs. */
  net() {
    const [server] = net.create_server(net.resolve_address(host)[0], 0);
    const [tcp] = net.open_tcp(net.resolve_address(host)[0], server.get_port());
    tcp.wait_until_connected(5000);
    const [client] = (() => {
      for (;;) {
        const pair = server.accept();
        if (pair[0] !== null) return pair;
      }
    })();
    server.close();
    server.close();
    client.close();
    const after = [
      client.read(1),
      client.write("x"),
      client.get_pending_writes(),
      client.wait_until_drained(-1),
      server.accept(),
    ];
    tell({ failures: after.filter(([value, text]) => value === null && /closed/.test(text)).length, of: after.length });
  },
};

stories[story]();
