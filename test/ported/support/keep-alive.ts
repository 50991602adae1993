/**
 * What the kernel itself says of keep-alive (Linux).
 */

import { readFileSync } from "node:fs";

const KEEP_ALIVE_TIMER = "02";
/** /proc counts in hundredths of a second. */
const MS_PER_TICK = 10;

/**
 * The ms until the next keep-alive probe of the established IPv4 connection from `localPort` to `remotePort`; null
 * where none is due, undefined where there is no such connection.
 */
export function nextProbe(localPort: number, remotePort: number): number | null | undefined {
  const lines = readFileSync("/proc/net/tcp", "latin1").trim().split("\n").slice(1);
  for (const line of lines) {
    const [, local, remote, state, , timer = ""] = line.trim().split(/\s+/);
    if (state !== "01" || portOf(local) !== localPort || portOf(remote) !== remotePort) continue;
    const [kind, due = ""] = timer.split(":");
    return kind === KEEP_ALIVE_TIMER ? Number.parseInt(due, 16) * MS_PER_TICK : null;
  }
  return undefined;
}

function portOf(address = ""): number {
  return Number.parseInt(address.split(":")[1] ?? "", 16);
}
