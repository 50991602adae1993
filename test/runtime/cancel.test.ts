/**
 * `canceller` and `cancel`: one thread ends a wait of another.
 */

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import {
  bindUdp,
  type Canceller,
  cancel,
  connect,
  createRuntime,
  listen,
  type NetError,
  openInput,
  Poller,
  poll,
  pollable,
} from "ringnet";
import { listenWebSocket } from "ringnet/websocket";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { root } from "../support/processes.js";
import { errorOf, openTo } from "../tcp/sockets.js";

/** Starts a thread that cancels once, after `milliseconds`. */
function cancelSoon(canceller: Canceller, milliseconds = 100): void {
  const program = `
    const { workerData } = require("node:worker_threads");
    const { createRequire } = require("node:module");
    const { cancel } = createRequire(workerData.root + "/package.json")("ringnet");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData.milliseconds);
    cancel(workerData.canceller);`;
  const worker = new Worker(program, { eval: true, workerData: { canceller, milliseconds, root } });
  worker.unref();
}

const waits: [string, (socket: ReturnType<typeof openTo>) => unknown][] = [
  ["readLine", (socket) => socket.readLine(20_000)],
  ["readExactly", (socket) => socket.readExactly(5, 20_000)],
  ["readUntil", (socket) => socket.readUntil("x", 20_000)],
  ["readAll", (socket) => socket.readAll(20_000)],
  ["waitUntilReadable", (socket) => socket.waitUntilReadable(20_000)],
  ["waitUntil", (socket) => socket.waitUntil({ readable: true }, 20_000)],
];

describe("cancel ends", () => {
  test.each(waits)("%s, and the socket stays usable", (_, wait) => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    cancelSoon(socket.canceller());
    const error = errorOf(() => wait(socket));
    expect(error).toMatchObject({ code: "ERR_CANCELLED", address: "127.0.0.1", port: peer.port });
    peer.send({ do: "write", text: "still here\n" });
    expect(socket.readLine(5000)).toBe("still here");
    socket.close();
  });

  test("waitUntilConnected", () => {
    const { host, port } = startUnanswering();
    const socket = connect({ host, port });
    cancelSoon(socket.canceller());
    expect(errorOf(() => socket.waitUntilConnected(20_000)).code).toBe("ERR_CANCELLED");
    expect(socket.status).toBe("waiting");
    socket.close();
  });

  test("writeAll, which says how many bytes were taken", () => {
    const socket = openTo(startPeer("silent"));
    expect(socket.write("x")).toBe(1);
    cancelSoon(socket.canceller());
    const error: NetError = errorOf(() => socket.writeAll(Buffer.alloc(50_000_000), 20_000));
    expect(error.code).toBe("ERR_CANCELLED");
    expect(error.bytesWritten).toBeGreaterThan(0);
    expect(error.bytesWritten).toBe(socket.bytesWritten - 1);
    socket.reset();
  });

  test("acceptWait and receiveWait", () => {
    const server = listen({ host: "127.0.0.1" });
    cancelSoon(server.canceller());
    expect(errorOf(() => server.acceptWait(20_000)).code).toBe("ERR_CANCELLED");
    const udp = bindUdp({ host: "127.0.0.1" });
    cancelSoon(udp.canceller());
    expect(errorOf(() => udp.receiveWait(20_000)).code).toBe("ERR_CANCELLED");
    udp.close();
    server.close();
  });
});

describe("cancelling", () => {
  /** A socket, a pollable that watches it, and its peer. */
  function watched() {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    poll([socket]); // reports that it is open
    const composite = {
      [pollable](watch: (source: typeof socket) => void) {
        watch(socket);
        return socket.readable > 0;
      },
    };
    return { peer, socket, composite };
  }

  test.each(["handle", "pollable"])("ends Poller.wait on a %s, and no event is lost", (kind) => {
    const { peer, socket, composite } = watched();
    const source = kind === "handle" ? socket : composite;
    const poller = new Poller<typeof source>().add(source);
    cancelSoon(poller.canceller());
    expect(errorOf(() => poller.wait(20_000)).code).toBe("ERR_CANCELLED");
    expect(poller.wait(10)).toEqual([]);
    peer.send({ do: "write", text: "x" });
    expect([...poller.wait(5000)]).toEqual([source]);
    cancel(poller.canceller());
    expect([...poller.wait(5000)]).toEqual([source]); // the socket is ready, so there is no wait to cancel
    socket.read();
    expect(errorOf(() => poller.wait(0)).code).toBe("ERR_CANCELLED");
    expect(poller.wait(0)).toEqual([]);
    socket.close();
  });

  test("any handle of a poll ends that poll, but not the wait of a poller that has the handle", () => {
    const { socket, composite } = watched();
    const other = watched();
    cancelSoon(socket.canceller());
    expect(errorOf(() => poll([other.socket, { handle: socket, readable: true }], 20_000)).code).toBe("ERR_CANCELLED");
    cancelSoon(socket.canceller());
    expect(errorOf(() => poll<object & typeof composite>([composite, socket as never], 20_000)).code).toBe(
      "ERR_CANCELLED",
    );
    cancel(socket.canceller());
    expect(new Poller().add(socket).wait(10)).toEqual([]);
    expect(errorOf(() => poll([socket])).code).toBe("ERR_CANCELLED");
    expect(poll([socket])).toEqual([]);
    for (const each of [socket, other.socket]) each.close();
  });
});

