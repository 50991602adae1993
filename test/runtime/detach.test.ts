/**
 * Handing a connection to another thread: `detach` here, `TcpSocket.attach` there.
 */

import { connect, createRuntime, listen, Poller, type SocketToken, TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { startProgram } from "../support/programs.js";
import { timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, openTo } from "../tcp/sockets.js";
import { startThread, ThreadError } from "./threads.js";

/** The code of the error that a call in another thread threw. */
function threadErrorOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ThreadError);
    return (error as ThreadError).code;
  }
  throw new Error("nothing was thrown");
}

test("a connection continues in another thread, and comes back", () => {
  const peer = startPeer("echo");
  const socket = openTo(peer);
  const { localPort } = socket;
  socket.writeAll("first\nsecond\n");
  expect(socket.readLine(5000)).toBe("first");
  const token = socket.detach();

  const thread = startThread();
  const there = thread.run(({ TcpSocket }, state, token) => {
    const socket = TcpSocket.attach(token as SocketToken);
    state.socket = socket;
    socket.writeAll("third\n");
    const { status, bytesRead, bytesWritten, localPort, remotePort, remoteAddress, encrypted } = socket;
    return { status, bytesRead, bytesWritten, localPort, remotePort, remoteAddress, encrypted };
  }, token);
  expect(there).toEqual({
    status: "success",
    bytesRead: 6,
    bytesWritten: 19,
    localPort,
    remotePort: peer.port,
    remoteAddress: "127.0.0.1",
    encrypted: false,
  });
  expect(thread.run((_, { socket }) => [socket.readLine(5000), socket.readLine(5000)])).toEqual(["second", "third"]);

  const back = TcpSocket.attach(thread.run((_, { socket }) => socket.detach()) as SocketToken);
  back.writeAll("fourth\n");
  expect(back.readLine(5000)).toBe("fourth");
  expect(back.bytesRead).toBe(26);
  expect(back.bytesWritten).toBe(26);
  back.end();
  expect(back.readAll(5000)).toHaveLength(0);
  back.close();
  expect(peer.waitForEvent("close").bytes).toBe(26);
});

test("the detached handle is closed, the connection is not", () => {
  const peer = startPeer("echo");
  const socket = openTo(peer);
  const poller = new Poller().add(socket);
  const token = socket.detach();
  expect(socket.closed).toBe(true);
  expect(socket.status).toBe("failure");
  expect(poller.wait(0)).toEqual([socket]);
  for (const call of [() => socket.read(), () => socket.write("x"), () => socket.detach(), () => socket.end()]) {
    expect(errorOf(call).code).toBe("ERR_SOCKET_CLOSED");
  }
  socket.close();
  socket.reset();
  const other = TcpSocket.attach(token);
  other.writeAll("still here\n");
  expect(other.readLine(5000)).toBe("still here");
  expect(peer.events("end")).toEqual([]);
  other.close();
});

