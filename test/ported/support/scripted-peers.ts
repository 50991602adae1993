/**
 * TCP servers in another process whose every step a test writes down: what they read, when, and what they answer.
 *
 * ```ts
 * const peer = startScriptedPeer();
 * peer.script({ do: "send", text: "half" }, { do: "await" }, { do: "send", text: "rest" }, { do: "end" });
 * const socket = connect({ host: peer.host, port: peer.port, timeout: 5000 });   // meets that script
 * peer.go();                                                                     // past the step `await`
 * peer.waitForEvent("played");
 * ```
 */

import { join } from "node:path";
import { node, Process, root } from "../../support/processes.js";

export type Step =
  | { do: "send"; text: string }
  /** Sends `text` over and over, `bytes` bytes in all. */
  | { do: "repeat"; text: string; bytes: number }
  /** Reads so many bytes, or (without `bytes`) to the end; the event `received` tells the sum and its SHA-256. */
  | { do: "receive"; bytes?: number }
  /** Sends back what the last `receive` got. */
  | { do: "return" }
  | { do: "pause"; milliseconds: number }
  /** Waits for `go()`. */
  | { do: "await" }
  /** `close` sends what there is first, then closes without reading on; `reset` does not. */
  | { do: "end" | "close" | "reset" };

export interface ScriptEvent {
  event: "listening" | "connection" | "received" | "played" | "error";
  connection?: number;
  port?: number;
  remoteAddress?: string;
  remotePort?: number;
  bytes?: number;
  sha256?: string;
  code?: string;
}

export class ScriptedPeer {
  readonly process: Process;
  readonly host: string;
  readonly port: number;

  constructor(host: string) {
    this.host = host;
    const program = join(root, "test/ported/support/scripted-peer.js");
    this.process = new Process(node, [program, JSON.stringify({ host })], {
      env: { NODE_OPTIONS: undefined },
    });
    this.port = this.waitForEvent("listening").port as number;
  }

  /** What the next connection that has no script yet meets. */
  script(...steps: Step[]): void {
    this.process.send(`${JSON.stringify(steps)}\n`);
  }

  /** Lets a script go on that waits, or will wait, at `await`. */
  go(): void {
    this.process.send('"go"\n');
  }

  /** All events of a kind so far. */
  events(kind: ScriptEvent["event"]): ScriptEvent[] {
    const lines = this.process.output.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as ScriptEvent).filter(({ event }) => event === kind);
  }

  /** Waits for the `count`-th event of a kind; throws after `timeout` ms. */
  waitForEvent(kind: ScriptEvent["event"], count = 1, timeout = 10_000): ScriptEvent {
    return this.process.waitUntil(`the event "${kind}" from`, () => this.events(kind)[count - 1], timeout);
  }
}

/** Starts one; it listens when this returns, and ends with the test. */
export function startScriptedPeer(host = "127.0.0.1"): ScriptedPeer {
  return new ScriptedPeer(host);
}
