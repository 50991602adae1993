/**
 * Look-ups of host names, by the system's resolver, with all addresses.
 *
 * Runs on the networking thread. `dns.lookup` occupies one of libuv's few threads while it waits, so the same name is
 * asked for once at a time, however many want it; libuv itself keeps half of its threads free of look-ups for file
 * access.
 */

import { lookup } from "node:dns";
import type { ResolveCommand } from "../ring/protocol.js";
import type { ClientLink, Handle } from "./client-link.js";
import { faultOf } from "./faults.js";
import { Slot } from "./slot.js";

/** The IPs of a name, in the system's order. */
export type Addresses = string[];

export class Resolver {
  readonly #underWay = new Map<string, Promise<Addresses>>();

  /** All IPs of `host`; rejects with the system's error. */
  resolve(host: string): Promise<Addresses> {
    let result = this.#underWay.get(host);
    if (result === undefined) {
      result = new Promise<Addresses>((resolve, reject) => {
        lookup(host, { all: true, verbatim: true }, (error, found) => {
          this.#underWay.delete(host);
          if (error) reject(error);
          else resolve(found.map(({ address }) => address));
        });
      });
      this.#underWay.set(host, result);
    }
    return result;
  }
}

/** A look-up that a client asked for; connections may wait for it. */
export class Lookup implements Handle {
  readonly slot: Slot;
  readonly addresses: Promise<Addresses>;
  #closed = false;

  constructor(link: ClientLink, command: ResolveCommand, resolver: Resolver) {
    this.slot = new Slot(link, command.slot);
    link.handles.set(this.slot.generation, this);
    this.addresses = resolver.resolve(command.host);
    this.addresses.then(
      (addresses) => this.#closed || this.slot.resolved(addresses),
      (error) => this.#closed || this.slot.fail(faultOf(error)),
    );
  }

  look(): void {} // a look-up is closed by a command, behind the commands of connections that wait for it

  /** The client has what it wanted, or wants it no more. */
  close(): void {
    this.#closed = true;
    this.slot.release();
  }
}
