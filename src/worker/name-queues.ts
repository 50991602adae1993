/**
 * Datagrams to names, while the names are looked up: copied out of the send ring, so that later datagrams need not
 * wait.
 *
 * Runs on the networking thread. Datagrams to one name keep their order. One look-up serves all that are sent before it
 * ends.
 */

import type { Resolver } from "./resolver.js";

/**
 * The most datagrams, and the most bytes, that may wait at a time for one socket. A datagram of any size fits if none
 * waits.
 */
const MOST_DATAGRAMS = 1024;
const MOST_BYTES = 256 * 1024;

/** A datagram that waits. */
export interface NamedDatagram {
  payload: Uint8Array;
  port: number;
}

export class NameQueues {
  readonly #resolver: Resolver;
  readonly #found: (datagram: NamedDatagram, host: string, addresses: string[]) => void;
  readonly #missed: (datagram: NamedDatagram, error: unknown) => void;
  readonly #queues = new Map<string, NamedDatagram[]>();
  #datagrams = 0;
  #bytes = 0;

  /** Calls `found` or `missed` for each added datagram, when the look-up of its name has ended. */
  constructor(
    resolver: Resolver,
    found: (datagram: NamedDatagram, host: string, addresses: string[]) => void,
    missed: (datagram: NamedDatagram, error: unknown) => void,
  ) {
    this.#resolver = resolver;
    this.#found = found;
    this.#missed = missed;
  }

  /** Payload bytes of the datagrams that wait, plus one for each, because a payload may be empty. */
  get size(): number {
    return this.#bytes + this.#datagrams;
  }

  /** Whether there is room for a datagram of this many bytes. */
  hasRoom(bytes: number): boolean {
    return this.#datagrams < MOST_DATAGRAMS && this.#bytes + bytes <= MOST_BYTES;
  }

  /** Adds a datagram, whose bytes must not change, and looks up its name unless that is under way. */
  add(host: string, datagram: NamedDatagram): void {
    this.#datagrams++;
    this.#bytes += datagram.payload.length;
    const waiting = this.#queues.get(host);
    if (waiting !== undefined) {
      waiting.push(datagram);
      return;
    }
    const queue = [datagram];
    this.#queues.set(host, queue);
    const ended = (): NamedDatagram[] => {
      this.#queues.delete(host);
      return queue;
    };
    this.#resolver.resolve(host).then(
      (addresses) => {
        for (const each of ended()) this.#found(each, host, addresses);
      },
      (error) => {
        for (const each of ended()) this.#missed(each, error);
      },
    );
  }

  /** Removes a datagram that was sent or has failed. */
  remove(datagram: NamedDatagram): void {
    this.#datagrams--;
    this.#bytes -= datagram.payload.length;
  }
}
