/**
 * Datagrams that go to names, while the names are looked up: copied out of the send ring, so that those behind them need not wait.
 *
 * Runs on the networking thread. Datagrams to one name keep their order. One look-up serves all that have come by its end.
 */

import type { Resolver } from "./resolver.js";

/** Most datagrams, and most bytes of them, that wait at a time for one socket. A datagram of any size fits where none waits. */
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

  /** For each datagram that was added, `found` or `missed` is called once its name's look-up has ended. */
  constructor(
    resolver: Resolver,
    found: (datagram: NamedDatagram, host: string, addresses: string[]) => void,
    missed: (datagram: NamedDatagram, error: unknown) => void,
  ) {
    this.#resolver = resolver;
    this.#found = found;
    this.#missed = missed;
  }

  /** Payload bytes of the datagrams that were added and are not removed, and one for each, because it may have none. */
  get size(): number {
    return this.#bytes + this.#datagrams;
  }

  /** Whether there is room for a datagram of so many bytes. */
  hasRoom(bytes: number): boolean {
    return this.#datagrams < MOST_DATAGRAMS && this.#bytes + bytes <= MOST_BYTES;
  }

  /** Takes a datagram, whose bytes are its own, and looks its name up unless that is under way. */
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

  /** The datagram was sent or given up: its room is free. */
  remove(datagram: NamedDatagram): void {
    this.#datagrams--;
    this.#bytes -= datagram.payload.length;
  }
}
