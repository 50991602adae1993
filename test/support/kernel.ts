/**
 * What the operating system itself says of connections (Linux).
 */

import { readFileSync } from "node:fs";

const ESTABLISHED = "01";

/** Established connections of this machine over IPv4 whose remote port is `port`, those of other processes included. */
export function connectionsTo(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1);
  return lines.filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return remote?.endsWith(`:${hex}`) && state === ESTABLISHED;
  }).length;
}
