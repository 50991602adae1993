/**
 * The base class of sockets, servers, UDP sockets, inputs and addresses.
 *
 * Runs on the calling thread.
 */

import type { Cancellations } from "../link/cancelled-wait.js";
import type { Channel } from "../link/channel.js";
import { handleClosed, publishEnds } from "../link/diagnostics.js";
import { READABLE, type Watcher } from "../link/watcher.js";
import { type Canceller, cancellationWord, cancellerOf } from "./canceller.js";
import { Guard } from "./forgotten-handles.js";
import { closedHere } from "./net-error.js";

let handles = 0;

/** Anything that `poll` and `Poller` can watch. */
export abstract class Handle {
  /** A number that is unique among the handles of this thread. */
  readonly id = ++handles;
  #closed = false;
  #watchers: Watcher[] = [];
  #channel: Channel | null = null;
  #guard: Guard | null = null;
  #cancellations: readonly [Int32Array] | null = null;

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Whether there is something to do: bytes or the end to read, a client to accept, a datagram, a changed status, an
   * error that no reading call has thrown yet. `poll` and `Poller` report this.
   */
  abstract get ready(): boolean;

  /** @internal Whether it is ready for `interest`, a set of READABLE and WRITABLE bits. */
  readyFor(interest: number): boolean {
    return (interest & READABLE) !== 0 && this.ready;
  }

  /** @internal `poll` has reported it for this interest: a changed status is reported only once. */
  reported(_interest: number): void {}

  /**
   * Returns a token that can be posted to other threads: `cancel(token)` there ends the call that waits on this handle, also in `poll`, or the
   * next one that would wait. It throws a `NetError` with code `ERR_CANCELLED`; nothing is lost. All tokens of a handle do the same. Throws a
   * `NetError` with code `ERR_SOCKET_CLOSED` after `close()`.
   */
  canceller(): Canceller {
    if (this.#closed) throw closedHere("handle");
    this.#cancellations ??= [cancellationWord()];
    if (this.#channel !== null) this.#channel.cancellations = this.#cancellations;
    return cancellerOf(this.#cancellations[0]);
  }

  /** @internal */
  get cancellations(): Cancellations {
    return this.#cancellations;
  }

  /** Closes the handle. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    publishEnds();
    handleClosed(this);
    this.#unguard();
    for (const watcher of [...this.#watchers]) watcher.handleClosed();
    this.onClose();
  }

  /** Same as `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** One line for `console.log`: the class, the id and the state. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.constructor.name} #${this.id} { ${this.closed ? "closed" : this.describe()} }`;
  }

  /** The state for `console.log` while the handle is open. Changes nothing. */
  protected describe(): string {
    return "open";
  }

  /** Closes this kind of handle. Called once. */
  protected abstract onClose(): void;

  /**
   * @internal Binds the handle to its channel. `abandon` closes the channel if the handle is garbage-collected, and
   * must not refer to the handle.
   */
  protected bindChannel(channel: Channel, abandon: () => void): void {
    this.#channel = channel;
    this.#guard = new Guard(this, abandon);
  }

  /** @internal Undoes `bindChannel`. */
  protected unbindChannel(): void {
    this.#unguard();
    const channel = this.#channel;
    this.#channel = null;
    if (channel !== null) channel.watchers.length = 0;
  }

  #unguard(): void {
    this.#guard?.end();
    this.#guard = null;
  }

  /** @internal */
  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
    this.#channel?.watchers.push(watcher);
  }

  /** @internal */
  unwatch(watcher: Watcher): void {
    for (const list of [this.#watchers, this.#channel?.watchers ?? []]) {
      const index = list.indexOf(watcher);
      if (index >= 0) list.splice(index, 1);
    }
  }
}

/** An IP or path, with the port if there is one, as URLs write them. */
export function addressAndPort(address: string, port: number | undefined): string {
  if (port === undefined || port === 0) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
