/**
 * Starts relay.js, which stands between a TLS client and a server.
 */

import { join } from "node:path";
import { node, Process, root } from "../../support/processes.js";

/**
 * What a relay can do. `pass`: on what it held back; `cut`: end without close_notify; `halve`: end within the next
 * record; `flip`: one bit of the next record is wrong; `reset`: RST; `resetServer`: RST to the server.
 */
export type Harm = "pass" | "cut" | "halve" | "flip" | "reset" | "resetServer";

export interface Relay {
  process: Process;
  host: string;
  port: number;
  /** Does this harm to the last connection from now on; it is in effect when this returns. */
  harm(kind: Harm): void;
}

/** A relay to a port of 127.0.0.1, or to a Unix domain socket. It holds back what comes after the server's first `limit` bytes. */
export function startRelay(target: number | string, limit?: number): Relay {
  const server = typeof target === "number" ? { port: target } : { path: target };
  const process = new Process(node, [join(root, "test/tls/support/relay.js"), JSON.stringify({ ...server, limit })]);
  const listening = process.waitForOutput(/^listening (\d+)$/m);
  const harm = (kind: Harm): void => {
    process.send(`${kind}\n`);
    process.waitForOutput(new RegExp(`^done ${kind}$`, "m"));
  };
  return { process, host: "127.0.0.1", port: Number(listening[1]), harm };
}
