/**
 * Closes handles that are garbage-collected.
 *
 * Runs on the calling thread, and needs its event loop: a `FinalizationRegistry` calls back only there. So a handle is registered when the
 * thread yields. Most are closed by then, and cost less: a registered one survives collections of the young generation.
 */

const registry = new FinalizationRegistry<() => void>((abandon) => abandon());

/** The guards of open handles that are not registered yet. */
const fresh: Guard[] = [];
let turnAhead = false;

/** Watches one handle. */
export class Guard {
  readonly #handle: object;
  readonly #abandon: () => void;
  /** Its place in `fresh`; -1 once the handle is registered. */
  #place: number;

  /** `abandon` is called when `handle` was collected, and must not refer to it. */
  constructor(handle: object, abandon: () => void) {
    this.#handle = handle;
    this.#abandon = abandon;
    this.#place = fresh.push(this) - 1;
    if (turnAhead) return;
    turnAhead = true;
    void Promise.resolve().then(Guard.#registerAll); // when the thread yields
  }

  /** The handle was closed. */
  end(): void {
    if (this.#place < 0) {
      registry.unregister(this);
      return;
    }
    const last = fresh.pop() as Guard;
    if (last === this) return;
    fresh[this.#place] = last;
    last.#place = this.#place;
  }

  static #registerAll(): void {
    turnAhead = false;
    for (const guard of fresh.splice(0)) {
      guard.#place = -1;
      registry.register(guard.#handle, guard.#abandon, guard);
    }
  }
}
