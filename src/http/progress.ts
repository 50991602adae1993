/**
 * Waiting: while the program waits for one request, all requests in flight move.
 *
 * Runs on the calling thread.
 */

import { type Address, type Deadline, type Handle, poll, type TcpSocket } from "../main/index.js";
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
  /** Ms after which it has something to do although nothing came. */
  readonly patience: number;
  step(): void;
  /** It can never go on: what it needs is held by unread responses. */
  starve(): void;
}

/** How long a full send ring is waited for at a time: there may be an answer meanwhile. */
const SLICE_MS = 5;

const active = new Set<InFlight>();

export function enter(request: InFlight): void {
  active.add(request);
}

export function leave(request: InFlight): void {
  active.delete(request);
}

/** Moves all that are in flight. */
export function stepAll(): void {
  for (const each of [...active]) each.step();
}

/** Blocks until `met`, or the time is up; returns the last answer of `met`. */
export function waitFor(request: InFlight, deadline: Deadline, met: () => boolean): boolean {
  for (;;) {
    request.step();
    if (met()) return true;
    const { left } = deadline;
    if (left <= 0) return false;
    sleep(request, Math.max(0, Math.min(left, request.deadline.left, request.patience)));
  }
}

function sleep(request: InFlight, left: number): void {
  const { connection } = request;
  if (active.size === 1 && connection !== null) {
    waitForEither(connection.source, request.writing, left);
    return;
  }
  const sources: Handle[] = [];
  let ms = left;
  let writing = false;
  for (const each of active) {
    if (each.connection === null) continue;
    if (each.writing) writing = true;
    if (each.reading) sources.push(each.connection.source);
    ms = Math.min(ms, Math.max(0, each.patience));
  }
  if (sources.length === 0 && !writing) {
    request.starve();
    return;
  }
  poll(sources, writing ? Math.min(ms, SLICE_MS) : ms);
  for (const each of [...active]) if (each !== request && each.connection !== null) each.step();
}

/** Blocks until there is something to read or, with `writing`, room to write; at most so many ms. */
function waitForEither(source: TcpSocket | Address, writing: boolean, ms: number): void {
  const timeout = ms === Number.POSITIVE_INFINITY ? -1 : ms;
  if (!("waitUntilReadable" in source)) source.waitUntilResolved(timeout);
  else if (!writing) source.waitUntilReadable(timeout);
  else {
    try {
      source.waitUntilWritable(Math.min(ms, SLICE_MS));
    } catch {
      // It will never be writable; reading says why.
    }
  }
}
