/**
 * What the calling thread says where NODE_DEBUG names ringnet.
 *
 * Runs on the calling thread.
 */

import { threadId } from "node:worker_threads";
import { namesRingnet, writeDebugLine } from "../../ring/debug-line.js";

/** Whether to say anything: looked at where a line would be made, so that it costs nothing otherwise. */
export const debugging = namesRingnet(process.env.NODE_DEBUG);

export function debug(what: string, details?: object): void {
  writeDebugLine(`caller ${threadId}`, what, details);
}
