/**
 * Sleeps in one kind of wait after another while the networking thread dies:
 * `node waits.js '{"way": "throw", "waits": ["connect", …], "silent": port, "stuck": port, "echo": port}'`.
 *
 * It prints a line for each wait: how it ended, how long after the death, and what became of handles, old and new.
 */

import { writeSync } from "node:fs";
import { BroadcastChannel } from "node:worker_threads";
import { workers } from "./started-workers.js";

const { way, waits, silent, stuck, echo } = JSON.parse(process.argv[2] ?? "{}");
const DELAY = 150;
const host = "127.0.0.1";

const { createRuntime, NetError, Poller, poll, ...root } = await import("ringnet");
/** Out of memory needs a runtime with a limit; the other deaths happen in the default runtime. */
function runtimeOf() {
  if (way !== "memory") return root;
  const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 24 } });
  const names = ["connect", "listen", "bindUdp", "resolve"];
  return Object.fromEntries(names.map((name) => [name, runtime[name].bind(runtime)]));
}
const orders = new BroadcastChannel("orders");
orders.unref();

function kill() {
  if (way === "terminate") {
    workers.at(-1).removeAllListeners("exit"); // Deno emits it within `terminate`: the wait would begin with a new thread
    void workers.at(-1).terminate();
  } else orders.postMessage({ way, delay: DELAY });
}

function filled(socket) {
  const piece = Buffer.alloc(1 << 18);
  for (let idle = 0; idle < 5; ) {
    if (socket.write(piece) > 0) idle = 0;
    else if (!socket.waitUntilWritable(20)) idle++;
  }
  return socket;
}

/** Each: what is there before the death, and the wait, which has to end with an error. */
const WAITS = {
  connect: ({ resolve, connect }) => [resolve("never.example"), () => connect({ host, port: stuck, timeout: -1 })],
  waitUntilConnected: ({ connect }) => {
    const socket = connect({ host, port: stuck });
    return [socket, () => fail(socket.waitUntilConnected(-1) === "failure" && socket.error)];
  },
  waitUntilReadable: (runtime) => {
    const socket = open(runtime);
    return [socket, () => socket.waitUntilReadable(-1) && socket.read()];
  },
  waitUntilWritable: (runtime) => {
    const socket = filled(open(runtime));
    return [
      socket,
      () => {
        for (;;) socket.waitUntilWritable(-1) && socket.write(Buffer.alloc(1 << 20)); // the system may take a little more
      },
    ];
  },
  waitUntilDrained: (runtime) => {
    const socket = filled(open(runtime));
    return [socket, () => socket.waitUntilDrained(-1)];
  },
  writeAll: (runtime) => {
    const socket = open(runtime);
    return [socket, () => socket.writeAll(Buffer.alloc(1 << 26), -1)];
  },
  readExactly: (runtime) => {
    const socket = open(runtime);
    return [socket, () => socket.readExactly(10, -1)];
  },
  readLine: (runtime) => {
    const socket = open(runtime);
    return [socket, () => socket.readLine(-1)];
  },
  readUntil: (runtime) => {
    const socket = open(runtime);
    return [socket, () => socket.readUntil("|", -1)];
  },
  readAll: (runtime) => {
    const socket = open(runtime);
    return [socket, () => socket.readAll(-1)];
  },
  waitUntilAcceptable: ({ listen }) => {
    const server = listen({ host });
    return [server, () => server.waitUntilAcceptable(-1) && server.accept()];
  },
  acceptWait: ({ listen }) => {
    const server = listen({ host });
    return [server, () => server.acceptWait(-1)];
  },
  "udp.waitUntilReadable": ({ bindUdp }) => {
    const socket = bindUdp({ host });
    return [socket, () => socket.waitUntilReadable(-1) && socket.receive()];
  },
  receiveWait: ({ bindUdp }) => {
    const socket = bindUdp({ host });
    return [socket, () => socket.receiveWait(-1)];
  },
  waitUntilResolved: ({ resolve }) => {
    const address = resolve("never.example");
    return [address, () => fail(address.waitUntilResolved(-1) === "failure" && address.error)];
  },
  poll: (runtime) => {
    const socket = open(runtime);
    return [socket, () => poll([socket], -1)[0] === socket && socket.read()];
  },
  "Poller.wait": (runtime) => {
    const handles = [
      open(runtime),
      runtime.listen({ host }),
      runtime.bindUdp({ host }),
      runtime.resolve("never.example"),
    ];
    const poller = new Poller();
    for (const handle of handles) poller.add(handle);
    return [handles[0], () => fail(poller.wait(-1).length === handles.length && handles[0].error)];
  },
};

function open({ connect }) {
  return connect({ host, port: silent, timeout: 10_000 });
}

function fail(error) {
  if (error instanceof Error) throw error;
}

/** The error that a call throws, in parts. */
function errorOf(call) {
  try {
    call();
    return null;
  } catch (error) {
    return { isNetError: error instanceof NetError, code: error.code, message: error.message };
  }
}

/** Every call on a handle after the death. */
function stillFailed(handle) {
  if ("status" in handle) return handle.status === "failure" && handle.error !== null;
  return errorOf(() => (handle.accept ? handle.accept() : handle.receive())) !== null;
}

function newUseWorks() {
  const socket = root.connect({ host, port: echo, timeout: 20_000 });
  socket.writeAll("a new life", 10_000);
  const works = String(socket.readExactly(10, 10_000)) === "a new life";
  socket.close();
  return works;
}

for (const name of waits) {
  const runtime = runtimeOf();
  runtime.bindUdp({ host }).close(); // the networking thread runs, and receives the order
  const [handle, wait] = WAITS[name](runtime);
  const death = performance.now() + (way === "terminate" ? 0 : DELAY);
  kill();
  const error = errorOf(wait);
  const milliseconds = performance.now() - death;
  const failed = stillFailed(handle);
  const works = newUseWorks();
  const result = { name, error, milliseconds, failed, works, failedForEver: stillFailed(handle) };
  handle.close(); // must not throw either
  writeSync(1, `${JSON.stringify(result)}\n`);
}
writeSync(1, "end\n");
