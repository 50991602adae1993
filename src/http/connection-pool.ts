/**
 * The connections of a client, by route: idle connections, and requests that wait for a connection.
 *
 * Runs on the calling thread. There are no timers: old connections are closed at the next use of the pool.
 */

import { now } from "./clock.js";
import { Connection, type Opener } from "./connection.js";
import { type Route, sameRoute } from "./route.js";

/** A request that waits for a connection. */
export interface Waiting {
  readonly route: Route;
  /** Receives a connection, or the error of opening it. */
  assign(connection: Connection): void;
  refuse(error: unknown): void;
}

/** The pool closes old connections once per this many new routes. A power of two, minus one. */
const SWEEP_MASK = 31;

interface Group {
  readonly route: Route;
  readonly idle: Connection[];
  readonly waiting: Waiting[];
  /** The number of open connections, idle ones included. */
  open: number;
}

export class ConnectionPool {
  readonly #opener: Opener;
  readonly #limit: number;
  readonly #keepAliveMs: number;
  /** By host; routes of one host are compared. */
  readonly #groups = new Map<string, Group[]>();
  #made = 0;

  /** `limit`: open connections for each route; `keepAliveMs`: how long an idle one is kept. */
  constructor(opener: Opener, limit: number, keepAliveMs: number) {
    this.#opener = opener;
    this.#limit = limit;
    this.#keepAliveMs = keepAliveMs;
  }

  /** Assigns a connection: an idle one, a new one, or later one that is returned. Throws the errors of `connect`. */
  request(waiting: Waiting): void {
    const group = this.#group(waiting.route);
    for (let idle = group.idle.pop(); idle !== undefined; idle = group.idle.pop()) {
      if (idle.reusable) {
        waiting.assign(idle);
        return;
      }
      this.#close(group, idle, false);
    }
    if (group.open >= this.#limit) group.waiting.push(waiting);
    else waiting.assign(this.#open(group));
  }

  /** A new connection in place of a dead one. */
  replace(dead: Connection): Connection {
    const group = this.#group(dead.route);
    dead.close(true);
    group.open--;
    try {
      return this.#open(group);
    } finally {
      this.#serve(group); // no effect unless opening has failed
    }
  }

  /** Stops waiting. */
  withdraw(waiting: Waiting): void {
    const { waiting: list } = this.#group(waiting.route);
    const index = list.indexOf(waiting);
    if (index >= 0) list.splice(index, 1);
  }

  /** The connection is free for another request. `hintMs`: how long the server keeps it, if known. */
  giveBack(connection: Connection, hintMs: number | null): void {
    const group = this.#group(connection.route);
    const keepMs = hintMs === null ? this.#keepAliveMs : Math.min(this.#keepAliveMs, hintMs);
    if (keepMs <= 0) {
      this.discard(connection, false);
      return;
    }
    connection.idleUntil = now() + keepMs;
    const next = group.waiting.shift();
    if (next === undefined) group.idle.push(connection);
    else if (connection.reusable) next.assign(connection);
    else {
      group.waiting.unshift(next);
      this.#close(group, connection, false);
      this.#serve(group);
    }
  }

  /** Closes a connection that can't carry another request. */
  discard(connection: Connection, reset: boolean): void {
    const group = this.#group(connection.route);
    this.#close(group, connection, reset);
    this.#serve(group);
    this.#tidy(group);
  }

  /** Removes the connection from the pool: it has another owner from now on. */
  handOver(connection: Connection): void {
    const group = this.#group(connection.route);
    group.open--;
    this.#serve(group);
    this.#tidy(group);
  }

  /** Closes the idle connections. */
  close(): void {
    for (const groups of this.#groups.values()) {
      for (const group of groups) for (const idle of group.idle.splice(0)) this.#close(group, idle, false);
    }
  }

  /** The numbers of idle and of open connections. */
  get counts(): { idle: number; open: number } {
    const groups = [...this.#groups.values()].flat();
    const sum = (count: (group: Group) => number) => groups.reduce((total, group) => total + count(group), 0);
    return { idle: sum(({ idle }) => idle.length), open: sum(({ open }) => open) };
  }

  /** Opens connections for waiting requests, up to the limit. */
  #serve(group: Group): void {
    while (group.waiting.length > 0 && group.open < this.#limit) {
      const next = group.waiting.shift() as Waiting;
      try {
        next.assign(this.#open(group));
      } catch (error) {
        next.refuse(error);
      }
    }
  }

  #open(group: Group): Connection {
    const connection = new Connection(group.route, this.#opener);
    group.open++;
    return connection;
  }

  #close(group: Group, connection: Connection, reset: boolean): void {
    group.open--;
    connection.close(reset);
  }

  #group(route: Route): Group {
    const groups = this.#groups.get(route.host) ?? [];
    let group = groups.find((each) => sameRoute(each.route, route));
    if (group === undefined) {
      if ((++this.#made & SWEEP_MASK) === 0) this.#sweep();
      group = { route, idle: [], waiting: [], open: 0 };
      groups.push(group);
      this.#groups.set(route.host, groups);
    }
    return group;
  }

  /**
   * Closes connections that are too old, so that a program that uses thousands of hosts once each does not keep them.
   */
  #sweep(): void {
    const time = now();
    for (const groups of [...this.#groups.values()]) {
      for (const group of [...groups]) {
        while (group.idle.length > 0 && (group.idle[0] as Connection).idleUntil < time) {
          this.#close(group, group.idle.shift() as Connection, false);
        }
        this.#tidy(group);
      }
    }
  }

  /** Removes a route that is not used. */
  #tidy(group: Group): void {
    if (group.open > 0 || group.waiting.length > 0) return;
    const groups = this.#groups.get(group.route.host);
    const index = groups?.indexOf(group) ?? -1;
    if (groups === undefined || index < 0) return;
    groups.splice(index, 1);
    if (groups.length === 0) this.#groups.delete(group.route.host);
  }
}
