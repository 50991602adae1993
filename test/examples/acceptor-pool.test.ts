/**
 * examples/acceptor-pool.js: more clients than threads.
 */

import { scryptSync } from "node:crypto";
import { Poller, type TcpSocket } from "ringnet";
import { beforeEach, expect, test } from "vitest";
import { Process } from "../support/processes.js";
import { openTo } from "../tcp/sockets.js";

let server: Process;
let port: number;
beforeEach(() => {
  server = new Process(process.execPath, ["examples/acceptor-pool.js", "0", "2"]);
  port = Number(server.waitForOutput(/^listening on port (\d+), 2 threads$/m)[1]);
});

const enter = () => openTo({ host: "127.0.0.1", port });
const digest = (line: string) => scryptSync(line, "salt", 16, { N: 4096 }).toString("hex");

test("answers each line, in both threads", () => {
  const clients = new Map<TcpSocket, string>();
  for (let i = 0; i < 40; i++) {
    const socket = enter();
    socket.writeAll(`line of ${i}\nsecond line of ${i}\n`);
    socket.end();
    clients.set(socket, `${i}`);
  }
  const poller = new Poller();
  for (const socket of clients.keys()) poller.add(socket);
  const threads = new Set<string>();
  while (clients.size > 0) {
    const ready = [...(poller.wait(10_000) as TcpSocket[])];
    expect(ready.length).toBeGreaterThan(0);
    for (const socket of ready) {
      const name = clients.get(socket);
      for (const line of [`line of ${name}`, `second line of ${name}`]) {
        const [sum, ...words] = (socket.readLine(10_000) as string).split(" ");
        expect(sum).toBe(digest(line));
        threads.add(words.pop() as string);
      }
      expect(socket.readLine(5000)).toBeNull();
      poller.delete(socket);
      socket.close();
      clients.delete(socket);
    }
  }
  expect(threads.size).toBe(2);
  expect(server.errors).toBe("");
}, 60_000);

test("a client that disconnects frees its thread for others", () => {
  for (let i = 0; i < 6; i++) {
    const socket = enter();
    socket.writeAll("a line");
    socket.reset();
  }
  const socket = enter();
  socket.writeAll("still there?\n");
  expect(socket.readLine(10_000)).toContain(digest("still there?"));
  expect(server.errors).toBe("");
});
