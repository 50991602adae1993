/**
 * Two eventcounts (Vyukov; folly's `EventCount`): `Signal` wakes a caller that blocks, `Doorbell` a networking
 * thread that waits in its event loop.
 *
 * Both follow one protocol. The sleeper (1) reads the counter, (2) announces that it waits, (3) checks its condition
 * once more, (4) waits on the counter's old value. The waker (a) publishes its news, (b) reads the announcement, and if
 * there is one clears it, (c) counts up, (d) notifies.
 *
 * Why no wake-up is lost: if (b) comes before (2) in the single order of all atomic operations, so does (a), and the
 * check (3) sees the news. If (b) comes after (2), the waker goes on to (c) and (d): either (c) comes before (4) and
 * the sleeper finds the counter changed and does not sleep, or it sleeps already and (d) wakes it.
 *
 * Of several wakers only the one that clears the announcement pays for a notify (40 to 70 ns even with no thread
 * asleep). The others find it cleared, so a wake-up that comes after their news is on its way.
 */

import { DOORBELL, INTEREST, SIGNAL, SLEEPING } from "./layout.js";

/** The caller is awake, and waits for nothing. */
export const AWAKE = 0;
/** The caller waits for news of any slot. */
export const ANYTHING = -1;

/** The caller's end: runs on the calling thread, which may block. */
export class SignalSleeper {
  readonly #words: Int32Array;

  constructor(callerBlock: Int32Array) {
    this.#words = callerBlock;
  }

  /**
   * Steps 1 and 2: announces that this thread is about to sleep until there is news of the slot with the handle id
   * `interest`, or of ANYTHING. Returns the ticket for `wait`. Check the condition between the two calls.
   */
  prepareWait(interest: number): number {
    const ticket = Atomics.load(this.#words, SIGNAL); // partner: SignalWaker.#takeAndNotify (add)
    Atomics.store(this.#words, INTEREST, interest); // partner: SignalWaker.interest, SignalWaker.#takeAndNotify
    return ticket;
  }

  /** Step 4: sleeps until a wake-up, or for `milliseconds`. Returns immediately if one came since `prepareWait`. */
  wait(ticket: number, milliseconds: number): void {
    Atomics.wait(this.#words, SIGNAL, ticket, milliseconds); // partner: SignalWaker.#takeAndNotify (notify)
  }

  /** Withdraws the announcement. */
  cancelWait(): void {
    Atomics.store(this.#words, INTEREST, AWAKE); // partner: SignalWaker.#takeAndNotify
  }
}

/** The networking thread's end for one caller. `cancel` uses it on any thread. */
export class SignalWaker {
  readonly #words: Int32Array;

  constructor(callerBlock: Int32Array) {
    this.#words = callerBlock;
  }

  /** What the caller sleeps on: a handle id, ANYTHING, or 0 while it is awake. */
  get interest(): number {
    return Atomics.load(this.#words, INTEREST); // partner: SignalSleeper.prepareWait
  }

  /** Wakes the caller only if it sleeps on the slot with this handle id. The news must have been published. */
  wakeWaiting(handleId: number): void {
    const { interest } = this;
    if (interest === handleId) this.#takeAndNotify(interest);
  }

  /** Wakes the caller whatever it sleeps on. The news must have been published. */
  wakeAnyway(): void {
    const { interest } = this;
    if (interest !== AWAKE) this.#takeAndNotify(interest);
  }

  #takeAndNotify(interest: number): void {
    // If another worker, or the caller itself, was faster, there is nothing left to wake. A caller that woke and went
    // back to sleep on the same interest in between has checked since our news; waking it again only costs one check.
    if (Atomics.compareExchange(this.#words, INTEREST, interest, AWAKE) !== interest) return; // partner: SignalSleeper.cancelWait, SignalWaker.#takeAndNotify
    Atomics.add(this.#words, SIGNAL, 1); // partner: SignalSleeper.prepareWait (load)
    Atomics.notify(this.#words, SIGNAL); // partner: SignalSleeper.wait
  }
}

/** The caller's end of a networking thread's doorbell. */
export class DoorbellRinger {
  readonly #words: Int32Array;

  constructor(workerBlock: Int32Array) {
    this.#words = workerBlock;
  }

  /** Wakes the networking thread if it has announced that it may sleep. The work must have been queued before. */
  ring(): void {
    if (Atomics.load(this.#words, SLEEPING) === 0) return; // partner: DoorbellSleeper.prepareWait
    // Another caller may have cleared it first; then that one rings.
    if (Atomics.exchange(this.#words, SLEEPING, 0) === 0) return; // partner: DoorbellSleeper.prepareWait, DoorbellRinger.ring
    Atomics.add(this.#words, DOORBELL, 1); // partner: DoorbellSleeper.#listen
    Atomics.notify(this.#words, DOORBELL); // partner: DoorbellSleeper.#listen
  }
}

/** The networking thread's end. It never blocks; a ring calls a function in its event loop. */
export class DoorbellSleeper {
  readonly #words: Int32Array;
  readonly #onRing: () => void;
  #listening = false;

  /** `onRing` is called in the networking thread's event loop after a ring. */
  constructor(workerBlock: Int32Array, onRing: () => void) {
    this.#words = workerBlock;
    this.#onRing = onRing;
  }

  /**
   * Steps 1, 2 and 4: call `prepareWait`, check for work once more, and if there is none return to the event loop.
   */
  prepareWait(): void {
    // Listening comes first. In the other order, a caller whose work was already drained could clear the announcement
    // and increment the counter before the counter is read: this thread would then listen for the ring after that one,
    // and with SLEEPING = 0 no ring would come.
    this.#listen();
    Atomics.store(this.#words, SLEEPING, 1); // partner: DoorbellRinger.ring (load)
  }

  /** From now on this thread checks for work by itself: callers need not ring. */
  cancelWait(): void {
    Atomics.store(this.#words, SLEEPING, 0); // partner: DoorbellRinger.ring
  }

  #listen(): void {
    // One waiter is enough for any number of announcements: any ring after it was set up wakes it.
    while (!this.#listening) {
      const seen = Atomics.load(this.#words, DOORBELL); // partner: DoorbellRinger.ring (add)
      const result = Atomics.waitAsync(this.#words, DOORBELL, seen); // partner: DoorbellRinger.ring (notify)
      if (!result.async) continue; // rung between the two lines
      this.#listening = true;
      result.value.then(() => {
        this.#listening = false;
        this.#onRing();
      });
    }
  }
}
