/**
 * Looks up all addresses of host names, with the system's resolver.
 *
 * Runs on the networking thread. `dns.lookup` occupies one of libuv's few threads while it waits, and libuv gives
 * look-ups at most half of them, so that file access goes on. So there is only one look-up of the same name at a time,
 * however many callers need it; and while names without an answer occupy all threads for look-ups, others are looked up
 * directly.
 */

import { lookup } from "node:dns";
import { lookupService } from "node:dns/promises";
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import type { AddressOrder, ResolveCommand, ReverseCommand } from "../ring/protocol.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { lookupDirectly } from "./direct-lookup.js";
import { faultOf } from "./faults.js";
import { LOOKUPS_LEAVE_THREADS } from "./other-runtimes.js";
import { Slot } from "./slot.js";

/** The IPs of a name, in the system's order or the order set by `--dns-result-order`. */
export type Addresses = string[];

/**
 * The number of look-ups that libuv runs at a time: half of its threads, rounded up (uv__work_submit, threadpool.c).
 * `setting` is UV_THREADPOOL_SIZE, read as libuv does: 4 by default, otherwise the result of C's atoi, with 1 for 0,
 * and 1024 for more or less than 0.
 */
export function lookupThreads(setting: string | undefined): number {
  const number = setting === undefined ? 4 : Number.parseInt(setting, 10) || 1;
  return Math.ceil((number < 0 ? 1024 : Math.min(number, 1024)) / 2);
}

const SETTING = process.env.UV_THREADPOOL_SIZE;
/** The most look-ups at a time. Where they could take the whole pool, half of it is left to the hosts file. */
const THREADS = LOOKUPS_LEAVE_THREADS
  ? lookupThreads(SETTING)
  : Math.max(1, (Number.parseInt(SETTING ?? "", 10) || availableParallelism()) >> 1);

export class Resolver {
  readonly #underWay = new Map<string, Promise<Addresses>>();
  /** The same in the system's order, whatever `--dns-result-order` says. */
  readonly #verbatimUnderWay = new Map<string, Promise<Addresses>>();
  #occupied = 0;

  /** All IPs of `host`; rejects with the system's error. */
  resolve(host: string, verbatim = false): Promise<Addresses> {
    const underWay = verbatim ? this.#verbatimUnderWay : this.#underWay;
    let result = underWay.get(host);
    if (result === undefined) {
      const ask = (): Promise<Addresses> => this.#askSystem(host, verbatim);
      result = this.#occupied < THREADS ? ask() : lookupDirectly(host).catch(ask);
      underWay.set(host, result);
      const forget = (): void => void underWay.delete(host);
      result.then(forget, forget);
    }
    return result;
  }

  #askSystem(host: string, verbatim: boolean): Promise<Addresses> {
    this.#occupied++;
    return new Promise<Addresses>((resolve, reject) => {
      lookup(host, { all: true, ...(verbatim ? { verbatim } : {}) }, (error, found) => {
        this.#occupied--;
        if (error) reject(error);
        else resolve(found.map(({ address }) => address));
      });
    });
  }
}

/** The `addresses` of one family (0: both), in the given order. Throws if there are none. */
function chosen(host: string, addresses: Addresses, family: 0 | 4 | 6, order: AddressOrder | null): Addresses {
  const found = family === 0 ? addresses : addresses.filter((address) => isIP(address) === family);
  if (found.length === 0) {
    const message = `getaddrinfo ENOTFOUND: ${host} has no IPv${family} address`;
    throw Object.assign(new Error(message), { code: "ENOTFOUND", syscall: "getaddrinfo" });
  }
  if (order === null || order === "verbatim") return found;
  const first = order === "ipv4first" ? 4 : 6;
  return [...found].sort((one, other) => Number(isIP(other) === first) - Number(isIP(one) === first));
}

/** The name of an IP, as a list of one. Rejects if it has none: then the system's getnameinfo returns the IP. */
async function nameOf(ip: string): Promise<string[]> {
  const { hostname } = await lookupService(ip, 0);
  if (isIP(hostname.replace(/%.*/, "")) === 0) return [hostname];
  throw Object.assign(new Error(`getnameinfo ENOTFOUND: ${ip} has no name`), {
    code: "ENOTFOUND",
    syscall: "getnameinfo",
    address: ip,
  });
}

/** A look-up of a caller; connections may wait for it. For a reverse look-up `addresses` is the name. */
export class Lookup implements Handle {
  readonly slot: Slot;
  readonly addresses: Promise<Addresses>;
  #closed = false;

  constructor(link: CallerLink, command: ResolveCommand | ReverseCommand, resolver: Resolver) {
    this.slot = new Slot(link, command.slot);
    link.handles.set(this.slot.handleId, this);
    if (command.type === "reverse") {
      this.addresses = nameOf(command.ip);
    } else {
      const { host, family, order } = command;
      this.addresses = resolver
        .resolve(host, order === "verbatim")
        .then((addresses) => chosen(host, addresses, family, order));
    }
    this.addresses.then(
      (addresses) => this.#closed || this.slot.resolved(addresses),
      (error) => this.#closed || this.slot.fail(faultOf(error)),
    );
  }

  service(): void {} // a look-up is closed by a command, after the commands of connections that wait for it

  /** The caller has its result, or no longer waits for it. */
  close(): void {
    this.#closed = true;
    this.slot.release();
  }
}
