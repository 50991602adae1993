/**
 * `wasi:io/poll`.
 *
 * Runs on the calling thread.
 */

import { type PollEntry, poll as pollHandles } from "../main/index.js";
import { DISPOSE, trap } from "./resource.js";

/** What a pollable stands for. */
export interface EventSource {
  /** Whether the event has happened. */
  isReady(): boolean;
  /** What to wait for until it may have happened; null if it can only be asked again. */
  pollEntry(): PollEntry | null;
  /** For clocks: the ms until the event. */
  timeLeft?(): number;
  /** Blocks until the event has happened or may have, where that costs less than `poll`. */
  block?(): void;
  /** Called when the pollable is dropped. */
  drop?(): void;
}

/** The interval, in ms, for asking sources that can't be waited for. */
const CHECK_MS = 5;

/** The longest single wait in ms. */
const WAIT_MS = 2 ** 31 - 1;

/** The source of a pollable, once it is dropped. */
const DROPPED: EventSource = { isReady: () => true, pollEntry: () => null };

export class Pollable {
  #source: EventSource;

  /** Guests get pollables by `subscribe`. */
  constructor(source: EventSource = DROPPED) {
    this.#source = source;
  }

  ready(): boolean {
    return this.#source.isReady();
  }

  block(): void {
    waitFor(this.#source);
  }

  [DISPOSE](): void {
    this.#source.drop?.();
    this.#source = DROPPED;
  }

  /** @internal */
  static sourceOf(pollable: Pollable): EventSource {
    return pollable.#source;
  }
}

/** Blocks until one of `pollables` is ready; returns the indices of all that are. Traps if the list is empty. */
export function poll(pollables: readonly Pollable[]): Uint32Array {
  if (pollables.length === 0) trap("poll needs at least one pollable");
  const sources = pollables.map(Pollable.sourceOf);
  for (;;) {
    const ready: number[] = [];
    sources.forEach((source, i) => {
      if (source.isReady()) ready.push(i);
    });
    if (ready.length > 0) return Uint32Array.from(ready);
    waitOnce(sources);
  }
}

/** Blocks until `source` is ready. */
export function waitFor(source: EventSource): void {
  while (!source.isReady()) waitOnce([source]);
}

function waitOnce(sources: readonly EventSource[]): void {
  const [first] = sources;
  if (sources.length === 1 && first?.block !== undefined) {
    first.block();
    return;
  }
  const entries: PollEntry[] = [];
  let timeout = WAIT_MS;
  for (const source of sources) {
    const entry = source.pollEntry();
    if (entry !== null) entries.push(entry);
    else timeout = Math.min(timeout, source.timeLeft?.() ?? CHECK_MS);
  }
  pollHandles(entries, timeout);
}
