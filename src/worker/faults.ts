/**
 * Turns Node's errors into faults, which can be sent to the caller.
 *
 * Runs on the networking thread.
 */

import type { Fault } from "../ring/fault-text.js";

/** The fault for `error`. The messages of an `AggregateError` (all addresses of a name failed) become one. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { code: "ERR_UNKNOWN", message: String(error) };
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (error instanceof AggregateError && error.errors.length > 0) {
    const message = error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join("; ");
    const first = faultOf(error.errors[0]);
    return { ...first, code: code ?? first.code, message };
  }
  return { code: code ?? error.name, message: error.message, syscall, address, port };
}
