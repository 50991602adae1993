/**
 * UDP sockets in another process.
 *
 * ```ts
 * const peer = startDatagramPeer("127.0.0.1", { reply: "pong" });
 * socket.send("ping", peer.port, peer.host);
 * peer.waitForDatagram();                                  // { text: "ping", address, port }
 * peer.send("hello", socket.port, { delay: 100 });         // sends when the test blocks already
 * ```
 */

import { join } from "node:path";
import { Process, root } from "../../support/processes.js";

interface DatagramEvent {
  event: "bound" | "datagram" | "sent" | "error";
  text: string;
  address: string;
  port: number;
}

export class DatagramPeer {
  readonly process: Process;
  readonly host: string;
  readonly port: number;

  constructor(host: string, options: { reply?: string }) {
    this.host = host;
    const program = join(root, "test/ported/support/datagram-peer.js");
    this.process = new Process(process.execPath, [program, JSON.stringify({ host, ...options })], {
      env: { NODE_OPTIONS: undefined },
    });
    this.port = this.#waitFor("bound", 1).port;
  }

  /** Sends `text` to a port of its own host, after `delay` ms. */
  send(text: string, port: number, { delay = 0 } = {}): void {
    this.process.send(`${JSON.stringify({ text, port, address: this.host, delay })}\n`);
  }

  /** Waits until it has sent `count` datagrams. */
  waitUntilSent(count = 1): void {
    this.#waitFor("sent", count);
  }

  /** The datagrams that it has received so far. */
  get datagrams(): DatagramEvent[] {
    return this.#events("datagram");
  }

  /** Waits for the `count`-th datagram. */
  waitForDatagram(count = 1): DatagramEvent {
    return this.#waitFor("datagram", count);
  }

  #events(kind: string): DatagramEvent[] {
    const lines = this.process.output.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as DatagramEvent).filter(({ event }) => event === kind);
  }

  #waitFor(kind: string, count: number): DatagramEvent {
    return this.process.waitUntil(`the event "${kind}" from`, () => this.#events(kind)[count - 1]);
  }
}

/** Starts one; it is bound when this returns, and ends with the test. */
export function startDatagramPeer(host = "127.0.0.1", options: { reply?: string } = {}): DatagramPeer {
  return new DatagramPeer(host, options);
}
