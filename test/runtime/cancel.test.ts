/**
 * `canceller` and `cancel`: a wait that ends because another thread says so.
 */

import { Worker } from "node:worker_threads";
import { bindUdp, type Canceller, cancel, connect, listen, type NetError } from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer, startUnanswering } from "../support/peers.js";
import { root } from "../support/processes.js";
import { errorOf, fill, openTo } from "../tcp/sockets.js";

/** A thread that cancels after some ms, for as often as it is asked. */
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
    const socket = openTo(startPeer("silent"), { sendBuffer: 4096 });
    fill(socket);
    const before = socket.bytesWritten;
    cancelSoon(socket.canceller());
    const error: NetError = errorOf(() => socket.writeAll(Buffer.alloc(50_000_000), 20_000));
    expect(error.code).toBe("ERR_CANCELLED");
    expect(error.bytesWritten).toBe(socket.bytesWritten - before);
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

test("before a wait it ends the next one, once; a call that has what it needs goes on", () => {
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

test("of one handle it leaves the waits on others alone, and after close it does nothing", () => {
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

test("takes cancellers only", () => {
  for (const wrong of [null, undefined, {}, "x"]) expect(() => cancel(wrong as never)).toThrow(TypeError);
});
