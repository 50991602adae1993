/**
 * A WebSocket server. Clients wait in it until they are accepted.
 *
 * Runs on the calling thread.
 */

import { Handle } from "../main/api/handle.js";
import { closedHere } from "../main/api/net-error.js";
import { PendingClients } from "../main/api/pending-clients.js";
import type { Channel, PendingConnection } from "../main/link/channel.js";
import { Deadline, type Timeout } from "../main/link/deadline.js";
import type { WorkerLink } from "../main/link/worker-link.js";
import type { ConnectionFacts } from "../ring/protocol.js";
import { WebSocket } from "./web-socket.js";

/** A request for a WebSocket, whose handshake waits for the answer of `verify`. */
export interface WebSocketRequest {
  /** Path and query. */
  readonly url: string;
  /** With lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The client's IP. */
  readonly remoteAddress: string | undefined;
  /** The client's port. */
  readonly remotePort: number | undefined;
}

/** See `ListenWebSocketOptions.verify`. */
export type Verify = (request: WebSocketRequest) => boolean | number;

const ADMITTED = 0;
const FORBIDDEN = 403;
const INTERNAL_SERVER_ERROR = 500;

/** A WebSocket server. Made by `listenWebSocket`. */
export class WebSocketServer extends Handle {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  readonly #clients: PendingClients;
  readonly #rings: { receiveBuffer: number; sendBuffer: number };
  readonly #verify: Verify | null;
  /** The number of a client that was verified and could not be accepted yet. */
  #verified = 0;
  /** The port it listens on. */
  readonly port: number;
  /** The IP it listens on. */
  readonly address: string;

  /** @internal Use `listenWebSocket`. */
  constructor(
    link: WorkerLink,
    channel: Channel,
    rings: { receiveBuffer: number; sendBuffer: number },
    verify: Verify | null,
  ) {
    super();
    this.#link = link;
    this.#channel = channel;
    this.#clients = new PendingClients(link, channel);
    this.#rings = rings;
    this.#verify = verify;
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    channel.destination = { address: this.address, port: this.port };
    const { handleId } = channel;
    this.bindChannel(channel, () => link.post({ type: "close", handleId }));
  }

  /**
   * The client that has waited longest, or `null` if none waits. Its handshake is done: `url`, `headers` and `protocol`
   * are set, and messages that it has already sent can be received. With `verify` the clients before it are refused, and
   * its handshake is being answered: its status is `waiting`, and then `protocol` is set. Throws a `NetError` once for
   * each client that could not be accepted (`EMFILE`), and when the server has failed; and what `verify` throws.
   */
  accept(): WebSocket | null {
    for (;;) {
      this.#mustBeOpen();
      const pending = this.#clients.next();
      if (pending === null) return null;
      const verify = this.#verify;
      if (verify !== null && !this.#admits(pending, verify)) continue;
      this.#mustBeOpen(); // `verify` may have closed it
      return new WebSocket(this.#clients.take(pending, this.#rings, verify === null), true, pending.facts);
    }
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

  /** Whether `verify` admits the client; if not, it is answered with the status. */
  #admits(pending: PendingConnection, verify: Verify): boolean {
    if (pending.number === this.#verified) return true;
    let status = INTERNAL_SERVER_ERROR;
    try {
      status = statusOf(verify(requestOf(pending.facts)));
    } finally {
      if (status !== ADMITTED) this.#clients.refuse(pending, status);
    }
    this.#verified = pending.number;
    return status === ADMITTED;
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("server", this.#channel.where);
  }
}

function requestOf({ webSocket, remoteAddress, remotePort }: ConnectionFacts): WebSocketRequest {
  const { url = "", headers = {} } = webSocket ?? {};
  return { url, headers, remoteAddress, remotePort };
}

/** ADMITTED, or the HTTP status of the answer. */
function statusOf(verdict: boolean | number): number {
  if (verdict === true) return ADMITTED;
  if (verdict === false) return FORBIDDEN;
  if (Number.isInteger(verdict) && verdict >= 400 && verdict <= 599) return verdict;
  throw new TypeError(`verify must return true, false or a status from 400 to 599, not ${String(verdict)}`);
}
