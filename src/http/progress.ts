/**
 * Waiting: while the program waits for one request, all requests in flight make progress.
 *
 * Runs on the calling thread.
 */

import { type Deadline, type PollEntry, poll, type TcpSocket, type Watch } from "../main/index.js";
import type { Connection } from "./connection.js";

/** A request in flight. */
export interface InFlight {
  readonly deadline: Deadline;
  /** Null while it waits for one. */
  readonly connection: Connection | null;
  /** Whether it would take more from the connection. */
  readonly reading: boolean;
  /** Whether it waits for room to write. */
  readonly writing: boolean;
  /** Milliseconds after which it has something to do even if no bytes arrive. */
  readonly patience: number;
  step(): void;
  /** Names what it waits for. */
  watch(watch: Watch): void;
  /** It can't continue: unread responses hold all connections. */
  starve(): void;
}

const active = new Set<InFlight>();

export function enter(request: InFlight): void {
  active.add(request);
}

export function leave(request: InFlight): void {
  active.delete(request);
}

/** Advances all requests in flight. */
export function stepAll(): void {
  for (const each of [...active]) each.step();
}

/** Names what all requests in flight wait for. */
export function watchAll(watch: Watch): void {
  for (const each of active) each.watch(watch);
}

/** Blocks until `met`, or the time is up; returns the last answer of `met`. */
export function waitFor(request: InFlight, deadline: Deadline, met: () => boolean): boolean {
  for (;;) {
    request.step();
    if (met()) return true;
    const { left } = deadline;
    if (left <= 0) return false;
    sleep(request, Math.min(left, request.patience));
  }
}

function sleep(request: InFlight, left: number): void {
  const { connection } = request;
  if (active.size === 1 && connection !== null) {
    sleepOn(connection.socket, request, left);
    return;
  }
  const sources: PollEntry[] = [];
  let ms = left;
  for (const each of active) {
    if (each.connection === null) continue;
    const { reading, writing } = each;
    if (reading || writing) sources.push({ handle: each.connection.socket, readable: reading, writable: writing });
    ms = Math.min(ms, each.patience);
  }
  if (sources.length === 0) {
    request.starve();
    return;
  }
  poll(sources, ms);
  for (const each of [...active]) if (each !== request && each.connection !== null) each.step();
}

/** The same for the only request in flight, without a list. */
function sleepOn(socket: TcpSocket, { reading, writing }: InFlight, ms: number): void {
  if (!writing) socket.waitUntilReadable(ms);
  else socket.waitUntil({ readable: reading, writable: true }, ms);
}