describe("bytes in flight", () => {
  test("in both directions, through three threads in turn, arrive once and in order", () => {
    const bytes = 30_000_000;
    const peer = startPeer("source", { bytes, seed: 50 });
    const socket = openTo(peer, { receiveBuffer: 65_536, sendBuffer: 65_536 });
    /** Reads and writes for 60 ms at full speed, then detaches; returns what it read, how much it wrote, and the token. */
    const work = ({ TcpSocket }: typeof import("ringnet"), _: unknown, [token, keys]: [SocketToken, string]) => {
      const socket = TcpSocket.attach(token);
      const received: Uint8Array[] = [];
      const text = Buffer.alloc(100_000, keys);
      let taken = 0;
      let got = 0;
      for (const end = performance.now() + 60; performance.now() < end && got < 3_000_000; ) {
        const bytes = socket.read() as Uint8Array;
        got += bytes.length;
        received.push(bytes);
        taken += socket.write(text);
      }
      return { received: Buffer.concat(received), taken, token: socket.detach() };
    };
    let token = socket.detach();
    const threads = [startThread(), startThread()];
    const parts: Uint8Array[] = [];
    const written: Buffer[] = [];
    for (let turn = 0; turn < 9; turn++) {
      const keys = String(turn);
      const thread = threads[turn % 3];
      const done =
        thread === undefined
          ? work({ TcpSocket } as never, {}, [token, keys])
          : thread.run(work, [token, keys] as [SocketToken, string]);
      token = done.token;
      parts.push(done.received);
      written.push(Buffer.alloc(done.taken, keys));
    }
    const last = TcpSocket.attach(token);
    const sent = Buffer.concat(written);
    const got = parts.reduce((sum, part) => sum + part.length, 0);
    expect(last.bytesWritten).toBe(sent.length);
    expect(last.bytesRead).toBe(got);
    parts.push(last.readAll(20_000));
    const all = Buffer.concat(parts);
    expect(all.length).toBe(bytes);
    expect(all.equals(pattern(50, 0, bytes))).toBe(true);
    last.end();
    const end = peer.waitForEvent("end");
    expect(end.bytes).toBe(sent.length);
    expect(end.sha256).toBe(sha256(sent));
    last.close();
  });

  test("that were not read or not sent yet are kept", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer, { receiveBuffer: 4096, sendBuffer: 65_536 });
    peer.waitForEvent("connection");
    peer.send({ do: "write", bytes: 20_000, seed: 51 });
    waitFor("a full ring", () => socket.readable === 4096);
    let taken = 0;
    for (let piece = -1; piece !== 0; taken += piece) {
      socket.waitUntilWritable(300);
      piece = socket.write(pattern(52, taken, 65_536));
    }
    const pending = socket.pendingWrites;
    expect(pending).toBeGreaterThan(0);
    const thread = startThread();
    const there = thread.run(({ TcpSocket }, state, token) => {
      state.socket = TcpSocket.attach(token as SocketToken);
      return { readable: state.socket.readable, pending: state.socket.pendingWrites };
    }, socket.detach());
    expect(there).toEqual({ readable: 4096, pending });
    peer.send({ do: "resume" });
    const received = thread.run((_, { socket }) => {
      const bytes = socket.readExactly(20_000, 5000);
      socket.end();
      socket.waitUntilDrained(5000);
      return bytes;
    });
    expect(Buffer.from(received).equals(pattern(51, 0, 20_000))).toBe(true);
    const end = peer.waitForEvent("end");
    expect([end.bytes, end.sha256]).toEqual([taken, patternHash(52, taken)]);
  });

  test("that a timed-out call had gathered are kept", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer, { receiveBuffer: 4096 });
    peer.waitForEvent("connection");
    peer.send({ do: "write", bytes: 30_000, seed: 53 });
    expect(errorOf(() => socket.readExactly(40_000, 300)).code).toBe("ETIMEDOUT");
    waitFor("all", () => socket.readable === 30_000);
    const thread = startThread();
    peer.send({ do: "write", text: "the end", delay: 100 });
    const bytes = thread.run(({ TcpSocket }, _, token) => {
      const socket = TcpSocket.attach(token as SocketToken);
      const bytes = [socket.readExactly(30_000, 5000), socket.readExactly(7, 5000)];
      socket.close();
      return bytes;
    }, socket.detach());
    expect(Buffer.from(bytes[0] as Uint8Array).equals(pattern(53, 0, 30_000))).toBe(true);
    expect(Buffer.from(bytes[1] as Uint8Array).toString()).toBe("the end");
  });

  test("that arrive while the token is on its way are kept", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer);
    const token = socket.detach();
    const other = startPeer("greeter", { text: "on the way" });
    const late = openTo(other).detach();
    other.waitForEvent("connection");
    other.kill("SIGSTOP"); // what it sent is sent
    other.kill("SIGCONT");
    const thread = startThread();
    const text = thread.run(
      ({ TcpSocket }, _, [token, late]) => {
        const [echo, greeter] = [TcpSocket.attach(token as SocketToken), TcpSocket.attach(late as SocketToken)];
        echo.writeAll("x\n");
        return [echo.readLine(5000), String(greeter.readExactly(10, 5000))];
      },
      [token, late],
    );
    expect(text).toEqual(["x", "on the way"]);
  });
});

