/**
 * Pollables: objects that a program builds on handles can be waited for like handles.
 */

import {
  bindUdp,
  connect,
  Deadline,
  type Handle,
  type Interest,
  listen,
  net,
  type Pollable,
  Poller,
  poll,
  pollable,
  type TcpSocket,
  type Watch,
} from "ringnet";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { openTo } from "../tcp/sockets.js";
import { sendDatagrams } from "./handles.js";

/** A protocol of lines: ready when one is complete. */
class Lines implements Pollable {
  asked = 0;
  closed = false;
  #text = "";
  readonly socket: TcpSocket;

  constructor(socket: TcpSocket) {
    this.socket = socket;
  }

  [pollable](watch: Watch, { readable }: { readable: boolean }): boolean {
    this.asked++;
    if (!readable || this.closed) return this.closed;
    this.#text += this.socket.read() ?? "";
    watch(this.socket);
    return this.#text.includes("\n");
  }

  next(): string {
    const [line = "", ...rest] = this.#text.split("\n");
    this.#text = rest.join("\n");
    return line;
  }
}

/** Sends this many bytes; ready when the last one was taken. */
class Sending implements Pollable {
  readonly #socket: TcpSocket;
  left: number;

  constructor(socket: TcpSocket, bytes: number) {
    this.#socket = socket;
    this.left = bytes;
  }

