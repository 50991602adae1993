/**
 * A WebSocket server. Clients wait in it until they are accepted.
 *
 * Runs on the calling thread.
 */

import { Handle } from "../main/api/handle.js";
import { closedHere, timedOut } from "../main/api/net-error.js";
import type { Channel } from "../main/link/channel.js";
import { Deadline, type Timeout } from "../main/link/deadline.js";
import type { WorkerLink } from "../main/link/worker-link.js";
import { PHASE_FAILED } from "../ring/layout.js";
import { WebSocket } from "./web-socket.js";

/** A WebSocket server. Made by `listenWebSocket`. */
export class WebSocketServer extends Handle {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  readonly #rings: { receiveBuffer: number; sendBuffer: number };
  /** The port it listens on. */
  readonly port: number;
  /** The IP it listens on. */
  readonly address: string;
  #accepted = 0;

  /** @internal Use `listenWebSocket`. */
  constructor(link: WorkerLink, channel: Channel, rings: { receiveBuffer: number; sendBuffer: number }) {
    super();
    this.#link = link;
    this.#channel = channel;
    this.#rings = rings;
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    channel.destination = { address: this.address, port: this.port };
    const { handleId } = channel;
    this.bindChannel(channel, () => link.post({ type: "close", handleId }));
  }

  /**
   * The client that has waited longest, or `null` when none waits. Its handshake is done: `url`, `headers` and `protocol` are set, and
   * messages that it has already sent can be received. Throws a `NetError` once for each client that could not be accepted (`EMFILE`), and
   * when the server has failed.
   */
  accept(): WebSocket | null {
    this.#mustBeOpen();
    const channel = this.#channel;
    if (channel.waitingClients(this.#accepted) === 0) {
      if (channel.phase === PHASE_FAILED) throw channel.takeError();
      const error = channel.takePendingError();
      if (error !== null) throw error;
      channel.link.caller.maybeCheckLiveness();
      return null;
    }
    channel.link.takeNotices();
    const pending = channel.pendingConnections[0];
    if (pending === undefined) return null;
    const { channel: opened, rings } = this.#link.openRinged(this.#rings.receiveBuffer, this.#rings.sendBuffer);
    channel.pendingConnections.shift();
    this.#accepted = (this.#accepted + 1) | 0;
    opened.facts = pending.facts;
    opened.assumeOpen();
    this.#link.post({
      type: "accept",
      slot: opened.reference,
      rings,
      server: channel.handleId,
      pending: pending.number,
      dscp: undefined,
    });
    return new WebSocket(opened, true);
  }

  /**
   * Blocks for a client and returns it. Throws a `NetError` with code `ETIMEDOUT` after `timeout` ms (-1: no limit), and as `accept`.
   */
  acceptWait(timeout: Timeout = -1): WebSocket {
    const deadline = Deadline.of(timeout);
    for (;;) {
      const socket = this.accept();
      if (socket !== null) return socket;
      if (!this.#block(deadline)) throw this.#channel.outOfTime(timedOut("acceptWait", deadline.timeout));
    }
  }

  /**
   * Blocks until `accept` will return a client or throw, or for `timeout` ms (0: polls once; -1: no limit); returns whether it will.
   */
  waitUntilAcceptable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    return this.#block(Deadline.of(timeout));
  }

  get ready(): boolean {
    if (this.closed) return false;
    const channel = this.#channel;
    if (channel.waitingClients(this.#accepted) > 0 || channel.hasPendingError) return true;
    return channel.phase === PHASE_FAILED && !channel.errorTaken;
  }

  /** Disconnects pending clients; accepted WebSockets continue. */
  protected override onClose(): void {
    this.unbindChannel();
    this.#link.post({ type: "close", handleId: this.#channel.handleId });
  }

  static #isAcceptable(server: WebSocketServer): boolean {
    const channel = server.#channel;
    return channel.waitingClients(server.#accepted) > 0 || channel.hasPendingError || channel.phase === PHASE_FAILED;
  }

  #block(deadline: Deadline): boolean {
    const { link, handleId } = this.#channel;
    return link.caller.wait(handleId, deadline, WebSocketServer.#isAcceptable, this);
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("server", this.#channel.where);
  }
}
