/**
 * What a contender with blocking calls provides for the loads, as a layer as thin as possible. A call that waits throws after some
 * seconds, so that every run ends.
 */

export interface Connection {
  /** Waits for bytes; they are in `target`, or in memory of the contender's own. Returns how many. */
  receive(target: Uint8Array): number;
  /** The same without waiting: 0 if there are none. */
  tryRead(target: Uint8Array): number;
  /** Reads up to 4 KiB without waiting, by the call that a program would use when it has no buffer of its own. */
  read?(): unknown;
  /** Returns when the contender has taken all of `data`. */
  send(data: Uint8Array): void;
  close(): void;
}

export interface Watcher {
  add(connection: Connection): void;
  /** Waits until a connection has bytes, for at most `milliseconds`; returns the connections that have. */
  wait(milliseconds: number): Connection[];
}

export interface Listener {
  port: number;
  /** Waits for a client. */
  accept(): Connection;
}

export interface DatagramSocket {
  port: number;
  connect(port: number, host: string): void;
  /** Returns when the contender has taken all of the datagrams, `count` times `data`. */
  send(data: Uint8Array, count: number): void;
  /** Waits for datagrams and returns how many it got: one, or as many as one call of the contender brings. */
  receive(): number;
}

export interface BlockingContender {
  kind: "blocking";
  /** With TLS if there is a `certificate`, the path of what to trust. */
  connect(host: string, port: number, certificate?: string): Connection;
  watch(): Watcher;
  listen(): Listener;
  bindUdp(): DatagramSocket;
}

/** node:net and its kin: the loads use them as their documentation does. */
export interface EventContender {
  kind: "events";
  connect(host: string, port: number, certificate?: string): Promise<import("node:net").Socket>;
}

/** The parameters of a load. */
export interface Run {
  host: string;
  port: number;
  /** About how long a measurement takes. */
  seconds: number;
  /** What TLS loads trust, a path. */
  certificate: string;
  /** How many connections, or how large datagrams, where the load has such a choice. */
  numbers: number[];
  /** Reports to the orchestrator that a server or a socket is ready on `port`, so that the driver starts. */
  ready(port: number): void;
}

/** By metric. Rates are a second, times are seconds, sizes are bytes. */
export type Result = Record<string, number>;

export interface Metric {
  id: string;
  label: string;
  unit: "B/s" | "/s" | "s" | "B" | "" | "%";
  better: "higher" | "lower";
}

export interface Load {
  name: string;
  title: string;
  metrics: Metric[];
  /** The service of the peer that it talks to. */
  service?: "bulk" | "echo" | "tls";
  /** A second program beside the peer: `sink` runs before the contender, the others once it is ready. */
  driver?: "sink" | "flood" | "clients";
  numbers?: number[];
  /** Fewer numbers for contenders that would take too long. */
  numbersOf?: Record<string, number[]>;
  /** The most rounds, for loads that take long. */
  rounds?: number;
  nodeFlags?: string[];
  /** Measures a contender with blocking calls. */
  blocking(run: Run, contender: BlockingContender): Result | Promise<Result>;
  /** Measures node:net. */
  events(run: Run, contender: EventContender): Promise<Result>;
  /** Makes something of what the driver and the program itself said. */
  combine?(result: Result, driver: { received: number; seconds: number } | null, text: string[]): Result;
}
