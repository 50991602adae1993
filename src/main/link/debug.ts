/**
 * The calling thread's log lines for NODE_DEBUG=ringnet.
 *
 * Runs on the calling thread.
 */

import { threadId } from "node:worker_threads";
import { namesRingnet, writeDebugLine } from "../../ring/debug-line.js";

/** Whether to log: checked before a line is built, so that it costs nothing otherwise. */
export const debugging = namesRingnet(process.env.NODE_DEBUG);

export function debug(what: string, details?: object): void {
  writeDebugLine(`caller ${threadId}`, what, details);
}
