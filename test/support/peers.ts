/**
 * Peers for tests: real sockets in another process, usable from a blocked thread.
 *
 * ```ts
 * const peer = startPeer("echo");                       // listens on 127.0.0.1, a free port
 * const socket = connect({ host: peer.host, port: peer.port, timeout: 5000 });
 * peer.send({ do: "reset" });                           // a command for its last connection
 * const { bytes, sha256 } = peer.waitForEvent("end");   // what it has received
 * peer.kill();                                          // also done when the test ends
 *
 * startPeer("source", { connect: server.port, bytes: 1e6 });   // connects to us instead
 * startPeer("sink", { tls: { key, cert } });                   // any behaviour over TLS, with Node's options
 * ```
 *
 * The behaviours are described in behaviours.js: echo, silent, sink, source, line, greeter, endless, slow, answer, drip, reset, halfClosed,
 * late, manual, pieces, scripted; and `http` is a node:http server (see peer.js).
 *
 * Events: `listening` {port}, `connection` {connection, remotePort, …}, `mark` {mark}, `end` and `close` {connection,
 * bytes, sha256} (bytes received), `error` {code}, `failed` {code} (could not listen or connect), `tlsClientError`,
 * `report` {sent, received} (asked for by a command: bytes that the kernel took, and gave), `received` {bytes, sha256}
 * and `played` (of scripts).
 */

import { join } from "node:path";
import { type Process, type ProcessOptions, root } from "./processes.js";
import { startSession } from "./resting.js";

export type Behaviour =
  | "echo"
  | "silent"
  | "sink"
  | "source"
  | "line"
  | "greeter"
  | "endless"
  | "slow"
  | "answer"
  | "drip"
  | "reset"
  | "halfClosed"
  | "late"
  | "manual"
  | "pieces"
  | "scripted"
  | "http";

export interface PeerOptions {
  /** The host to listen on or to connect to; 127.0.0.1. */
  host?: string;
  /** Where to listen; 0, a free one. */
  port?: number;
  /** A Unix domain socket instead of host and port. */
  path?: string;
  backlog?: number;
  /** Connects to this port instead of listening. */
  connect?: number;
  /** Connects (to `path`) instead of listening. */
  open?: boolean;
  /** How many times it connects; 1. */
  connections?: number;
  localAddress?: string;
  /** Node's options for `tls.createServer` or `tls.connect`, as far as JSON carries them. */
  tls?: Record<string, unknown>;
  /** Whether received bytes are hashed; true. */
  hash?: boolean;
  /** Reports the event `mark` when this many bytes have been received. */
  marks?: number[];
  // For single behaviours, see behaviours.js.
  bytes?: number;
  seed?: number;
  piece?: number;
  interval?: number;
  head?: string;
  text?: string;
  repeat?: string;
  reply?: string;
  size?: number;
  after?: number;
  paused?: boolean;
  keepOpen?: boolean;
}

export interface PeerEvent {
  event: string;
  connection?: number;
  port?: number;
  host?: string;
  bytes?: number;
  mark?: number;
  sent?: number;
  received?: number;
  sha256?: string;
  code?: string;
  message?: string;
  remoteAddress?: string;
  remotePort?: number;
  localPort?: number;
  servername?: string | false;
  protocol?: string | null;
  alpn?: string | false;
}

/** A step of the behaviour `scripted`. */
export type Step =
  | { do: "send"; text: string }
  /** Sends `text` over and over, `bytes` bytes in all. */
  | { do: "repeat"; text: string; bytes: number }
  /** Reads this many bytes, or (without `bytes`) to the end; the event `received` has the sum and its SHA-256. */
  | { do: "receive"; bytes?: number }
  /** Sends back the bytes of the last `receive`. */
  | { do: "return" }
  | { do: "pause"; milliseconds: number }
  /** Waits for `go()`. */
  | { do: "await" }
  /** `close` sends what is pending first, then closes without reading on; `reset` does not. */
  | { do: "end" | "close" | "reset" };

/** `delay`: run it after this many ms, while the test blocks. */
export type PeerCommand = { connection?: number; delay?: number } & (
  | { do: "write"; text: string }
  | { do: "write"; bytes: number; seed?: number; piece?: number }
  | { do: "end" | "reset" | "destroy" | "pause" | "resume" | "die" | "report" }
  | { do: "script"; steps: Step[] }
  | { do: "go" }
);

export class Peer {
  readonly process: Process;
  readonly host: string;
  /** Where it listens; 0 when it connects, or listens on a path. */
  readonly port: number;

  constructor(behaviour: Behaviour, options: PeerOptions, processOptions: ProcessOptions) {
    this.host = options.host ?? "127.0.0.1";
    const all = { ...options, behaviour, host: this.host };
    this.process = startSession(join(root, "test/support/peer.js"), all, processOptions);
    const connects = options.connect !== undefined || options.open === true;
    this.port = this.waitForEvent(connects ? "opening" : "listening").port ?? 0;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** All that happened so far, or all of one kind. */
  events(kind?: string): PeerEvent[] {
    const lines = this.process.output.split("\n").slice(0, -1);
    const events = lines.map((line) => JSON.parse(line) as PeerEvent);
    return kind === undefined ? events : events.filter((event) => event.event === kind);
  }

  /** Waits for an event of a kind (the `count`-th one) and gives it; throws after `timeout` ms. */
  waitForEvent(kind: string, timeout = 10_000, count = 1): PeerEvent {
    return this.process.waitUntil(`the event "${kind}" from`, () => this.events(kind)[count - 1], timeout);
  }

  /** Sends a command for its last connection, or for number `connection`. */
  send(command: PeerCommand): void {
    this.process.send(`${JSON.stringify(command)}\n`);
  }

  /** The script of the next connection that has none yet (behaviour `scripted`). */
  script(...steps: Step[]): void {
    this.send({ do: "script", steps });
  }

  /** Lets a script continue past its step `await`, whether it has reached it or not. */
  go(): void {
    this.send({ do: "go" });
  }

  /** Ends it, or stops it for a while (SIGSTOP, SIGCONT). */
  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.process.kill(signal);
  }
}

/**
 * A port that neither answers nor refuses: connections to it stay `waiting`. Its listener is stopped and its queue of
 * clients is full. `release` ends the listener: connections fail at their next try, within some seconds. `answer` lets
 * it go on: they succeed at their next try.
 */
export function startUnanswering(behaviour: Behaviour = "silent"): Peer & { release(): void; answer(): void } {
  const listener = new Peer(behaviour, { backlog: 1 }, {});
  listener.kill("SIGSTOP");
  const filler = new Peer("silent", { connect: listener.port, connections: 8 }, {});
  filler.waitForEvent("connection", 10_000, 2); // Linux takes one more than the backlog
  return Object.assign(listener, {
    release: () => listener.kill("SIGKILL"),
    answer: () => {
      filler.kill();
      listener.kill("SIGCONT");
    },
  });
}

/** Starts a peer and waits until it listens (or, if it connects, until it has begun to). */
export function startPeer(behaviour: Behaviour, options: PeerOptions = {}, processOptions: ProcessOptions = {}): Peer {
  return new Peer(behaviour, options, processOptions);
}
