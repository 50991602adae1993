/**
 * A listening server: TCP, TLS, or a Unix domain socket.
 *
 * Runs on the calling thread.
 */

import { PHASE_FAILED, PHASE_MASK } from "../../ring/layout.js";
import type { Channel } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import type { WorkerLink } from "../link/worker-link.js";
import { type Canceller, cancellerOf } from "./canceller.js";
import { addressAndPort, Handle } from "./handle.js";
import { closedHere, timedOut } from "./net-error.js";
import type { AcceptOptions } from "./options.js";
import { TcpSocket } from "./tcp-socket.js";

/** What a server was made with, as `TcpServer.options` returns it. */
export interface ServerSettings {
  /** Clients that the kernel holds before the networking thread takes them. */
  backlog: number;
  /** Whether it takes no IPv4 clients on `::`. */
  ipv6Only: boolean;
  /** Whether it shares its port. */
  reusePort: boolean;
}

/** A server that listens: clients wait in it until they are accepted. Made by `listen`. */
export class TcpServer extends Handle {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  readonly #options: AcceptOptions;
  /** The port really listened on; 0 for a Unix domain socket. */
  readonly port: number;
  /** The IP or path listened on. */
  readonly address: string;
  /** What it was made with. */
  readonly options: Readonly<ServerSettings>;
  #accepted = 0;

  /** @internal Use `listen`. */
  constructor(link: WorkerLink, channel: Channel, options: AcceptOptions, settings: ServerSettings) {
    super();
    this.#link = link;
    this.#channel = channel;
    this.#options = options;
    const { backlog, ipv6Only, reusePort } = settings;
    this.options = { backlog, ipv6Only, reusePort };
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    const { handleId } = channel;
    channel.destination = { address: this.address, port: this.port };
    this.bindChannel(channel, () => link.post({ type: "close", handleId }));
  }

  /**
   * The client that has waited longest, or `null` when none waits. Bytes that it has already sent can be read immediately.
   * Throws a `NetError` once for each client that could not be accepted (`EMFILE`), and when the server has failed.
   */
  accept(): TcpSocket | null {
    this.#mustBeOpen();
    const channel = this.#channel;
    if (channel.waitingClients(this.#accepted) === 0) {
      if (channel.phase === PHASE_FAILED) {
        throw channel.takeError();
      }
      const error = channel.takePendingError();
      if (error !== null) throw error;
      channel.link.caller.maybeCheckLiveness();
      return null;
    }
    channel.link.takeNotices();
    const pending = channel.pendingConnections[0];
    if (pending === undefined) return null;
    const { receiveBuffer, sendBuffer, noDelay, keepAlive, keepAliveDelay } = this.#options;
    const { channel: opened, rings } = this.#link.openRinged(receiveBuffer, sendBuffer);
    channel.pendingConnections.shift();
    this.#accepted = (this.#accepted + 1) | 0;
    opened.facts = pending.facts;
    opened.assumeOpen();
    channel.link.post({
      type: "accept",
      slot: opened.reference,
      rings,
      server: channel.handleId,
      pending: pending.number,
      dscp: this.#options.dscp,
    });
    if (!noDelay || keepAlive) opened.setOptions(noDelay, keepAlive, keepAliveDelay);
    return new TcpSocket(opened, this.#options, true);
  }

  /**
   * Blocks until `accept` returns a client or throws, or `timeout` ms are over (0: polls once; -1: no limit); returns whether
   * it has.
   */
  waitUntilAcceptable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    return this.#channel.wait(Deadline.of(timeout), TcpServer.#isAcceptable, this);
  }

  /**
   * Blocks for a client and returns it. Throws a `NetError` with code `ETIMEDOUT` when `timeout` ms are over, and as
   * `accept`.
   */
  acceptWait(timeout: Timeout = -1): TcpSocket {
    const deadline = Deadline.of(timeout);
    for (;;) {
      const socket = this.accept();
      if (socket !== null) return socket;
      if (!this.#channel.wait(deadline, TcpServer.#isAcceptable, this)) {
        throw this.#channel.outOfTime(timedOut("acceptWait", deadline.timeout));
      }
    }
  }

  /**
   * As `TcpSocket.canceller`: a token that can be posted to another thread: `cancel(token)` there ends the wait that this thread is in on this handle, or the next one. The
   * call throws a `NetError` with code `ERR_CANCELLED`; nothing is lost.
   */
  canceller(): Canceller {
    this.#mustBeOpen();
    return cancellerOf(this.#channel);
  }

  get ready(): boolean {
    if (this.closed) return false;
    const channel = this.#channel;
    if (channel.waitingClients(this.#accepted) > 0 || channel.hasPendingError) return true;
    return (channel.state & PHASE_MASK) === PHASE_FAILED && !channel.errorTaken;
  }

  protected override describe(): string {
    const failed = this.#channel.phase === PHASE_FAILED ? `failed: ${this.#channel.error.code}` : "listening";
    return `${addressAndPort(this.address, this.port)}, ${failed}, waiting ${this.#channel.waitingClients(this.#accepted)}`;
  }

  /** Pending clients are disconnected; accepted connections continue. */
  protected override onClose(): void {
    this.unbindChannel();
    this.#channel.link.post({ type: "close", handleId: this.#channel.handleId });
  }

  static #isAcceptable(server: TcpServer): boolean {
    const channel = server.#channel;
    return channel.waitingClients(server.#accepted) > 0 || channel.hasPendingError || channel.phase === PHASE_FAILED;
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("server", this.#channel.where);
  }
}