  [pollable](watch: Watch): boolean {
    while (this.left > 0) {
      const count = this.#socket.write(Buffer.alloc(Math.min(this.left, 10_000)));
      if (count === 0) break;
      this.left -= count;
    }
    if (this.left > 0) watch(this.#socket, { writable: true });
    return this.left === 0;
  }
}

const WAYS: [string, <T extends Pollable | Handle>(one: T, timeout: number) => T[]][] = [
  ["poll", (one, timeout) => poll([one], timeout)],
  [
    "Poller",
    (one, timeout) => {
      const poller = (pollers.get(one) as Poller<typeof one>) ?? new Poller<typeof one>().add(one);
      pollers.set(one, poller as never);
      return [...poller.wait(timeout)];
    },
  ],
];
const pollers = new WeakMap<object, unknown>();

describe.each(WAYS)("a pollable in %s", (_name, wait) => {
  test("is reported when it is ready, not when its socket is", () => {
    const peer = startPeer("manual");
    const lines = new Lines(openTo(peer));
    expect(wait(lines, 0)).toEqual([]);
    peer.waitForEvent("connection");
    peer.send({ do: "write", text: "one " });
    expect(wait(lines, 300)).toEqual([]);
    peer.send({ do: "write", text: "line\nanother\n", delay: 100 });
    expect(wait(lines, 10_000)).toEqual([lines]);
    expect(lines.next()).toBe("one line");
    expect(wait(lines, 0)).toEqual([lines]);
    expect(lines.next()).toBe("another");
    expect(wait(lines, 50)).toEqual([]);
    lines.socket.close();
  });

  test("is woken by room on its socket, however often that is full", () => {
    const socket = openTo(startPeer("sink"), { sendBuffer: 4096 });
    const sending = new Sending(socket, 20_000_000);
    expect(wait(sending, 60_000)).toEqual([sending]);
    expect(socket.bytesWritten).toBe(20_000_000);
    socket.close();
  });

  test("is asked again when a Deadline that it watches expires", () => {
    const socket = openTo(startPeer("silent"));
    const due = new Deadline(300);
    const timer: Pollable = {
      [pollable](watch) {
        watch(socket);
        watch(due);
        return due.expired;
      },
    };
    const { value, milliseconds } = timed(() => wait(timer, -1));
    expect(value).toEqual([timer]);
    expect(due.expired).toBe(true);
    expect(milliseconds).toBeLessThan(3000);
    socket.close();
  });

  test("may watch a new source while it is asked: earlier news is not missed", () => {
    const greeted = openTo(startPeer("greeter", { text: "hello\n" }));
    waitFor("the greeting", () => greeted.readable > 0);
    let lines: Lines | null = null;
    const late: Pollable = {
      [pollable](watch) {
        if (lines !== null) return lines[pollable](watch, { readable: true });
        lines = new Lines(greeted);
        watch(greeted); // not looked at yet
        return false;
      },
    };
    expect(wait(late, 0)).toEqual([late]);
    greeted.close();
  });

  test("may watch another pollable", () => {
    const peer = startPeer("manual");
    const lines = new Lines(openTo(peer));
    const outer: Pollable = {
      [pollable](watch) {
        watch(lines);
        return lines.next() === "go";
      },
    };
    expect(wait(outer, 50)).toEqual([]);
    peer.waitForEvent("connection");
    peer.send({ do: "write", text: "go\n", delay: 100 });
    expect(wait(outer, 10_000)).toEqual([outer]);
    lines.socket.close();
  });

  test("that returns a handle is ready whenever the handle is, also when that is closed", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    const wrapper: Pollable = { [pollable]: () => socket };
    expect(wait(wrapper, 50)).toEqual([]);
    peer.waitForEvent("connection");
    peer.send({ do: "write", text: "x", delay: 100 });
    expect(wait(wrapper, 10_000)).toEqual([wrapper]);
    socket.read();
    expect(wait(wrapper, 50)).toEqual([]);
    socket.close();
    expect(wait(wrapper, 0)).toEqual([wrapper]);
  });

  test("that returns false while its socket is ready neither ends the wait nor keeps the processor busy", () => {
    const socket = openTo(startPeer("greeter"));
    waitFor("the greeting", () => socket.readable > 0);
    let asked = 0;
    const stubborn: Pollable = {
      [pollable](watch) {
        asked++;
        watch(socket);
        return false;
      },
    };
    const { value, milliseconds } = timed(() => wait(stubborn, 300));
    expect(value).toEqual([]);
    expect(milliseconds).toBeGreaterThanOrEqual(299);
    expect(asked).toBeLessThan(3000);
    socket.close();
  });

  test("that throws or returns neither a boolean nor a handle makes the wait throw, and the poller works afterwards", () => {
    let answer: unknown = 1;
    const wrong: Pollable = {
      [pollable]() {
        if (answer instanceof Error) throw answer;
        return answer as boolean;
      },
    };
    expect(() => wait(wrong, 100)).toThrow("[pollable]() must return a boolean or a handle, not number");
    answer = new Error("its own");
    expect(() => wait(wrong, 0)).toThrow("its own");
    expect(() => wait(wrong, 100)).toThrow("its own");
    answer = true;
    expect(wait(wrong, 100)).toEqual([wrong]);
    expect(() => wait({ [pollable]: (watch) => watch({} as never) as never }, 0)).toThrow(TypeError);
  });

  test("gets the interest", () => {
    const reported: Interest[] = [];
    const one: Pollable = {
      [pollable](_watch, interest) {
        reported.push(interest);
        return true;
      },
    };
    wait(one, 0);
    expect(reported[0]).toEqual({ readable: true, writable: false });
    poll([{ handle: one, writable: true }]);
    expect(reported.at(-1)).toEqual({ readable: false, writable: true });
  });
});

