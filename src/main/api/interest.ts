/**
 * What to wait for on a handle: something to read, room to write, or both.
 *
 * Used on the calling thread.
 */

import { READABLE, WRITABLE } from "../link/watcher.js";
import * as check from "./arguments.js";
import { type Names, ownOptions } from "./option-names.js";

/** What to wait for on a handle. What is not named is not waited for. */
export interface Interest {
  /** Bytes or the end to read, a client to accept, a datagram, an established connection, an error. */
  readable?: boolean | undefined;
  /** Room to write, or an error that a write would throw. Servers and addresses never have room. */
  writable?: boolean | undefined;
}

const NAMES: Names<Interest> = { readable: true, writable: true };
const ENTRY_NAMES: Names<Interest & { handle: unknown }> = { ...NAMES, handle: true };

/** The bits of an interest, by default READABLE. Throws a `TypeError` that names what is wrong. */
export function interestBits(name: string, interest: Interest | undefined): number {
  if (interest === undefined) return READABLE;
  return bitsOf(ownOptions(name, interest, NAMES));
}

/** An entry of `poll`: a handle with an interest. */
export function interestEntry<T>(entry: Interest & { handle: T }): { handle: T; bits: number } {
  const own = ownOptions("entry", entry, ENTRY_NAMES as Names<Interest & { handle: T }>);
  const named = own.readable !== undefined || own.writable !== undefined;
  return { handle: own.handle, bits: named ? bitsOf(own) : READABLE };
}

function bitsOf({ readable = false, writable = false }: Interest): number {
  return (check.boolean("readable", readable) ? READABLE : 0) | (check.boolean("writable", writable) ? WRITABLE : 0);
}
