/**
 * A listening server: TCP, TLS, or a Unix domain socket.
 *
 * Runs on the calling thread.
 */

import { PHASE_FAILED } from "../../ring/layout.js";
import type { Channel } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import type { WorkerLink } from "../link/worker-link.js";
import type { Canceller } from "./canceller.js";
import { addressAndPort, Handle } from "./handle.js";
import { closedHere } from "./net-error.js";
import type { AcceptOptions } from "./options.js";
import { PendingClients } from "./pending-clients.js";
import { TcpSocket } from "./tcp-socket.js";

/** What a server was made with, as `TcpServer.options` returns it. */
export interface ServerSettings {
  /** The most clients that the kernel queues for the networking thread. */
  backlog: number;
  /** Whether a server on `::` refuses IPv4 clients. */
  ipv6Only: boolean;
  /** Whether other servers may share the port. */
  reusePort: boolean;
}

/** A listening server. Clients wait until they are accepted. Made by `listen`. */
export class TcpServer extends Handle {
  readonly #channel: Channel;
  readonly #options: AcceptOptions;
  readonly #clients: PendingClients;
  /** The port it listens on; 0 for a Unix domain socket. */
  readonly port: number;
  /** The IP or path it listens on. */
  readonly address: string;
  /** The options it was made with. */
  readonly options: Readonly<ServerSettings>;

  /** @internal Use `listen`. */
  constructor(link: WorkerLink, channel: Channel, options: AcceptOptions, settings: ServerSettings) {
    super();
    this.#channel = channel;
    this.#options = options;
    this.#clients = new PendingClients(link, channel);
    const { backlog, ipv6Only, reusePort } = settings;
    this.options = { backlog, ipv6Only, reusePort };
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    const { handleId } = channel;
    channel.destination = { address: this.address, port: this.port };
    this.bindChannel(channel, () => link.post({ type: "close", handleId }));
  }

  /**
   * The client that has waited longest, or `null` if none waits. Bytes that it has already sent can be read
   * immediately. Throws a `NetError` once for each client that could not be accepted (`EMFILE`), and when the server
   * has failed.
   */
  accept(): TcpSocket | null {
    this.#mustBeOpen();
    const { noDelay, keepAlive, keepAliveDelay, dscp } = this.#options;
    const pending = this.#clients.next();
    if (pending === null) return null;
    const opened = this.#clients.take(pending, this.#options, true, dscp);
    if (!noDelay || keepAlive) opened.setOptions(noDelay, keepAlive, keepAliveDelay);
    return new TcpSocket(opened, this.#options, true);
  }

  /**
   * Blocks until `accept` will return a client or throw, or `timeout` ms have passed (0: polls once; -1: no limit);
   * returns whether it will.
   */
  waitUntilAcceptable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    return this.#clients.wait(Deadline.of(timeout));
  }

  /**
   * Blocks for a client and returns it. Throws a `NetError` with code `ETIMEDOUT` after `timeout` ms, and as `accept`.
   */
  acceptWait(timeout: Timeout = -1): TcpSocket {
    return this.#clients.waitFor(() => this.accept(), Deadline.of(timeout));
  }

  override canceller(): Canceller {
    this.#mustBeOpen();
    return super.canceller();
  }

  get ready(): boolean {
    return !this.closed && this.#clients.ready;
  }

  protected override describe(): string {
    const failed = this.#channel.phase === PHASE_FAILED ? `failed: ${this.#channel.error.code}` : "listening";
    return `${addressAndPort(this.address, this.port)}, ${failed}, waiting ${this.#clients.count}`;
  }

  /** Disconnects pending clients; accepted connections continue. */
  protected override onClose(): void {
    this.unbindChannel();
    this.#channel.link.post({ type: "close", handleId: this.#channel.handleId });
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("server", this.#channel.where);
  }
}
