/**
 * `wasi:clocks`: the clocks, whose pollables can be waited for together with sockets.
 *
 * Runs on the calling thread.
 */

import { type EventSource, Pollable } from "./pollable.js";

const NS_PER_MS = 1e6;
const MAX_INSTANT = 2n ** 64n - 1n;

class Timer implements EventSource {
  readonly #when: bigint;

  constructor(when: bigint) {
    this.#when = when;
  }

  isReady(): boolean {
    return process.hrtime.bigint() >= this.#when;
  }

  pollEntry(): null {
    return null;
  }

  timeLeft(): number {
    return Math.max(Number(this.#when - process.hrtime.bigint()) / NS_PER_MS, 0);
  }
}

/** `wasi:clocks/monotonic-clock`. Times in ns. */
export const monotonicClock = {
  now: (): bigint => process.hrtime.bigint(),
  resolution: (): bigint => 1n,
  subscribeInstant: (when: bigint): Pollable => new Pollable(new Timer(when)),
  subscribeDuration(duration: bigint): Pollable {
    const when = process.hrtime.bigint() + duration;
    return new Pollable(new Timer(when > MAX_INSTANT ? MAX_INSTANT : when));
  },
};

/** A time of `wasi:clocks/wall-clock`. */
export interface Datetime {
  seconds: bigint;
  nanoseconds: number;
}

/** `wasi:clocks/wall-clock`. */
export const wallClock = {
  now(): Datetime {
    const ms = Date.now();
    const seconds = Math.floor(ms / 1000);
    return { seconds: BigInt(seconds), nanoseconds: (ms - seconds * 1000) * NS_PER_MS };
  },
  resolution: (): Datetime => ({ seconds: 0n, nanoseconds: NS_PER_MS }),
};
