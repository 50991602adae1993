/**
 * What sockets, servers, UDP sockets and addresses have in common.
 *
 * Runs on the calling thread.
 */

import type { Channel } from "../link/channel.js";
import { handleClosed, publishEnds } from "../link/diagnostics.js";
import type { Watcher } from "../link/watcher.js";
import { READABLE } from "./interest.js";

/**
 * Forgotten handles are closed when the collector finds them. That needs a turn of the event loop: better close them.
 */
const forgotten = new FinalizationRegistry<() => void>((close) => close());

let handles = 0;

/** Anything that `poll` and `Poller` can watch. */
export abstract class Handle {
  /** Of all handles of this thread each has another number. */
  readonly id = ++handles;
  #closed = false;
  #watchers: Watcher[] = [];
  #channel: Channel | null = null;

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Whether there is something to do now: bytes or an end to read, a client to accept, a datagram, a status that
   * changed, an error that was not reported yet. What `poll` reports.
   */
  abstract get ready(): boolean;

  /** @internal Whether something has happened that is of interest, READABLE and WRITABLE bits. */
  readyFor(interest: number): boolean {
    return (interest & READABLE) !== 0 && this.ready;
  }

  /** @internal `poll` has reported it for this interest: a changed status is reported only once. */
  reported(_interest: number): void {}

  /** Gives the handle back. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    publishEnds();
    handleClosed(this);
    forgotten.unregister(this);
    for (const watcher of [...this.#watchers]) watcher.handleClosed();
    this.onClose();
  }

  /** Same as `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** One line for `console.log`: what it is, and how it is. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.constructor.name} #${this.id} { ${this.closed ? "closed" : this.describe()} }`;
  }

  /** What `console.log` says of it while it is open. Changes nothing. */
  protected describe(): string {
    return "open";
  }

  /** What closing means for this kind. Called once. */
  protected abstract onClose(): void;

  /**
   * @internal The handle lives in this channel now; `abandon` closes it if the handle is forgotten, and must not refer
   * to it.
   */
  protected bindChannel(channel: Channel, abandon: () => void): void {
    this.#channel = channel;
    forgotten.register(this, abandon, this);
  }

  /** @internal The handle has left its channel. */
  protected unbindChannel(): void {
    forgotten.unregister(this);
    const channel = this.#channel;
    this.#channel = null;
    if (channel !== null) channel.watchers.length = 0;
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

/** An IP or path, with a port where there is one, as URLs write it. */
export function addressAndPort(address: string, port: number | undefined): string {
  if (port === undefined || port === 0) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
