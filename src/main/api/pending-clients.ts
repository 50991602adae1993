/**
 * The clients that wait at a server to be accepted.
 *
 * Runs on the calling thread. In the networking thread a waiting client is a paused socket; it gets a slot and rings
 * here.
 */

import { PHASE_FAILED } from "../../ring/layout.js";
import type { Channel, PendingConnection } from "../link/channel.js";
import type { Deadline } from "../link/deadline.js";
import type { RingSizes } from "../link/slot-memory.js";
import { READABLE } from "../link/watcher.js";
import type { WorkerLink } from "../link/worker-link.js";
import { timedOut } from "./net-error.js";

export class PendingClients {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  #accepted = 0;

  constructor(link: WorkerLink, channel: Channel) {
    this.#link = link;
    this.#channel = channel;
  }

  get count(): number {
    return this.#channel.waitingClients(this.#accepted);
  }

  /** Whether pollers report the server. */
  get ready(): boolean {
    if (this.count > 0 || this.#channel.hasPendingError) return true;
    return this.#channel.phase === PHASE_FAILED && !this.#channel.errorTaken(READABLE);
  }

  /**
   * The client that has waited longest; null if none waits. Throws a `NetError` once for each client that could not be
   * accepted, and when the server has failed.
   */
  next(): PendingConnection | null {
    const channel = this.#channel;
    if (this.count === 0) {
      if (channel.phase === PHASE_FAILED) throw channel.takeError(READABLE);
      const error = channel.takePendingError();
      if (error !== null) throw error;
      channel.link.caller.maybeCheckLiveness();
      return null;
    }
    channel.link.takeNotices();
    return channel.pendingConnections[0] ?? null;
  }

  /** Accepts the client that `next` has returned; returns its channel. `open`: whether its handshake is done. */
  take(pending: PendingConnection, sizes: RingSizes, open: boolean, dscp?: number): Channel {
    const { channel: opened, rings } = this.#link.openRinged(sizes);
    this.#remove();
    if (open) {
      opened.facts = pending.facts;
      opened.assumeOpen();
    }
    const { handleId: server } = this.#channel;
    this.#link.post({ type: "accept", slot: opened.memory.reference, rings, server, pending: pending.number, dscp });
    return opened;
  }

  /** Answers the client that `next` has returned with an HTTP status; only at a server that verifies requests. */
  refuse(pending: PendingConnection, status: number): void {
    this.#remove();
    this.#link.post({ type: "refuse", server: this.#channel.handleId, pending: pending.number, status });
  }

  #remove(): void {
    this.#channel.pendingConnections.shift();
    this.#accepted = (this.#accepted + 1) | 0;
  }

  /** Blocks until `next` will return a client or throw, or the time is up; returns whether it will. */
  wait(deadline: Deadline): boolean {
    return this.#channel.wait(deadline, PendingClients.#isAcceptable, this);
  }

  /** Blocks until `accept` returns a client. Throws a `NetError` with code `ETIMEDOUT` when the time is up. */
  waitFor<T>(accept: () => T | null, deadline: Deadline): T {
    for (;;) {
      const client = accept();
      if (client !== null) return client;
      if (!this.wait(deadline)) throw this.#channel.outOfTime(timedOut("acceptWait", deadline.timeout));
    }
  }

  static #isAcceptable(clients: PendingClients): boolean {
    const channel = clients.#channel;
    return clients.count > 0 || channel.hasPendingError || channel.phase === PHASE_FAILED;
  }
}
