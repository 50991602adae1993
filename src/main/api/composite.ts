/**
 * A pollable in a poller: its last answer, and its sources.
 *
 * Runs on the calling thread. A pollable checks its sources before it names them, and they may become ready in between.
 * So each source is checked again when it is named (for writing, after interest in room was declared); if it is ready,
 * the pollable is asked once more.
 */

import { Deadline } from "../link/deadline.js";
import { READABLE, Watcher, WRITABLE } from "../link/watcher.js";
import { Handle } from "./handle.js";
import { interestBits } from "./interest.js";
import { isPollable, type Pollable, pollable, type Watch } from "./pollable.js";

/** When to ask a pollable again, in ms, that is not ready although one of its sources is. */
const RESTLESS_MS = 1;

/** Interests by their bits. */
const INTERESTS = [0, READABLE, WRITABLE, READABLE | WRITABLE].map((bits) =>
  Object.freeze({ readable: (bits & READABLE) !== 0, writable: (bits & WRITABLE) !== 0 }),
);

interface Source {
  readonly watcher: SourceWatcher;
  /** The round in which it was last named. */
  round: number;
}

/** Makes the poller ask a pollable again when one of its sources may be ready. */
class SourceWatcher extends Watcher {
  readonly #whole: Watcher;

  constructor(whole: Watcher) {
    super(whole.candidates, 0);
    this.#whole = whole;
  }

  override candidate(): void {
    this.#whole.candidate();
  }

  override handleClosed(): void {
    this.#whole.candidate();
  }
}

export class Composite {
  readonly object: Pollable;
  /** What it threw when it was last asked; null if nothing. */
  failure: { readonly error: unknown } | null = null;
  /** Its watcher in a `Poller`; null in `poll`. */
  readonly watcher: Watcher | null;
  readonly #sources = new Map<Handle, Source>();
  readonly #timers: Deadline[] = [];
  /** The handle that it returned. */
  #delegate: Handle | null = null;
  #round = 0;
  #ready = false;
  /** Whether a source was ready when it was named. */
  #sourceReady = false;

  constructor(object: Pollable, watcher: Watcher | null) {
    this.object = object;
    this.watcher = watcher;
  }

  get closed(): boolean {
    return this.object.closed === true || this.#delegate?.closed === true;
  }

  /** The answer to `ask`. */
  readyFor(_interest: number): boolean {
    return this.#ready;
  }

  reported(interest: number): void {
    this.#delegate?.reported(interest);
  }

  /** Milliseconds until it must be asked again even if nothing happens. */
  get left(): number {
    let left = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers) left = Math.min(left, timer.left);
    return left;
  }

  /** Asks whether it is ready; an error it throws becomes its `failure`. */
  ask(interest: number): void {
    this.failure = null;
    try {
      this.#ready = this.#ask(interest) || (this.#sourceReady && this.#ask(interest));
      if (!this.#ready && this.#sourceReady) this.#timers.push(new Deadline(RESTLESS_MS));
    } catch (error) {
      this.#ready = true;
      this.failure = { error };
    }
  }

  /** Stops watching its sources. */
  release(): void {
    for (const [handle, { watcher }] of this.#sources) handle.unwatch(watcher);
    this.#sources.clear();
    this.#timers.length = 0;
  }

  #ask(interest: number): boolean {
    this.#round++;
    this.#sourceReady = false;
    this.#timers.length = 0;
    this.#delegate = null;
    const answer = this.object[pollable](this.#watch, INTERESTS[interest] as (typeof INTERESTS)[number]);
    if (answer instanceof Handle) {
      this.#delegate = answer;
      this.#register(answer);
    } else if (typeof answer !== "boolean") {
      throw new TypeError(`[pollable]() must return a boolean or a handle, not ${typeof answer}`);
    }
    this.#dropUnnamed();
    return answer instanceof Handle ? answer.closed || answer.readyFor(interest) : answer;
  }

  readonly #watch: Watch = (source, interest) => {
    if (source instanceof Deadline) {
      if (source.expired) this.#sourceReady = true;
      else if (source.left !== Number.POSITIVE_INFINITY) this.#timers.push(source);
      return;
    }
    const bits = interestBits("interest", interest);
    if (source instanceof Handle) {
      this.#register(source);
      if (!source.closed && !source.readyFor(bits)) return;
      this.#sourceReady = true;
      source.reported(bits);
    } else if (isPollable(source)) {
      const answer = source[pollable](this.#watch, INTERESTS[bits] as (typeof INTERESTS)[number]);
      if (answer instanceof Handle) this.#watch(answer, interest);
      else if (answer || source.closed === true) this.#sourceReady = true;
    } else {
      throw new TypeError("source must be a handle, a pollable or a Deadline");
    }
  };

  #register(handle: Handle): void {
    if (this.watcher === null) return; // `poll` asks again after every wake-up
    const known = this.#sources.get(handle);
    if (known !== undefined) {
      known.round = this.#round;
      return;
    }
    const watcher = new SourceWatcher(this.watcher);
    this.#sources.set(handle, { watcher, round: this.#round });
    handle.watch(watcher);
  }

  #dropUnnamed(): void {
    for (const [handle, { watcher, round }] of this.#sources) {
      if (round === this.#round) continue;
      handle.unwatch(watcher);
      this.#sources.delete(handle);
    }
  }
}

/** The pollables of a poller that must be asked again at a certain time. */
export class TimedComposites {
  readonly #list = new Set<Composite>();

  /** Call it after `composite` was asked. */
  update(composite: Composite): void {
    if (composite.left === Number.POSITIVE_INFINITY) this.#list.delete(composite);
    else this.#list.add(composite);
  }

  delete(composite: Composite): void {
    this.#list.delete(composite);
  }

  /** Makes the ones whose time has come candidates. */
  makeCandidates(): void {
    for (const composite of this.#list) if (composite.left <= 0) composite.watcher?.candidate();
  }

  /** Milliseconds until the next one's time. */
  get left(): number {
    let left = Number.POSITIVE_INFINITY;
    for (const composite of this.#list) left = Math.min(left, composite.left);
    return left;
  }
}
