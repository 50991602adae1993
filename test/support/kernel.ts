/**
 * Connections and sockets as the operating system lists them (Linux).
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const ESTABLISHED = "01";
const LISTENING = "0A";

/** Established connections of this machine over IPv4 whose remote port is `port`, including other processes' connections. */
export function connectionsTo(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1);
  return lines.filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return remote?.endsWith(`:${hex}`) && state === ESTABLISHED;
  }).length;
}

/** Clients of the server on `port` over IPv4 that the kernel has connected and its process has not accepted. */
export function queuedClients(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1);
  const server = lines
    .map((line) => line.trim().split(/\s+/))
    .find((words) => words[1]?.endsWith(`:${hex}`) && words[3] === LISTENING);
  return Number.parseInt(server?.[4]?.split(":")[1] ?? "0", 16);
}

/** Sockets that this process holds open. */
export function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("socket:");
    } catch {
      return false; // the listing's own descriptor
    }
  }).length;
}
