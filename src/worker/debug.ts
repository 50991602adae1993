/**
 * The networking thread's log lines for NODE_DEBUG=ringnet.
 *
 * Runs on the networking thread.
 */

import { threadId } from "node:worker_threads";
import { namesRingnet, writeDebugLine } from "../ring/debug-line.js";
import {
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_RELEASED,
  PHASE_WAITING,
  READ_ENDED,
  WRITE_ENDED,
  WRITE_FAILED,
} from "../ring/layout.js";
import type { Command } from "../ring/protocol.js";

/** Whether to log: checked before a line is built, so that it costs nothing otherwise. */
export const debugging = namesRingnet(process.env.NODE_DEBUG);

export function debug(what: string, details?: object): void {
  writeDebugLine(`networking ${threadId}`, what, details);
}

const PHASES = new Map([
  [PHASE_WAITING, "waiting"],
  [PHASE_OPEN, "open"],
  [PHASE_FAILED, "failed"],
  [PHASE_RELEASED, "released"],
]);

/** A slot's state in words. */
export function stateInWords(state: number): string {
  const bits = [
    ...((state & READ_ENDED) !== 0 ? ["read ended"] : []),
    ...((state & WRITE_ENDED) !== 0 ? ["write ended"] : []),
    ...((state & WRITE_FAILED) !== 0 ? ["write failed"] : []),
  ];
  return [PHASES.get(state & PHASE_MASK), ...bits].join(", ");
}

/** The details of a command to log, without keys and certificates. */
export function commandDetails(command: Command): object {
  const details: Record<string, unknown> = {};
  if ("slot" in command) details.handle = command.slot.handleId;
  if ("handleId" in command) details.handle = command.handleId;
  if ("target" in command) Object.assign(details, command.target);
  for (const name of ["host", "port", "path", "ip", "server"] as const) {
    if (name in command) details[name] = (command as unknown as Record<string, unknown>)[name];
  }
  if ("tls" in command) details.tls = command.tls !== null;
  return details;
}
