/**
 * Errors as data, to post them between threads: a cloned error loses its name and code.
 *
 * Used on all threads of a pool.
 */

import { NetError } from "../main/index.js";

/** An error as plain data. */
export interface Fault {
  netError: boolean;
  name: string;
  message: string;
  stack: string | undefined;
  code: string | undefined;
  syscall: string | undefined;
  address: string | undefined;
  port: number | undefined;
}

export function faultOf(thrown: unknown): Fault {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message, stack } = error;
  const { code, syscall, address, port } = error as Partial<NetError>;
  return { netError: error instanceof NetError, name, message, stack, code, syscall, address, port };
}

/**
 * Makes an error of its data: of the same class if it was a `NetError`, `TypeError` or `RangeError`, with its `code`
 * and stack.
 */
export function errorOf({ netError, stack, ...fault }: Fault): Error {
  const error = netError ? new NetError({ ...fault, code: fault.code ?? "ERR_UNKNOWN" }) : plain(fault);
  if (stack !== undefined) error.stack = stack;
  return error;
}

function plain({ name, message, code }: Omit<Fault, "netError" | "stack">): Error {
  const Kind = name === "TypeError" ? TypeError : name === "RangeError" ? RangeError : Error;
  const error = new Kind(message);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true });
  return code === undefined ? error : Object.assign(error, { code });
}
