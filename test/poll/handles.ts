/**
 * What the tests of pollers share: a datagram from another process, and the names of what was reported.
 */

import type { Handle } from "ringnet";
import { runProgram } from "../support/programs.js";

/** Sends one datagram for each of `texts` to a port of 127.0.0.1, from a process of its own; returns when they are sent. */
export function sendDatagrams(port: number, ...texts: string[]): void {
  const source = `
    import dgram from "node:dgram";
    const socket = dgram.createSocket("udp4");
    const send = (text) => new Promise((done) => socket.send(text, Number(process.argv[1]), "127.0.0.1", done));
    for (const text of process.argv.slice(2)) await send(text);
    socket.close();`;
  const { code, errors } = runProgram(source, { args: [`${port}`, ...texts] });
  if (code !== 0) throw new Error(errors);
}

/** The names of the handles that were reported, sorted, so that a failure can be read. */
export function namesOf(reported: Iterable<Handle>, handles: Record<string, Handle>): string[] {
  const names = new Map(Object.entries(handles).map(([name, handle]) => [handle, name]));
  return [...reported].map((handle) => names.get(handle) ?? "unknown").sort();
}