describe("an attached socket reports", () => {
  test("the peer's end, whether or not it was read before detach", () => {
    for (const seen of [false, true]) {
      const peer = startPeer("halfClosed", { text: "bye" });
      const socket = openTo(peer);
      expect(String(socket.readExactly(3, 5000))).toBe("bye");
      expect(socket.waitUntilReadable(5000)).toBe(true);
      if (seen) expect(socket.read()).toBeNull();
      const other = TcpSocket.attach(socket.detach());
      const poller = new Poller().add(other);
      expect(poller.wait(seen ? 50 : 5000)).toEqual(seen ? [] : [other]);
      expect(other.read()).toBeNull();
      other.writeAll("after the end");
      other.end();
      expect(peer.waitForEvent("end").bytes).toBe(13);
      other.close();
    }
  });

  test("that its own side has ended", () => {
    const peer = startPeer("sink", { reply: "got it all" });
    const socket = openTo(peer);
    socket.writeAll("all");
    socket.end();
    const other = TcpSocket.attach(socket.detach());
    expect(errorOf(() => other.write("more")).code).toBe("EPIPE");
    expect(String(other.readAll(5000))).toBe("got it all");
    other.close();
  });

  test("a failure while it was detached, and one after attach", () => {
    const peer = startPeer("manual");
    const token = openTo(peer).detach();
    peer.waitForEvent("connection");
    peer.send({ do: "write", text: "last" });
    peer.send({ do: "reset", delay: 50 });
    peer.waitForEvent("close");
    const thread = startThread();
    thread.run(({ TcpSocket }, state, token) => {
      state.socket = TcpSocket.attach(token as SocketToken);
      state.socket.waitUntilReadable(5000);
    }, token);
    expect(thread.run((_, { socket }) => String(socket.readExactly(4, 5000)))).toBe("last");
    expect(threadErrorOf(() => thread.run((_, { socket }) => socket.readExactly(1, 5000)))).toBe("ECONNRESET");

    thread.run(({ TcpSocket }, state, token) => {
      state.socket = TcpSocket.attach(token as SocketToken);
      state.poller = undefined;
    }, openTo(peer).detach());
    peer.waitForEvent("connection", 5000, 2);
    thread.start((_, { socket }) => socket.readExactly(1, 10_000));
    peer.send({ do: "reset", delay: 100 });
    expect(threadErrorOf(() => thread.result())).toBe("ECONNRESET");
  });
});

