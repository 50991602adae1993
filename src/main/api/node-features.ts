/**
 * Features that only some versions of Node have. Other versions would ignore their options, so they are refused there.
 *
 * Used on the calling thread.
 */

import { Socket } from "node:net";
import { NetError } from "./net-error.js";

/** The first minor version with `reusePort`, by major version. */
const REUSE_PORT = { 22: 12, 23: 1 } as Record<number, number>;

/** Throws a `NetError` if this Node has no `reusePort`. */
export function mustHaveReusePort(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const first = REUSE_PORT[major];
  if (isNode() && (first === undefined ? major > 23 : minor >= first)) return;
  throw missing("reusePort", "Node 22.12, 23.1 or later");
}

/** Throws a `NetError` if this Node can't set the type of service. */
export function mustHaveTypeOfService(): void {
  if (isNode() && "setTypeOfService" in Socket.prototype) return;
  throw missing("dscp", "a Node whose sockets have setTypeOfService (25.6 or later, 24 in its later releases)");
}

function isNode(): boolean {
  return process.versions.bun === undefined && !("Deno" in globalThis);
}

function missing(option: string, needed: string): NetError {
  const message = `${option} needs ${needed}; this is ${process.versions.bun ? "Bun" : "Deno" in globalThis ? "Deno" : process.version}`;
  return new NetError({ code: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", message });
}
