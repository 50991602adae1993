/**
 * Pollables: objects built on handles, which `poll` and `Poller` take like handles.
 *
 * Used on the calling thread.
 */

import type { Deadline } from "../link/deadline.js";
import type { Handle } from "./handle.js";
import type { Interest } from "./interest.js";

/** The name of the method that makes an object pollable: `Symbol.for("ringnet.pollable")`. */
export const pollable: unique symbol = Symbol.for("ringnet.pollable") as never;

/**
 * Names a source of a pollable: its method is called again when the handle or pollable is ready for `interest` (default
 * `{ readable: true }`), or when the deadline has passed.
 */
export type Watch = (source: PollSource | Deadline, interest?: Interest) => void;

/** An object that `poll` and `Poller` can wait for. */
export interface Pollable {
  /** Whether it was closed. A closed one is always ready; a `Poller` reports it once and removes it. */
  readonly closed?: boolean;
  /**
   * Does what it can without blocking, and returns whether the object is ready for `interest`. Before it returns false,
   * it must call `watch` for everything that can make the object ready. It can return a handle instead: the object is
   * then ready whenever that handle is.
   */
  [pollable](watch: Watch, interest: { readonly readable: boolean; readonly writable: boolean }): boolean | Handle;
}

/** What `poll` and `Poller` take. */
export type PollSource = Handle | Pollable;

export function isPollable(value: unknown): value is Pollable {
  return typeof value === "object" && value !== null && typeof (value as Partial<Pollable>)[pollable] === "function";
}
