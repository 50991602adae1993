/**
 * What LuaSocket's test/testclnt.lua (github.com/lunarmodules/luasocket) asserts of a client and the server that it
 * commands: transfers in lines and blocks, ends, errors, select. docs/ported-suites.md has the whole list; timeouts and
 * what is left after them are in luasocket-timeouts.test.ts.
 */

import { Address, bindUdp, connect, type Handle, listen, poll, TcpServer, TcpSocket, UdpSocket } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { type Peer, type Step, startPeer, startUnanswering } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { timed } from "../support/waiting.js";
import { errorOf, openTo } from "../tcp/sockets.js";

const LITTLE = "a few bytes";
const LINE_MAX = 16 << 20;

let peer: Peer;

beforeAll(() => {
  peer = startPeer("scripted");
});

/** A new connection, to which the other side does this. */
function reconnect(...steps: Step[]): TcpSocket {
  peer.script(...steps);
  return openTo(peer);
}

test("sockets, servers and addresses have their methods", () => {
  const methods: [{ prototype: object }, string][] = [
    [TcpSocket, "read readInto peek consume write waitUntilConnected waitUntilReadable waitUntilWritable"],
    [TcpSocket, "waitUntilDrained readExactly readLine readUntil readAll writeAll end reset close"],
    [TcpSocket, "setNoDelay setKeepAlive"],
    [TcpServer, "accept acceptWait waitUntilAcceptable close"],
    [UdpSocket, "send receive receiveWait waitUntilReadable connect close setBroadcast setTtl setMulticastTtl"],
    [UdpSocket, "setMulticastLoopback setMulticastInterface addMembership dropMembership"],
    [Address, "waitUntilResolved close toString"],
  ];
  for (const [{ prototype }, names] of methods) {
    for (const name of names.split(" ")) expect(prototype[name as keyof object], name).toBeTypeOf("function");
  }
});

const sizes = [1, 17, 200, 4091, 80_199, 8_000_000, 80_199, 4091, 200, 17, 1];

describe("transfers", () => {
  const letters = Buffer.from("aZb.c#dAe?");
  const bytes = Buffer.from([120, 21, 77, 4, 5, 0, 7, 36, 44, 100]);

  test.each([
    ["letters", letters],
    ["any bytes but a line's end", bytes],
  ])("lines of %s come back unchanged, whatever their length", (_what, piece) => {
    for (const size of sizes) {
      const socket = reconnect({ do: "receive", bytes: size + 1 }, { do: "return" }, { do: "close" });
      const line = Buffer.alloc(size, piece).toString("latin1");
      socket.writeAll(`${line}\n`, 20_000);
      expect(socket.readLine(20_000, { maxLength: LINE_MAX }) === line, `${size} bytes`).toBe(true);
      socket.close();
    }
  });

  test("a block sent in two halves comes back whole, whatever its length", () => {
    for (const size of sizes) {
      const socket = reconnect({ do: "receive", bytes: size }, { do: "return" }, { do: "close" });
      const block = Buffer.concat([Buffer.alloc(size >> 1, "x"), Buffer.alloc(size - (size >> 1), "y")]);
      socket.writeAll(block.subarray(0, size >> 1), 20_000);
      socket.writeAll(block.subarray(size >> 1), 20_000);
      expect(socket.readExactly(size, 20_000)?.equals(block), `${size} bytes`).toBe(true);
      socket.close();
    }
  });

  test("lines of both kinds, a block and all the rest can be read from one stream", () => {
    for (const size of [1, 17, 200, 4091, 801_990, 4091, 200, 17, 1]) {
      const fill = (letter: string): string => letter.repeat(Math.ceil(size / 4));
      const parts = [`unix ${fill("x")}`, `dos ${fill("y")}`, `raw ${fill("z")}`, `rest ${fill("w")}`] as const;
      const stream = `${parts[0]}\n${parts[1]}\r\n${parts[2]}${parts[3]}`;
      const socket = reconnect({ do: "receive", bytes: stream.length }, { do: "return" }, { do: "end" });
      socket.writeAll(stream, 20_000);
      expect(socket.readLine(20_000)).toBe(parts[0]);
      expect(socket.readLine(20_000)).toBe(parts[1]);
      expect(socket.readExactly(parts[2].length, 20_000)?.toString()).toBe(parts[2]);
      expect(socket.readAll(20_000).toString()).toBe(parts[3]);
      socket.close();
    }
  });

  test("the counters are exact", () => {
    const socket = reconnect(
      ...Array.from({ length: 25 }, (_, i): Step[] => [{ do: "receive", bytes: 4 * i + 1 }, { do: "return" }]).flat(),
    );
    let sum = 0;
    for (let i = 0; i < 25; i++) {
      const size = 4 * i + 1;
      expect(socket.write("a".repeat(size))).toBe(size);
      expect(socket.readExactly(size, 5000)).toHaveLength(size);
      sum += size;
      expect([socket.bytesRead, socket.bytesWritten]).toEqual([sum, sum]);
    }
    socket.close();
  });
});

