/**
 * What continues when a networking thread has died, in several stories: `node afterwards.js <story> <echo port> <silent port>`. Each prints
 * one line of JSON.
 */

import { BroadcastChannel } from "node:worker_threads";
import { bindUdp, connect, createRuntime, listen, Poller, poll, resolve } from "ringnet";
import { openWebSocket } from "ringnet/websocket";

const [story, echo, silent] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const host = "127.0.0.1";
const orders = new BroadcastChannel("orders");
orders.unref();
const unnotified = new Int32Array(new SharedArrayBuffer(4));
const pause = (milliseconds) => Atomics.wait(unnotified, 0, 0, milliseconds);
const kill = (way, delay = 0) => orders.postMessage({ way, delay });
const codeOf = (call) => {
  try {
    return call();
  } catch (error) {
    return error.code;
  }
};

const throwIt = (error) => {
  throw error;
};

/** Writes until neither the ring nor the system takes more. */
function filled(socket) {
  while (socket.write(Buffer.alloc(1 << 20)) > 0 || socket.waitUntilWritable(100));
  return socket;
}

/** Ends the networking threads, and returns when that of `witness` has died. */
function die(witness = bindUdp({ host })) {
  kill("throw");
  witness.waitUntilReadable(10_000);
}

function echoes(socket) {
  socket.writeAll("hello", 5000);
  return String(socket.readExactly(5, 5000)) === "hello";
}

const stories = {
  /** A program that only polls gets the error too, whatever it calls. */
  looking() {
    const looks = {
      read: (socket) => () => socket.read(),
      write: (socket) => () => socket.write("x".repeat(1 << 16)),
      pendingWrites: (socket) => filled(socket) && (() => socket.pendingWrites),
      "waitUntilReadable(0)": (socket) => () => socket.waitUntilReadable(0) && socket.read(),
      "waitUntilDrained(0)": (socket) => filled(socket) && (() => socket.waitUntilDrained(0)),
      "a waiting address": (_socket, address) => () => address.status === "failure" && throwIt(address.error),
      accept: (_socket, _address, server) => () => server.accept(),
      receive: (_socket, _address, _server, udp) => () => udp.receive(),
      "poll(0)": (socket) => () => poll([socket], 0).length > 0 && socket.read(),
      "Poller.wait(0)": (socket) => {
        const poller = new Poller().add(socket);
        return () => poller.wait(0).length > 0 && socket.read();
      },
    };
    const found = {};
    for (const [name, prepare] of Object.entries(looks)) {
      const handles = [
        connect({ host, port: silent, timeout: 5000 }),
        resolve("never.example"),
        listen({ host }),
        bindUdp({ host }),
      ];
      const look = prepare(...handles);
      kill("throw", 20);
      const start = performance.now();
      let code = "none";
      while (code === "none" && performance.now() - start < 5000) {
        code = codeOf(() => {
          look();
          return "none";
        });
      }
      found[name] = code;
      for (const handle of handles) handle.close();
    }
    return found;
  },

  /** What had arrived before is delivered, then the error. */
  bytes() {
    const socket = connect({ host, port: echo, timeout: 5000 });
    socket.writeAll("last words", 5000);
    while (socket.readable < 10) socket.waitUntilReadable(1000);
    die();
    const read = codeOf(() => String(socket.read()));
    return { read, afterwards: codeOf(() => socket.read()), status: socket.status };
  },

  /** One of two runtimes dies; the other one's connections are not affected. */
  other() {
    const other = createRuntime();
    const kept = other.connect({ host, port: echo, timeout: 5000 });
    const limited = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const lost = limited.connect({ host, port: silent, timeout: 5000 });
    // All networking threads receive the order: the limit on memory decides which one dies.
    const before = echoes(kept);
    const limitedDied = codeOf(() => {
      kill("exit-if-limited");
      return lost.readExactly(1, 10_000);
    });
    const opens = codeOf(() => limited.connect({ host, port: echo, timeout: 5000 }));
    limited.close();
    return {
      before,
      limitedDied,
      opens,
      after: echoes(kept),
      fresh: echoes(other.connect({ host, port: echo, timeout: 5000 })),
    };
  },

  /** The process ends at once although bytes are pending: no thread is left to send them. */
  ending() {
    const socket = filled(connect({ host, port: silent, timeout: 5000 }));
    die();
    return { code: codeOf(() => socket.pendingWrites) };
  },

  /** What `poll` reports before and after a call of each direction has thrown the failure. */
  taken() {
    const socket = connect({ host, port: silent, timeout: 5000 });
    const udp = bindUdp({ host });
    const webSocket = openWebSocket(`ws://${host}:${silent}`);
    die(udp);
    const reported = (handle) => ["readable", "writable"].filter((way) => poll([{ handle, [way]: true }]).length > 0);
    const look = (handle, ...calls) =>
      [() => {}, ...calls].map((call) => {
        codeOf(call);
        return reported(handle).join(" ");
      });
    return {
      socket: look(
        socket,
        () => socket.write("x"),
        () => socket.read(),
      ),
      udp: look(
        udp,
        () => udp.setTtl(4),
        () => udp.send("x", 9, host),
        () => udp.receive(),
      ),
      webSocket: look(
        webSocket,
        () => webSocket.send("x"),
        () => webSocket.receive(),
      ),
    };
  },

  /** The process ends while the thread hangs with pending bytes. */
  hanging() {
    const runtime = createRuntime({ lingerMs: 300 });
    const socket = filled(runtime.connect({ host, port: silent, timeout: 5000 }));
    kill("sleep");
    pause(300);
    return { taken: socket.bytesWritten };
  },

  /** Every call on a handle whose thread has died throws, except closing. */
  closing() {
    const runtime = createRuntime();
    const socket = runtime.connect({ host, port: silent, timeout: 5000 });
    const server = runtime.listen({ host });
    const udp = runtime.bindUdp({ host });
    die(udp);
    const codes = [
      () => socket.read(),
      () => socket.write("x"),
      () => socket.writeAll("x", 1000),
      () => socket.waitUntilWritable(1000),
      () => socket.readExactly(1, 1000),
      () => socket.setNoDelay(false),
      () => server.accept(),
      () => server.acceptWait(1000),
      () => udp.send("x", 9, host),
      () => udp.receive(),
      () => udp.setTtl(4),
      () => runtime.listen({ host }),
      () => runtime.bindUdp({ host }),
      () => socket.detach(),
    ].map(codeOf);
    socket.end();
    for (const handle of [socket, server, udp, runtime]) handle.close();
    for (const handle of [socket, server, udp, runtime]) handle.close();
    return { codes };
  },
};

console.log(JSON.stringify(stories[story]()));
