/**
 * Resets of TLS connections, accepted and outgoing: bytes that had arrived are delivered first; then the reset is reported as an error, soon.
 */

import { connect, listen, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern } from "../support/bytes.js";
import { type Peer, startPeer } from "../support/peers.js";
import type { Process } from "../support/processes.js";
import { startProgram } from "../support/programs.js";
import { pause, timed, waitFor } from "../support/waiting.js";
import { acceptFrom, errorOf, readToEnd } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";
import { startRelay } from "./support/relays.js";

const authority = new Authority("the authority");
const identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
const server = { key: identity.key, cert: identity.cert };
const RESET = ["ECONNRESET", "EPIPE"];
/** Well below the linger time, in ms. */
const SOON = 3000;

type Pair = { socket: TcpSocket; peer: Peer; reset: () => void };

const WAYS: [string, (receiveBuffer: number) => Pair][] = [
  [
    "accepted",
    (receiveBuffer) => {
      const listener = listen({ host: "127.0.0.1", tls: server, receiveBuffer });
      const relay = startRelay(listener.port);
      const tls = { ca: authority.cert, servername: "localhost" };
      const peer = startPeer("manual", { connect: relay.port, tls });
      const socket = acceptFrom(listener);
      peer.waitForEvent("connection");
      // Once bytes are sent, the networking thread has accepted it. A reset before that would be ECONNABORTED.
      socket.writeAll("hello", 5000);
      expect(socket.waitUntilDrained(5000)).toBe(0);
      return { socket, peer, reset: () => relay.harm("resetServer") };
    },
  ],
  [
    "outgoing",
    (receiveBuffer) => {
      const peer = startPeer("manual", { tls: server });
      const relay = startRelay(peer.port);
      const tls = { ca: authority.cert };
      const socket = connect({ host: "localhost", port: relay.port, tls, timeout: 5000, receiveBuffer });
      peer.waitForEvent("connection");
      return { socket, peer, reset: () => relay.harm("reset") };
    },
  ],
];

describe.each(WAYS)("%s", (_way, open) => {
  test.each([4000, 20_000, 60_000])(
    "%d bytes that a small ring had no room for are delivered before the reset",
    (bytes) => {
      const { socket, peer, reset } = open(4096);
      peer.send({ do: "write", bytes, seed: 3 });
      waitFor("bytes", () => socket.readable >= Math.min(bytes, 4096));
      pause(500); // time for the bytes that don't fit to arrive; no event shows when they have
      reset();
      pause(100);
      const { bytes: got, error } = readToEnd(socket);
      expect(got.equals(pattern(3, 0, bytes))).toBe(true);
      expect(RESET).toContain(error?.code);
      socket.close();
    },
  );

  test("a reset right behind bytes is an error, not an end", () => {
    const { socket, peer, reset } = open(1 << 20);
    peer.send({ do: "write", bytes: 20_000, seed: 3 });
    reset();
    const { bytes, error } = readToEnd(socket);
    expect(bytes.equals(pattern(3, 0, bytes.length))).toBe(true);
    expect(RESET).toContain(error?.code);
    socket.close();
  });

  test.each([4000, 20_000, 60_000])(
    "after a failed write, the %d bytes that had arrived come first, then the error",
    (bytes) => {
      const { socket, peer, reset } = open(4096);
      peer.send({ do: "write", bytes, seed: 3 });
      waitFor("bytes", () => socket.readable >= Math.min(bytes, 4096));
      pause(500); // as above
      reset();
      const { value, milliseconds } = timed(() => {
        errorOf(() => {
          for (;;) socket.writeAll("more", 5000);
        });
        return readToEnd(socket);
      });
      expect(value.bytes.equals(pattern(3, 0, bytes))).toBe(true);
      expect(RESET).toContain(value.error?.code);
      expect(milliseconds).toBeLessThan(SOON);
      socket.close();
    },
  );
});

/** Opens the connection of `open`, says so, and prints what it read. */
const reader = (open: string) => `import { connect, listen } from "ringnet";
  const [port, ...pem] = process.argv.slice(1);
  ${open}
  console.log("open");
  let [bytes, end] = [0, null];
  try {
    for (let piece = socket.read(); piece !== null; piece = socket.read()) {
      bytes += piece.length;
      socket.waitUntilReadable(10_000);
    }
  } catch ({ code }) {
    end = code;
  }
  console.log(JSON.stringify({ bytes, end }));`;

// libuv then often reports an end in place of the reset.
describe("bytes and a reset that arrive at once: the bytes are delivered, and the reset is an error", () => {
  test.each([1, 16_000])("outgoing, %d bytes", (bytes) => {
    const peer = startPeer("manual", { tls: server });
    const relay = startRelay(peer.port);
    const open = `const socket = connect({ host: "localhost", port: Number(port), tls: { ca: pem[0] }, timeout: 10_000 });`;
    const program = startProgram(reader(open), { args: [`${relay.port}`, authority.cert] });
    program.waitForOutput(/^open$/m);
    peer.waitForEvent("connection");
    expectBoth(program, bytes, peer, () => relay.harm("reset"));
  });

  test.each([1, 16_000])("accepted, %d bytes", (bytes) => {
    const open = `const server = listen({ host: "127.0.0.1", tls: { key: pem[0], cert: pem[1] } });
      console.log("port", server.port);
      const socket = server.acceptWait(20_000);`;
    const program = startProgram(reader(open), { args: ["0", identity.key, identity.cert] });
    const [, port] = program.waitForOutput(/^port (\d+)$/m);
    const relay = startRelay(Number(port));
    const peer = startPeer("manual", { connect: relay.port, tls: { ca: authority.cert, servername: "localhost" } });
    peer.waitForEvent("connection");
    program.waitForOutput(/^open$/m);
    expectBoth(program, bytes, peer, () => relay.harm("resetServer"));
  });

  /** Stops the program while the bytes and the reset arrive. */
  function expectBoth(program: Process, bytes: number, peer: Peer, reset: () => void): void {
    pause(50); // time for the program to wait
    program.kill("SIGSTOP");
    peer.send({ do: "write", bytes, seed: 3 });
    pause(200); // no event shows when all has arrived
    reset();
    pause(50);
    program.kill("SIGCONT");
    const outcome = JSON.parse(program.waitForOutput(/^\{.*\}$/m, 15_000)[0]);
    expect(outcome.bytes).toBe(bytes);
    expect(RESET).toContain(outcome.end);
  }
});

test.each([1, 4000, 60_000, 100_000])(
  "the %d bytes of a client that resets before it is accepted are delivered before the reset",
  (bytes) => {
    const listener = listen({ host: "127.0.0.1", tls: server, receiveBuffer: 4096 });
    const relay = startRelay(listener.port);
    const peer = startPeer("manual", { connect: relay.port, tls: { ca: authority.cert, servername: "localhost" } });
    peer.waitForEvent("connection");
    expect(listener.waitUntilAcceptable(10_000)).toBe(true);
    peer.send({ do: "write", bytes, seed: 3 });
    pause(500); // no event shows when all has arrived
    relay.harm("resetServer");
    pause(300);
    const socket = acceptFrom(listener);
    const { bytes: got, error } = readToEnd(socket);
    expect(got.equals(pattern(3, 0, got.length))).toBe(true);
    expect(got.length).toBe(bytes);
    expect(RESET).toContain(error?.code);
    expect(errorOf(() => socket.writeAll("x", 1000)).code).toMatch(/^(ECONNRESET|EPIPE)$/);
    socket.close();
    listener.close();
  },
);
