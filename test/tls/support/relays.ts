/**
 * Starts relay.js, which stands between a TLS client and a server.
 */

import { join } from "node:path";
import { Process, root } from "../../support/processes.js";

/** `cut`: end without close_notify; `halve`: end within the next record; `flip`: one bit of the next record is wrong; `reset`: RST. */
export type Harm = "cut" | "halve" | "flip" | "reset";

export interface Relay {
  process: Process;
  host: string;
  port: number;
  /** Does harm to its last connection from now on; done when this returns. */
  harm(kind: Harm): void;
}

/** A relay to a port of 127.0.0.1. It passes on only the server's first `limit` bytes, if that is given. */
export function startRelay(port: number, limit?: number): Relay {
  const process = new Process(globalThis.process.execPath, [
    join(root, "test/tls/support/relay.js"),
    JSON.stringify({ port, limit }),
  ]);
  const listening = process.waitForOutput(/^listening (\d+)$/m);
  const harm = (kind: Harm): void => {
    process.send(`${kind}\n`);
    process.waitForOutput(new RegExp(`^done ${kind}$`, "m"));
  };
  return { process, host: "127.0.0.1", port: Number(listening[1]), harm };
}
