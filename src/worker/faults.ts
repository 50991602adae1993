/**
 * Turns Node's errors into faults that can travel to the caller.
 *
 * Runs on the networking thread.
 */

import type { Fault } from "../ring/fault-text.js";

/** The fault that says what `error` says. Several errors in one (every address of a name refused) become one text. */
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