describe("a Poller with pollables", () => {
  test("asks a pollable only after news of its sources", () => {
    const peer = startPeer("manual");
    const quiet = new Lines(openTo(peer));
    const busy = new Lines(openTo(peer)); // the peer's commands are for its last connection
    const poller = new Poller<Lines>().add(quiet).add(busy);
    poller.wait(100);
    const before = quiet.asked;
    for (let i = 0; i < 10; i++) {
      peer.send({ do: "write", text: "x\n" });
      expect(poller.wait(10_000)).toEqual([busy]);
      busy.next();
    }
    expect(quiet.asked).toBe(before);
    poller.delete(busy);
    peer.send({ do: "write", text: "x\n" });
    expect(poller.wait(100)).toEqual([]);
    expect(poller.size).toBe(1);
    for (const lines of [quiet, busy]) lines.socket.close();
  });

  test("stops watching sockets that it no longer names", () => {
    const [first, second] = [startPeer("manual"), startPeer("manual")];
    const sockets = [openTo(first), openTo(second)] as const;
    let asked = 0;
    let at = 0;
    const changing: Pollable = {
      [pollable](watch) {
        asked++;
        const socket = sockets[at] as TcpSocket;
        watch(socket);
        return socket.readable > 0;
      },
    };
    const poller = new Poller<Pollable>().add(changing);
    expect(poller.wait(50)).toEqual([]);
    first.send({ do: "write", text: "x" });
    expect(poller.wait(10_000)).toEqual([changing]);
    at = 1;
    expect(poller.wait(50)).toEqual([]);
    const before = asked;
    first.send({ do: "write", text: "more" });
    waitFor("more", () => sockets[0].readable > 1);
    expect(poller.wait(100)).toEqual([]);
    expect(asked).toBe(before);
    second.send({ do: "write", text: "x" });
    expect(poller.wait(10_000)).toEqual([changing]);
    for (const socket of sockets) socket.close();
  });

  test("reports a closed pollable once, then stops watching it", () => {
    const lines = new Lines(openTo(startPeer("manual")));
    const poller = new Poller<Lines>().add(lines);
    expect(poller.wait(0)).toEqual([]);
    lines.closed = true;
    lines.socket.close();
    expect(poller.wait(5000)).toEqual([lines]);
    expect(poller.wait(50)).toEqual([]);
    expect(poller.has(lines)).toBe(false);
  });

  test("takes handles beside pollables", () => {
    const peer = startPeer("manual");
    const lines = new Lines(openTo(peer));
    const server = listen({ host: "127.0.0.1" });
    const poller = new Poller<Lines | Handle>().add(lines).add(server);
    expect(poller.wait(50)).toEqual([]);
    startPeer("silent", { connect: server.port });
    expect(poller.wait(10_000)).toEqual([server]);
    peer.send({ do: "write", text: "x\n" });
    waitFor("both", () => poller.wait(1000).length === 2);
    server.close();
    lines.socket.close();
  });
});

test("objects of `net` are taken as they are", () => {
  const peer = startPeer("manual");
  const host = net.resolve_address("127.0.0.1")[0] as net.address;
  const tcp = net.open_tcp(host, peer.port)[0] as net.tcp;
  const server = net.create_server(host, 0)[0] as net.server;
  const udp = net.open_udp(host, 0)[0] as net.udp;
  const address = net.resolve_address("localhost")[0] as net.address;
  const poller = new Poller<Pollable>().add(tcp).add(server).add(udp).add(address);

  const reported = new Set<Pollable>();
  waitFor("the connection and the name", () => {
    for (const each of poller.wait(1000)) reported.add(each);
    return reported.size === 2;
  });
  expect(reported).toEqual(new Set([tcp, address]));
  expect(poller.wait(50)).toEqual([]);
  peer.send({ do: "write", text: "x" });
  expect(poller.wait(10_000)).toEqual([tcp]);
  expect(poll([server, tcp, udp])).toEqual([tcp]);
  expect(String(tcp.read(10)[0])).toBe("x");
  const client = connect({ host: "127.0.0.1", port: server.get_port() });
  expect(poller.wait(10_000)).toEqual([server]);
  server.accept()[0]?.close();
  client.close();
  sendDatagrams(udp.get_port(), "x");
  expect(poller.wait(10_000)).toEqual([udp]);
  expect(String(udp.receive()[0]?.get_data())).toBe("x");
  expect(poller.wait(50)).toEqual([]);
  for (const each of [tcp, server, udp]) each.close();
  expect(poller.wait(0)).toHaveLength(3);
  expect(poller.size).toBe(1);
});

test("anything other than a handle or pollable throws TypeError", () => {
  for (const wrong of [{}, null, { [pollable]: true }, 5]) {
    expect(() => poll([wrong as never])).toThrow(TypeError);
    expect(() => new Poller().add(wrong as never)).toThrow(TypeError);
  }
  const udp = bindUdp();
  expect(() => poll([{ handle: { handle: udp } } as never])).toThrow(TypeError);
  udp.close();
});
