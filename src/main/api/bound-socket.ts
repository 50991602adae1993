/**
 * A TCP socket that is bound to a port, and neither listens nor is connected.
 *
 * Runs on the calling thread.
 */

import type { Channel } from "../link/channel.js";
import type { WorkerLink } from "../link/worker-link.js";
import { addressAndPort, Handle } from "./handle.js";
import { closedHere, NetError } from "./net-error.js";

/** A TCP socket that is bound and does not listen. Made by `bindTcp`; `listen` and `connect` take it as the option `bound`. */
export class BoundSocket extends Handle {
  readonly #link: WorkerLink;
  readonly #channel: Channel;
  /** The port it is bound to. */
  readonly port: number;
  /** The IP it is bound to. */
  readonly address: string;
  #taken = false;

  /** @internal Use `bindTcp`. */
  constructor(link: WorkerLink, channel: Channel) {
    super();
    this.#link = link;
    this.#channel = channel;
    this.port = channel.bound?.port ?? 0;
    this.address = channel.bound?.address ?? "";
    const { handleId } = channel;
    channel.destination = { address: this.address, port: this.port };
    this.bindChannel(channel, () => link.post({ type: "close", handleId }));
  }

  /** @internal The only IP that it can connect from; null if it is bound to all. */
  get localAddress(): string | null {
    return this.address === "::" ? null : this.address;
  }

  /** Whether its runtime has ended: `listen` and `connect` throw the reason. */
  get ready(): boolean {
    return !this.closed && this.#link.death !== null;
  }

  /** @internal The networking thread that has the socket. Throws if it is closed, or of another runtime than that of `links`, and why its own has ended. */
  linkAmong(links: readonly WorkerLink[]): WorkerLink {
    if (this.closed) throw closedHere("bound socket", { address: this.address, port: this.port });
    if (this.#link.death !== null) throw new NetError(this.#link.death);
    if (links.includes(this.#link)) return this.#link;
    throw new TypeError("bound was made by another runtime; use that one's listen or connect");
  }

  /** @internal Closes the handle; the next command to its networking thread takes the socket. Returns its handle id. */
  give(): number {
    this.#taken = true;
    this.close();
    return this.#channel.handleId;
  }

  protected override describe(): string {
    return `${addressAndPort(this.address, this.port)}, bound`;
  }

  protected override onClose(): void {
    this.unbindChannel();
    if (!this.#taken) this.#link.post({ type: "close", handleId: this.#channel.handleId });
  }
}
