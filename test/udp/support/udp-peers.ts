/**
 * UDP peers for tests: sockets of node:dgram in another process (udp-peer.js), usable from a blocked thread.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Process, root } from "../../support/processes.js";
import { startSession } from "../../support/resting.js";

export interface UdpPeerOptions {
  /** The default fits the host; without a host it is udp4. */
  type?: "udp4" | "udp6";
  /** Where to bind; 127.0.0.1, or ::1. */
  host?: string;
  port?: number;
  /** Sends each datagram back to where it came from. */
  echo?: boolean;
  /** Answers each datagram with this. */
  reply?: string;
  /** Counts numbered datagrams instead of reporting each. */
  tally?: boolean;
  reuseAddr?: boolean;
  /** The kernel's receive buffer, in bytes. */
  receiveBuffer?: number;
  /** Multicast groups to join. */
  groups?: { group: string; interface?: string }[];
}

export interface UdpEvent {
  event: "listening" | "message" | "sent" | "error" | "tally" | "closed";
  port?: number;
  address?: string;
  bytes?: number;
  sha256?: string;
  text?: string;
  code?: string;
  sent?: number;
  failed?: number;
  received?: number;
  corrupted?: number;
  duplicated?: number;
  disordered?: number;
}

/** `delay`: it sends after this many ms, when the test is already blocked. */
export type UdpCommand =
  | { do: "send"; port: number; host: string; text: string; delay?: number }
  | { do: "send"; port: number; host: string; bytes: number; seed?: number }
  | { do: "numbered"; port: number; host: string; count: number; pace?: number; size?: number }
  | { do: "tally" | "close" };

export class UdpPeer {
  readonly process: Process;
  readonly host: string;
  readonly port: number;

  constructor(options: UdpPeerOptions) {
    this.host = options.host ?? (options.type === "udp6" ? "::1" : "127.0.0.1");
    this.process = startSession(join(root, "test/udp/support/udp-peer.js"), { ...options, host: this.host });
    this.port = this.waitForEvent("listening").port as number;
  }

  /** All that happened so far of one kind. */
  events(kind: UdpEvent["event"]): UdpEvent[] {
    const lines = this.process.output.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as UdpEvent).filter(({ event }) => event === kind);
  }

  /** Waits for the `count`-th event of a kind and gives it; throws after `timeout` ms. */
  waitForEvent(kind: UdpEvent["event"], timeout = 10_000, count = 1): UdpEvent {
    return this.process.waitUntil(`the event "${kind}" from`, () => this.events(kind)[count - 1], timeout);
  }

  send(command: UdpCommand): void {
    this.process.send(`${JSON.stringify(command)}\n`);
  }
}

/** Starts a peer; it is bound when this returns. */
export function startUdpPeer(options: UdpPeerOptions = {}): UdpPeer {
  return new UdpPeer(options);
}

/** Datagrams that the kernel has thrown away at the socket bound to `port`, because its buffer was full (Linux). */
export function lostByKernel(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  let lost = 0;
  for (const table of ["/proc/net/udp", "/proc/net/udp6"]) {
    for (const line of readFileSync(table, "latin1").split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(`:${hex}`)) lost += Number(columns.at(-1));
    }
  }
  return lost;
}
