/**
 * Peers that speak WebSocket, in other processes: `ws`, Python's `websockets`, and one that writes any frames.
 */

import { join } from "node:path";
import { Process, root } from "../../support/processes.js";
import { startSession } from "../../support/resting.js";

export interface WsPeerOptions {
  /** Opens this URL instead of listening. */
  connect?: string;
  /** Sends each message back. */
  echo?: boolean;
  /** Reports the number of messages received, each time this many more have come. */
  count?: number;
  perMessageDeflate?: boolean;
  /** A client's offer; for a server, what it chooses from, in order of preference. */
  protocols?: string[];
  headers?: Record<string, string>;
  /** Whether it answers pings; by default it does. */
  autoPong?: boolean;
  /** Reads nothing until it is asked to. */
  paused?: boolean;
  /** TLS. */
  cert?: string;
  key?: string;
  ca?: string;
}

export interface RawPeerOptions {
  /** Connects to this port instead of listening. */
  port?: number;
  path?: string;
  /** The answer to the handshake instead of the right one; `$accept` stands for the accept key. */
  answer?: string;
  /** The request instead of the right one. */
  request?: string;
  /** Further lines of the head. */
  more?: string[];
  /** Whether it keeps the connection open after a close frame. */
  stall?: boolean;
  /** Frames that come with the answer. */
  first?: Frame[];
  /** Frames with more bytes than this are not reported, but their number (`skipped`) is, with the next other one. */
  reported?: number;
}

/** Fields that are not given have correct values. */
export interface Frame {
  opcode: number;
  text?: string;
  hex?: string;
  /** A payload of this many bytes. */
  bytes?: number;
  fin?: boolean;
  rsv?: number;
  masked?: boolean;
  /** The length in the header, instead of the payload's. */
  length?: number;
  /** How often the frame is repeated. */
  count?: number;
  /** The bits of the length field, if wider than necessary. */
  wide?: 16 | 64;
}

export interface PeerEvent {
  event: string;
  port?: number;
  url?: string;
  headers?: Record<string, string>;
  protocol?: string;
  extensions?: string;
  binary?: boolean;
  bytes?: number;
  sha256?: string;
  same?: boolean;
  text?: string;
  hex?: string;
  code?: number;
  reason?: string;
  count?: number;
  fin?: boolean;
  rsv?: number;
  opcode?: number;
  masked?: boolean;
  skipped?: number;
}

export type WsCommand = { delay?: number } & (
  | { do: "send"; text: string; count?: number }
  | { do: "send"; bytes: number; count?: number }
  | { do: "send"; numbered: true; count: number }
  | { do: "fragments"; texts: string[] }
  | { do: "ping"; text: string }
  | { do: "close"; code?: number; reason?: string }
  | { do: "terminate" | "pause" | "resume" }
);

export type RawCommand = { delay?: number } & (
  | { do: "frames"; frames: Frame[]; drip?: boolean }
  | { do: "flood"; frame: Frame }
  | { do: "raw"; hex: string }
  | { do: "pause" | "resume" | "end" | "reset" }
);

export class WebSocketPeer<Command> {
  readonly process: Process;
  readonly port: number;

  constructor(process: Process, connects: boolean) {
    this.process = process;
    this.port = this.waitForEvent(connects ? "opening" : "listening").port ?? 0;
  }

  /** `ws://127.0.0.1:port` */
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** All events so far, or all of one kind. */
  events(kind?: string): PeerEvent[] {
    const lines = this.process.output.split("\n").slice(0, -1);
    const events = lines.map((line) => JSON.parse(line) as PeerEvent);
    return kind === undefined ? events : events.filter((event) => event.event === kind);
  }

  /** Waits for an event of a kind (the `count`-th one) and returns it; throws after `timeout` ms. */
  waitForEvent(kind: string, count = 1, timeout = 20_000): PeerEvent {
    return this.process.waitUntil(`the event "${kind}" from`, () => this.events(kind)[count - 1], timeout);
  }

  send(command: Command): void {
    this.process.send(`${JSON.stringify(command)}\n`);
  }
}

/** The system's own Python, which has its packages. */
const PYTHON = "/usr/bin/python3";

function program(name: string): string {
  return join(root, "test/websocket/support", name);
}

/** See ws-peer.js. */
export function startWsPeer(options: WsPeerOptions = {}): WebSocketPeer<WsCommand> {
  return new WebSocketPeer(startSession(program("ws-peer.js"), options), options.connect !== undefined);
}

/** See raw-peer.js. */
export function startRawPeer(options: RawPeerOptions = {}): WebSocketPeer<RawCommand> {
  return new WebSocketPeer(startSession(program("raw-peer.js"), options), options.port !== undefined);
}

const python = (args: string[]) =>
  new Process(PYTHON, [program("python-peer.py"), ...args], { env: { NODE_OPTIONS: undefined } });

/** See python-peer.py: sends each message back; a text "close CODE REASON" closes. */
export function startPythonPeer(): WebSocketPeer<never> {
  return new WebSocketPeer(python([]), false);
}

/** A client by Python's websockets: sends a text and some bytes to the URL, prints what comes back, and closes with code 4001. */
export function startPythonClient(url: string): WebSocketPeer<never> {
  return new WebSocketPeer(python([url]), true);
}