describe("TcpSocket.attach", () => {
  test("rejects a token that was used, in any thread", () => {
    const peer = startPeer("echo");
    const token = openTo(peer).detach();
    const thread = startThread();
    thread.run(({ TcpSocket }, state, token) => {
      state.socket = TcpSocket.attach(token as SocketToken);
    }, token);
    expect(errorOf(() => TcpSocket.attach(token)).code).toBe("ERR_SOCKET_DETACHED");
    const again = () => thread.run(({ TcpSocket }, _, token) => void TcpSocket.attach(token as SocketToken), token);
    expect(threadErrorOf(again)).toBe("ERR_SOCKET_DETACHED");
    const echoed = thread.run((_, { socket }) => {
      socket.writeAll("x\n");
      return socket.readLine(5000);
    });
    expect(echoed).toBe("x");
    thread.run((_, { socket }) => void socket.close());
    expect(errorOf(() => TcpSocket.attach(token)).code).toBe("ERR_SOCKET_DETACHED");
    peer.waitForEvent("close");
    expect(errorOf(() => TcpSocket.attach(token)).code).toBe("ERR_SOCKET_DETACHED");
  });

  test("rejects a superseded token, while the latest one waits and after it was attached", () => {
    const peer = startPeer("echo");
    const first = openTo(peer).detach();
    const second = TcpSocket.attach(first).detach();
    const thread = startThread();
    expect(errorOf(() => TcpSocket.attach(first)).code).toBe("ERR_SOCKET_DETACHED");
    const third = thread.run(({ TcpSocket }, _, token) => TcpSocket.attach(token).detach(), second);
    for (const token of [first, second]) {
      expect(threadErrorOf(() => thread.run(({ TcpSocket }, _, token) => void TcpSocket.attach(token), token))).toBe(
        "ERR_SOCKET_DETACHED",
      );
    }
    const socket = TcpSocket.attach(third);
    for (const token of [first, second, third]) {
      expect(errorOf(() => TcpSocket.attach(token)).code).toBe("ERR_SOCKET_DETACHED");
    }
    socket.writeAll("mine\n");
    expect(socket.readLine(5000)).toBe("mine");
    socket.close();
  });

  test("rejects a token whose slot now belongs to another detached connection", () => {
    const peer = startPeer("echo");
    const first = openTo(peer).detach();
    const slot = (token: SocketToken): number => (token as unknown as { slot: { offset: number } }).slot.offset;
    TcpSocket.attach(first).close();
    const tokens: SocketToken[] = [];
    waitFor("the slot to be used again", () => {
      tokens.push(openTo(peer).detach());
      return tokens.some((token) => slot(token) === slot(first));
    });
    expect(errorOf(() => TcpSocket.attach(first)).code).toBe("ERR_SOCKET_DETACHED");
    for (const token of tokens) TcpSocket.attach(token).close();
  });

  test("succeeds in one of several threads that attach a token at once", () => {
    const peer = startPeer("echo");
    const threads = [startThread(), startThread(), startThread()];
    for (let round = 0; round < 30; round++) {
      const token = openTo(peer).detach();
      const start = new Int32Array(new SharedArrayBuffer(4));
      for (const thread of threads) {
        thread.start(
          ({ TcpSocket }, _, { token, start }) => {
            Atomics.wait(start, 0, 0, 1000);
            try {
              const socket = TcpSocket.attach(token);
              socket.writeAll("mine\n");
              const line = socket.readLine(5000);
              socket.close();
              return line;
            } catch (error) {
              return (error as { code: string }).code;
            }
          },
          { token, start },
        );
      }
      Atomics.store(start, 0, 1);
      Atomics.notify(start, 0);
      const results = threads.map((thread) => thread.result());
      expect(results.sort()).toEqual(["ERR_SOCKET_DETACHED", "ERR_SOCKET_DETACHED", "mine"]);
    }
  });

  test("throws a TypeError for what is not a token", () => {
    for (const nothing of [null, undefined, {}, 5, "token"]) {
      expect(() => TcpSocket.attach(nothing as never)).toThrow(TypeError);
    }
  });
});

test("a socket that is not connected can't be detached, and stays as it is", () => {
  const stuck = startUnanswering();
  const socket = connect({ host: stuck.host, port: stuck.port });
  expect(errorOf(() => socket.detach()).code).toBe("ERR_SOCKET_CONNECTING");
  expect(socket.closed).toBe(false);
  expect(socket.status).toBe("waiting");
  socket.close();
});

