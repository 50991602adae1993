/**
 * A WebSocket server. Clients wait in it until they are accepted.
 *
 * Runs on the calling thread.
 */

import { Handle } from "../main/api/handle.js";
import { closedHere } from "../main/api/net-error.js";
import { PendingClients } from "../main/api/pending-clients.js";
import type { Channel } from "../main/link/channel.js";
import { Deadline, type Timeout } from "../main/link/deadline.js";
import type { WorkerLink } from "../main/link/worker-link.js";
import { WebSocket } from "./web-socket.js";

/** A WebSocket server. Made by `listenWebSocket`. */
export class WebSocketServer extends Handle {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  readonly #clients: PendingClients;
  readonly #rings: { receiveBuffer: number; sendBuffer: number };
  /** The port it listens on. */
  readonly port: number;
  /** The IP it listens on. */
  readonly address: string;

  /** @internal Use `listenWebSocket`. */
  constructor(link: WorkerLink, channel: Channel, rings: { receiveBuffer: number; sendBuffer: number }) {
    super();
    this.#link = link;
    this.#channel = channel;
    this.#clients = new PendingClients(link, channel);
    this.#rings = rings;
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    channel.destination = { address: this.address, port: this.port };
    const { handleId } = channel;
    this.bindChannel(channel, () => link.post({ type: "close", handleId }));
  }

  /**
   * The client that has waited longest, or `null` if none waits. Its handshake is done: `url`, `headers` and `protocol`
   * are set, and messages that it has already sent can be received. Throws a `NetError` once for each client that could
   * not be accepted (`EMFILE`), and when the server has failed.
   */
  accept(): WebSocket | null {
    this.#mustBeOpen();
    const opened = this.#clients.take(this.#rings, undefined);
    return opened === null ? null : new WebSocket(opened, true);
  }

  /**
   * Blocks for a client and returns it. Throws a `NetError` with code `ETIMEDOUT` after `timeout` ms (-1: no limit),
   * and as `accept`.
   */
  acceptWait(timeout: Timeout = -1): WebSocket {
    return this.#clients.waitFor(() => this.accept(), Deadline.of(timeout));
  }

  /**
   * Blocks until `accept` will return a client or throw, or for `timeout` ms (0: polls once; -1: no limit); returns
   * whether it will.
   */
  waitUntilAcceptable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    return this.#clients.wait(Deadline.of(timeout));
  }

  get ready(): boolean {
    return !this.closed && this.#clients.ready;
  }

  /** Disconnects pending clients; accepted WebSockets continue. */
  protected override onClose(): void {
    this.unbindChannel();
    this.#link.post({ type: "close", handleId: this.#channel.handleId });
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("server", this.#channel.where);
  }
}