describe("a connection that the peer closed", () => {
  test("reading: an incomplete frame is an error, and its bytes remain readable", () => {
    const socket = reconnect({ do: "send", text: LITTLE }, { do: "close" });
    expect(errorOf(() => socket.readUntil("\n", 5000)).code).toBe("ERR_STREAM_PREMATURE_CLOSE");
    expect(errorOf(() => socket.readExactly(LITTLE.length + 1, 5000)).code).toBe("ERR_STREAM_PREMATURE_CLOSE");
    expect(String(socket.read())).toBe(LITTLE);
    expect(socket.read()).toBeNull();
    socket.close();
  });

  test("reading: departure: a last line without its end is a line", () => {
    const socket = reconnect({ do: "send", text: LITTLE }, { do: "close" });
    expect(socket.readLine(5000)).toBe(LITTLE);
    expect(socket.readLine(5000)).toBeNull();
    socket.close();
  });

  test("writing throws the connection's error", () => {
    const socket = reconnect({ do: "close" });
    expect(socket.waitUntilReadable(5000)).toBe(true);
    const error = errorOf(() => {
      for (const deadline = performance.now() + 10_000; performance.now() < deadline; ) {
        socket.writeAll("ugauga".repeat(100_000), 5000);
        socket.waitUntilDrained(100);
      }
    });
    expect(["EPIPE", "ECONNRESET"]).toContain(error.code);
    expect(socket.status).toBe("failure");
    socket.close();
  });

  test("writing small pieces fails too", () => {
    const socket = reconnect({ do: "close" });
    const deadline = performance.now() + 10_000;
    const error = errorOf(() => {
      while (performance.now() < deadline) socket.writeAll(LITTLE, 5000);
    });
    expect(["EPIPE", "ECONNRESET"]).toContain(error.code);
    socket.close();
  });

  test("readAll returns everything, then nothing", () => {
    const socket = reconnect({ do: "send", text: LITTLE }, { do: "close" });
    expect(String(socket.readAll(5000))).toBe(LITTLE);
    expect(socket.readAll(5000)).toHaveLength(0); // departure: an end is not an error
    expect(socket.read()).toBeNull();
    expect(socket.readExactly(1, 5000)).toBeNull();
    socket.close();
  });
});

test("a connection closed here: every reading call throws", () => {
  const socket = reconnect({ do: "close" });
  socket.close();
  const ways = [
    () => socket.readAll(5000),
    () => socket.readLine(5000),
    () => socket.readExactly(1, 5000),
    () => socket.readExactly(0, 5000),
    () => socket.read(0),
  ];
  for (const way of ways) expect(errorOf(way).code).toBe("ERR_SOCKET_CLOSED");
});