test("a poller watches attached sockets beside the thread's own", () => {
  const mine = startPeer("manual");
  const theirs = startPeer("manual");
  const token = openTo(mine).detach();
  mine.waitForEvent("connection");
  const thread = startThread();
  const run = (timeout: number) =>
    thread.start(
      (_, { poller, names }, timeout) =>
        poller.wait(timeout).map((socket: TcpSocket) => `${names.get(socket)} ${socket.read()}`),
      timeout,
    );
  thread.run(
    ({ TcpSocket, Poller, connect, listen }, state, { token, port }) => {
      const attached = TcpSocket.attach(token as SocketToken);
      const own = connect({ host: "127.0.0.1", port, timeout: 5000 });
      const server = listen({ host: "127.0.0.1" });
      state.names = new Map([
        [attached, "attached"],
        [own, "own"],
      ]);
      state.poller = new Poller().add(attached).add(own).add(server);
      state.poller.wait(50);
    },
    { token, port: theirs.port },
  );
  for (let round = 0; round < 5; round++) {
    run(10_000);
    mine.send({ do: "write", text: `a${round}`, delay: 20 });
    expect(thread.result()).toEqual([`attached a${round}`]);
    run(10_000);
    theirs.send({ do: "write", text: `b${round}`, delay: 20 });
    expect(thread.result()).toEqual([`own b${round}`]);
  }
  run(100);
  expect(thread.result()).toEqual([]);
});

test("an acceptor feeds a pool of blocking threads", () => {
  const server = listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 4096 });
  const threads = [startThread(), startThread()];
  const clients = 200;
  const peer = startPeer("answer", { connect: server.port, connections: clients, size: 6, reply: "answer" });
  for (let client = 0; client < clients; client++) {
    // Immediately, before the networking thread has received the command that accepts the client.
    const token = acceptFrom(server).detach();
    threads[client % 2]?.start(({ TcpSocket }, _, token) => {
      const socket = TcpSocket.attach(token as SocketToken);
      socket.writeAll("knock!");
      const answer = String(socket.readExactly(6, 10_000));
      socket.close();
      return answer;
    }, token);
  }
  for (let client = 0; client < clients; client++) expect(threads[client % 2]?.result()).toBe("answer");
  peer.waitForEvent("close", 10_000, clients);
  for (const { bytes } of peer.events("close")) expect(bytes).toBe(6);
  server.close();
});

test("a client that is detached and attached right after accept is served without delay", () => {
  const server = listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 4096 });
  const clients = 300;
  startPeer("answer", { connect: server.port, connections: clients, size: 6, reply: "answer" });
  const times = Array.from({ length: clients }, () => {
    const client = acceptFrom(server);
    return timed(() => {
      const socket = TcpSocket.attach(client.detach());
      socket.writeAll("knock!");
      expect(String(socket.readExactly(6, 10_000))).toBe("answer");
      socket.close();
    }).milliseconds;
  });
  // Without a wake-up the thread sleeps for a slice of 250 ms.
  expect(times.filter((milliseconds) => milliseconds > 200).length).toBeLessThanOrEqual(clients / 20);
  server.close();
});

test("a socket attached in the thread that opened it waits like any other", () => {
  const peer = startPeer("manual");
  const socket = TcpSocket.attach(openTo(peer).detach());
  peer.waitForEvent("connection");
  peer.send({ do: "write", text: "x", delay: 7000 }); // longer than a silent networking thread counts as alive
  expect(String(socket.readExactly(1, 20_000))).toBe("x");
  socket.close();
});