test("cancelling several handles of one poll ends that poll only; a cancel between two waits ends the handle's next wait", () => {
  const [one, two] = [bindUdp({ host: "127.0.0.1" }), bindUdp({ host: "127.0.0.1" })];
  cancel(one.canceller());
  cancel(two.canceller());
  expect(errorOf(() => poll([one, two], 20_000)).code).toBe("ERR_CANCELLED");
  expect(poll([one, two], 10)).toEqual([]);
  expect(two.waitUntilReadable(10)).toBe(false);
  cancel(two.canceller());
  expect(poll([one], 10)).toEqual([]);
  expect(errorOf(() => two.waitUntilReadable(20_000)).code).toBe("ERR_CANCELLED");
  for (const each of [one, two]) each.close();
});

test("cancel ends the waits of inputs and WebSocket servers", () => {
  const fifo = join(temporaryFolder(), "fifo");
  execFileSync("mkfifo", [fifo]);
  const writer = openSync(fifo, constants.O_RDWR); // opening one end alone would wait for the other
  const input = openInput(openSync(fifo, constants.O_RDONLY));
  cancelSoon(input.canceller());
  expect(errorOf(() => input.readLine(20_000)).code).toBe("ERR_CANCELLED");
  expect(poll([input])).toEqual([]);
  input.close();
  closeSync(writer);
  expect(errorOf(() => input.canceller()).code).toBe("ERR_SOCKET_CLOSED");
  using server = listenWebSocket({ host: "127.0.0.1" });
  cancelSoon(server.canceller());
  expect(errorOf(() => server.acceptWait(20_000)).code).toBe("ERR_CANCELLED");
});

test("cancel ends waitUntilResolved, and the look-up goes on", () => {
  let tries = 0;
  for (let code = ""; code !== "ERR_CANCELLED"; tries++) {
    expect(tries).toBeLessThan(20); // the look-up may be faster
    using runtime = createRuntime();
    const address = runtime.resolve("localhost");
    cancel(address.canceller());
    try {
      address.waitUntilResolved(20_000);
    } catch (error) {
      code = (error as NetError).code;
      expect(error).toMatchObject({ host: "localhost" });
      expect(address.waitUntilResolved(20_000)).toBe("success");
    }
  }
});

test("a cancel before a wait ends the next wait, once; a call that need not wait succeeds", () => {
  const peer = startPeer("manual");
  const socket = openTo(peer);
  peer.waitForEvent("connection");
  peer.send({ do: "write", text: "there\n" });
  expect(socket.waitUntilReadable(5000)).toBe(true);
  cancel(socket.canceller());
  cancel(socket.canceller());
  expect(socket.readLine(5000)).toBe("there");
  expect(errorOf(() => socket.readLine(20_000)).code).toBe("ERR_CANCELLED");
  expect(errorOf(() => socket.readLine(10)).code).toBe("ETIMEDOUT");
  socket.close();
});

test("cancelling one handle leaves waits on others alone; after close it does nothing", () => {
  const [one, other] = [openTo(startPeer("silent")), openTo(startPeer("silent"))];
  const canceller = one.canceller();
  cancelSoon(canceller, 1);
  expect(errorOf(() => other.readLine(300)).code).toBe("ETIMEDOUT");
  one.close();
  cancel(canceller);
  expect(errorOf(() => other.readLine(1)).code).toBe("ETIMEDOUT");
  expect(errorOf(() => one.canceller()).code).toBe("ERR_SOCKET_CLOSED");
  other.close();
});

test("cancel throws a TypeError for what is not a canceller", () => {
  for (const wrong of [null, undefined, {}, "x"]) expect(() => cancel(wrong as never)).toThrow(TypeError);
});