test("a handle says whether it was closed here", () => {
  const handles: Handle[] = [listen({ host: "127.0.0.1" }), bindUdp({ host: "127.0.0.1" }), openTo(peer)];
  for (const handle of handles) {
    expect(handle.closed).toBe(false);
    handle.close();
    expect(handle.closed).toBe(true);
  }
});

describe("waiting for several handles", () => {
  test("an empty list: waits for the timeout and returns an empty one", () => {
    const { value, milliseconds } = timed(() => poll([], 100));
    expect(value).toEqual([]);
    expect(milliseconds).toBeGreaterThanOrEqual(99);
  });

  test("departure: a closed handle is reported at once", () => {
    const socket = bindUdp({ host: "127.0.0.1" });
    socket.close();
    const { value, milliseconds } = timed(() => poll([socket], 10_000));
    expect(value).toEqual([socket]);
    expect(milliseconds).toBeLessThan(5000);
  });

  test("values that are not handles throw", () => {
    for (const wrong of ["wrong", 1, [1], [null], [{}]]) {
      expect(() => poll(wrong as unknown as Handle[], 100), JSON.stringify(wrong)).toThrow(TypeError);
    }
    expect(() => poll([], "soon" as unknown as number)).toThrow(TypeError);
  });

  test("departure: there is no limit of 1024", () => {
    const small = { receiveBuffer: 131_072, sendBuffer: 131_072 };
    const handles = Array.from({ length: 1025 }, () => bindUdp({ host: "127.0.0.1", ...small }));
    expect(poll(handles, 20)).toEqual([]);
    const [first, last] = [handles[0] as UdpSocket, handles[1024] as UdpSocket];
    expect(first.send("to the last", last.port, "127.0.0.1")).toBe(true);
    expect(poll(handles, 5000)).toEqual([last]);
    for (const handle of handles) handle.close();
  });
});

describe("connecting", () => {
  test("times out in time", () => {
    const stuck = startUnanswering();
    const { value, milliseconds } = timed(() =>
      errorOf(() => connect({ host: stuck.host, port: stuck.port, timeout: 100 })),
    );
    expect(value.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeGreaterThanOrEqual(99);
    expect(milliseconds).toBeLessThan(5000);
  });

  test("an empty host name throws", () => {
    expect(() => connect({ host: "", port: peer.port, timeout: 100 })).toThrow(RangeError);
    openTo(peer).close(); // and nothing is broken by it
  });

  test("to a port where no server listens is refused", () => {
    const port = closedPort();
    expect(errorOf(() => connect({ host: "127.0.0.1", port, timeout: 5000 })).code).toBe("ECONNREFUSED");
  });

  test("to an unknown name fails", () => {
    // No system's resolver sends a query for a label of more than 63 letters (RFC 1035, 2.3.4).
    const host = `${"x".repeat(64)}.invalid`;
    expect(errorOf(() => connect({ host, port: 1, timeout: 10_000 })).code).toBe("ENOTFOUND");
  });
});

describe("serving", () => {
  test("a port that is bound can't be bound again", () => {
    const server = listen({ host: "127.0.0.1" });
    expect(errorOf(() => listen({ host: "127.0.0.1", port: server.port })).code).toBe("EADDRINUSE");
    server.close();
  });

  test("accept times out in time", () => {
    const server = listen();
    const { value, milliseconds } = timed(() => errorOf(() => server.acceptWait(200)));
    expect(value.code).toBe("ETIMEDOUT");
    expect(milliseconds).toBeGreaterThanOrEqual(199);
    expect(milliseconds).toBeLessThan(5000);
    server.close();
  });

  test("accept on a closed server throws at once", () => {
    const server = listen();
    server.close();
    const { value, milliseconds } = timed(() => errorOf(() => server.acceptWait(20_000)));
    expect(value.code).toBe("ERR_SOCKET_CLOSED");
    expect(milliseconds).toBeLessThan(5000);
  });
});