test("closing the runtime that opened a connection closes it in the thread that attached it too", () => {
  const peer = startPeer("echo");
  const runtime = createRuntime();
  const socket = runtime.connect({ host: peer.host, port: peer.port, timeout: 5000 });
  const thread = startThread();
  thread.run(({ TcpSocket }, state, token) => {
    state.socket = TcpSocket.attach(token as SocketToken);
  }, socket.detach());
  thread.start((_, { socket }) => {
    try {
      return socket.readExactly(1, 15_000);
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
  const { milliseconds } = timed(() => runtime.close());
  expect(milliseconds).toBeLessThan(2000);
  // The peer's end, which follows ours, may arrive before or after the error.
  expect([null, "ECANCELED", "ERR_RUNTIME_CLOSED", "ERR_WORKER_DIED"]).toContain(thread.result());
  peer.waitForEvent("close");
  expect(thread.run((_, { socket }) => socket.status)).toBe("failure");
  expect(thread.run((_, { socket }) => socket.error instanceof Error)).toBe(true);
});

test("a thread that ends without closing sends everything", async () => {
  const peer = startPeer("sink");
  const thread = startThread();
  thread.run(({ TcpSocket }, _, token) => {
    TcpSocket.attach(token as SocketToken).writeAll(Buffer.alloc(1_000_000, 1));
  }, openTo(peer).detach());
  await thread.terminate();
  const received = waitFor("all bytes", () => {
    peer.send({ do: "report" });
    const count = peer.events("report").at(-1)?.received ?? 0;
    return count >= 1_000_000 && count;
  });
  expect(received).toBe(1_000_000);
});

test.each(["open", "closed"])(
  "what another thread has written is sent when the process ends; the socket is %s",
  (how) => {
    const peer = startPeer("manual", { paused: true });
    const program = `
    import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
    import { connect } from "ringnet";
    const token = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 5000 }).detach();
    const source = \`
      const { workerData } = require("node:worker_threads");
      import(workerData.package_).then(({ TcpSocket }) => {
        const socket = TcpSocket.attach(workerData.token);
        const bytes = Buffer.alloc(100_000, 1);
        let taken = 0;
        while (socket.waitUntilWritable(300)) taken += socket.write(bytes);
        if (workerData.how === "closed") socket.close();
        workerData.port.postMessage(taken);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
      });\`;
    const { port1, port2 } = new MessageChannel();
    const workerData = { package_: import.meta.resolve("ringnet"), token, port: port2, how: process.argv[2] };
    new Worker(source, { eval: true, execArgv: [], workerData, transferList: [port2] });
    const clock = new Int32Array(new SharedArrayBuffer(4));
    let message;
    while ((message = receiveMessageOnPort(port1)) === undefined) Atomics.wait(clock, 0, 0, 5);
    console.log(message.message);
    process.exit();`;
    const running = startProgram(program, { args: [`${peer.port}`, how] });
    const taken = Number(running.waitForOutput(/^\d+$/m)[0]);
    peer.send({ do: "resume", delay: 500 });
    running.waitForExit();
    expect(running.errors).toBe("");
    expect(peer.waitForEvent("end").bytes).toBe(taken);
  },
);

test("all connections attached in a burst are served", () => {
  const server = listen({ host: "127.0.0.1", receiveBuffer: 4096, sendBuffer: 4096 });
  const clients = 400;
  startPeer("answer", { connect: server.port, connections: clients, size: 6, reply: "answer" });
  const sockets = Array.from({ length: clients }, () => TcpSocket.attach(acceptFrom(server).detach()));
  for (const socket of sockets) socket.writeAll("knock!");
  const deadline = performance.now() + 20_000;
  for (const socket of sockets) {
    expect(String(socket.readExactly(6, Math.max(0, deadline - performance.now())))).toBe("answer");
    socket.close();
  }
  server.close();
});

test("a thread that only attaches does not grow in memory, and its pollers keep working", () => {
  const peer = startPeer("echo");
  let socket = openTo(peer);
  // What its poller is to report is queued before all others.
  const first = TcpSocket.attach(openTo(peer).detach());
  const poller = new Poller().add(first);
  const before = process.memoryUsage().rss;
  // More than the slot queue has entries.
  for (let i = 0; i < 530_000; i++) socket = TcpSocket.attach(socket.detach());
  // While the networking thread gets no core, 131,072 attached connections may wait to be moved. A channel for each would take gigabytes.
  expect(process.memoryUsage().rss - before).toBeLessThan(600e6);
  poller.add(socket);
  for (const each of [socket, first]) {
    each.writeAll("x");
    expect(poller.wait(20_000)).toEqual([each]);
    expect(String(each.readExactly(1, 5000))).toBe("x");
  }
  socket.close();
  first.close();
}, 240_000);
