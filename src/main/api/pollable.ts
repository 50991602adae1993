/**
 * What `poll` and `Poller` take beside handles: anything that says what it stands on.
 *
 * Used on the calling thread.
 */

import type { Deadline } from "../link/deadline.js";
import type { Handle } from "./handle.js";
import type { Interest } from "./interest.js";

/** The name of the method that makes an object one for `poll` and `Poller`: `Symbol.for("ringnet.pollable")`. */
export const pollable: unique symbol = Symbol.for("ringnet.pollable") as never;

/**
 * Names what a pollable stands on: it is asked again when something of `interest` (`{ readable: true }` unless given) has happened on the handle
 * or pollable, or when the deadline is over.
 */
export type Watch = (source: PollSource | Deadline, interest?: Interest) => void;

/** An object that `poll` and `Poller` can wait for. */
export interface Pollable {
  /** Whether it was closed. Then it is ready, and a `Poller` reports it once and watches it no more. */
  readonly closed?: boolean;
  /**
   * Does what it can do without blocking, and says whether it is ready for what `interest` names. If it is not, it must have called `watch` for
   * everything that can make it ready. Or it returns a handle: then it stands for that one, and is ready whenever the handle is.
   */
  [pollable](watch: Watch, interest: { readonly readable: boolean; readonly writable: boolean }): boolean | Handle;
}

/** What `poll` and `Poller` take. */
export type PollSource = Handle | Pollable;

export function isPollable(value: unknown): value is Pollable {
  return typeof value === "object" && value !== null && typeof (value as Partial<Pollable>)[pollable] === "function";
}
