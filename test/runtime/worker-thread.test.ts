/**
 * The package inside worker threads: each has a runtime of its own, and blocks by itself.
 */

import { listen } from "ringnet";
import { expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { runProgram } from "../support/programs.js";
import { timed } from "../support/waiting.js";
import { acceptFrom } from "../tcp/sockets.js";
import { startThread } from "./threads.js";

test("a worker thread connects, listens, resolves and polls while this thread blocks", () => {
  const peer = startPeer("echo");
  const thread = startThread();
  const answer = thread.run(({ connect, listen, resolve, bindUdp, Poller }, _, port) => {
    const address = resolve("localhost");
    address.waitUntilResolved(5000);
    const socket = connect({ host: address, port: port as number, timeout: 5000 });
    socket.writeAll("from a thread\n");
    const line = socket.readLine(5000);
    const server = listen({ host: "127.0.0.1" });
    const client = connect({ host: "127.0.0.1", port: server.port });
    const ready = new Poller().add(server).wait(5000).length;
    const accepted = server.acceptWait(5000);
    client.waitUntilConnected(5000);
    client.writeAll("hello\n");
    const udp = bindUdp({ host: "127.0.0.1" });
    const result = [line, ready, accepted.readLine(5000), udp.port > 0];
    for (const handle of [socket, server, client, accepted, udp]) handle.close();
    return result;
  }, peer.port);
  expect(answer).toEqual(["from a thread", 1, "hello", true]);
});

test("threads block independently, each for its own timeout", () => {
  const quick = startPeer("echo");
  const silent = startPeer("silent");
  const threads = [startThread(), startThread(), startThread()];
  for (const thread of threads.slice(0, 2)) {
    thread.start(({ connect }, _, port) => {
      const socket = connect({ host: "127.0.0.1", port: port as number, timeout: 5000 });
      const begin = performance.now();
      const readable = socket.waitUntilReadable(1500);
      return { readable, milliseconds: performance.now() - begin };
    }, silent.port);
  }
  const rounds = threads[2]?.run(({ connect }, _, port) => {
    const socket = connect({ host: "127.0.0.1", port: port as number, timeout: 5000 });
    let rounds = 0;
    for (; rounds < 200; rounds++) {
      socket.writeAll("x\n");
      if (socket.readLine(5000) !== "x") break;
    }
    socket.close();
    return rounds;
  }, quick.port);
  expect(rounds).toBe(200);
  for (const thread of threads.slice(0, 2)) {
    const { readable, milliseconds } = thread.result() as { readable: boolean; milliseconds: number };
    expect(readable).toBe(false);
    expect(milliseconds).toBeGreaterThanOrEqual(1499);
    expect(milliseconds).toBeLessThan(3000);
  }
});

test("a blocked thread and this one exchange bytes over loopback", () => {
  const server = listen({ host: "127.0.0.1" });
  const thread = startThread();
  thread.start(({ connect }, _, port) => {
    const socket = connect({ host: "127.0.0.1", port: port as number, timeout: 5000 });
    const question = socket.readLine(5000);
    socket.writeAll(`${question}: 42\n`);
    socket.close();
    return question;
  }, server.port);
  const client = acceptFrom(server);
  client.writeAll("the answer\n");
  expect(client.readLine(5000)).toBe("the answer: 42");
  expect(client.readLine(5000)).toBeNull();
  expect(thread.result()).toBe("the answer");
  client.close();
  server.close();
});

test("a thread that ends sends what it wrote, and its networking thread ends too", () => {
  const peer = startPeer("slow", { piece: 100_000, interval: 5 });
  const outcome = runProgram(
    `import { readdirSync } from "node:fs";
    import { Worker } from "node:worker_threads";
    const threads = () => readdirSync("/proc/self/task").length;
    const source = \`
      const { workerData } = require("node:worker_threads");
      import(workerData.package_).then(({ connect }) => {
        connect({ host: "127.0.0.1", port: workerData.port, sendBuffer: 1 << 22 }).write(Buffer.alloc(3_000_000, 1));
      });\`;
    const workerData = { package_: import.meta.resolve("ringnet"), port: Number(process.argv[1]) };
    const counts = [];
    for (let i = 0; i < 2; i++) {
      const worker = new Worker(source, { eval: true, execArgv: [], workerData });
      await new Promise((exited) => worker.on("exit", exited));
      await new Promise((done) => setTimeout(done, 300));
      counts.push(threads()); // the first round starts what Node itself keeps
    }
    console.log(counts[1] - counts[0]);`,
    { args: [`${peer.port}`] },
  );
  expect(outcome).toMatchObject({ code: 0, errors: "", output: "0\n" });
  peer.waitForEvent("end", 5000, 2);
  for (const { bytes } of peer.events("end")) expect(bytes).toBe(3_000_000);
});

test("the process goes on after a thread was terminated while blocked", async () => {
  const peer = startPeer("silent");
  for (let round = 0; round < 3; round++) {
    const thread = startThread();
    thread.run(({ connect }, state, port) => {
      state.socket = connect({ host: "127.0.0.1", port: port as number, timeout: 5000 });
    }, peer.port);
    thread.start((_, { socket }) => socket.readExactly(1, -1));
    const { value } = timed(() => thread.terminate());
    expect(await value).toBe(1);
  }
});

test("tasks of a Piscina pool block only their own thread", () => {
  const peer = startPeer("echo");
  const pool = new Process(process.execPath, ["test/runtime/pool.js", `${peer.port}`]);
  pool.waitForExit(20_000);
  expect(pool.errors).toBe("");
  expect(JSON.parse(pool.output)).toEqual(Array.from({ length: 20 }, (_, i) => `task ${i}`));
});
