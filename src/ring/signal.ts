/**
 * Two eventcounts (as Vyukov's, and folly's `EventCount`): `Signal` wakes a caller that blocks, `Doorbell` a networking
 * thread that waits in its event loop.
 *
 * Both follow one protocol. The sleeper (1) reads the counter, (2) announces that it waits, (3) checks its condition once
 * more, (4) waits on the counter's old value. The waker (a) publishes its news, (b) reads the
 * announcement, and if there is one clears it, (c) counts up, (d) notifies.
 *
 * Why no wake-up is lost: if (b) comes before (2) in the single order of all atomic operations, so does (a), and the
 * check (3) sees the news. If (b) comes after (2), the waker goes on to (c) and (d): either (c) comes before (4) and the
 * sleeper finds the counter changed and does not sleep, or it sleeps already and (d) wakes it.
 *
 * Of several wakers only the one that clears the announcement pays for a notify (40 to 70 ns even with no thread
 * asleep); the others see it gone, which means that a wake-up is on its way which comes after their news.
 */

import { DOORBELL, INTEREST, SIGNAL, SLEEPING } from "./layout.js";

/** Nothing: the caller is awake. */
export const AWAKE = 0;
/** The caller waits for news of any slot. */
export const ANYTHING = -1;

/** The caller's end: runs on the thread that calls, which may block. */
export class SignalSleeper {
  readonly #words: Int32Array;

  constructor(callerBlock: Int32Array) {
    this.#words = callerBlock;
  }

  /**
   * Steps 1 and 2: says that this thread is about to sleep until there is news of the slot with the handle id
   * `interest`, or of ANYTHING. Returns the ticket for `wait`. Its user must check its condition between the two.
   */
  prepareWait(interest: number): number {
    const ticket = Atomics.load(this.#words, SIGNAL); // partner: SignalWaker.#takeAndNotify (add)
    Atomics.store(this.#words, INTEREST, interest); // partner: SignalWaker.interest, SignalWaker.#takeAndNotify
    return ticket;
  }

  /** Step 4: sleeps until a waker comes or `milliseconds` are over. Returns at once if one came since `prepareWait`. */
  wait(ticket: number, milliseconds: number): void {
    Atomics.wait(this.#words, SIGNAL, ticket, milliseconds); // partner: SignalWaker.#takeAndNotify (notify)
  }

  /** Takes the announcement back. */
  cancelWait(): void {
    Atomics.store(this.#words, INTEREST, AWAKE); // partner: SignalWaker.#takeAndNotify
  }
}

/** The worker's end for one caller: runs on a networking thread. */
export class SignalWaker {
  readonly #words: Int32Array;

  constructor(callerBlock: Int32Array) {
    this.#words = callerBlock;
  }

  /** What the caller sleeps on: a handle id, ANYTHING, or 0 while it is awake. */
  get interest(): number {
    return Atomics.load(this.#words, INTEREST); // partner: SignalSleeper.prepareWait
  }

  /** Wakes the caller if it sleeps on the slot with this handle id or on anything. The news must be published. */
  wake(handleId: number): void {
    const { interest } = this;
    if (interest === AWAKE || (interest !== ANYTHING && interest !== handleId)) return;
    this.#takeAndNotify(interest);
  }

  /** Wakes the caller only if it sleeps on the slot with this handle id: news that no poller waits for. */
  wakeWaiting(handleId: number): void {
    const { interest } = this;
    if (interest === handleId) this.#takeAndNotify(interest);
  }

  /** Wakes the caller whatever it sleeps on: the networking thread itself has news. */
  wakeAnyway(): void {
    const { interest } = this;
    if (interest !== AWAKE) this.#takeAndNotify(interest);
  }

  #takeAndNotify(interest: number): void {
    // If another worker, or the caller itself, was faster, there is nothing left to wake. A caller that rose and lay
    // down again on the same interest in between has checked since our news; waking it then only costs it one more check.
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

  /** Wakes the networking thread if it said that it may sleep. The work must have been queued before. */
  ring(): void {
    if (Atomics.load(this.#words, SLEEPING) === 0) return; // partner: DoorbellSleeper.prepareWait
    if (Atomics.exchange(this.#words, SLEEPING, 0) === 0) return; // partner: DoorbellSleeper.prepareWait, DoorbellRinger.ring (another caller took it, and rings)
    Atomics.add(this.#words, DOORBELL, 1); // partner: DoorbellSleeper.#listen
    Atomics.notify(this.#words, DOORBELL); // partner: DoorbellSleeper.#listen
  }
}

/** The networking thread's end. It never blocks: it asks to be called. */
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
   * Steps 1, 2 and 4: call `prepareWait`, check for work once more, and if there is none go back to the event
   * loop.
   */
  prepareWait(): void {
    // Listening comes first. The other way round, a caller whose work was drained meanwhile could take the announcement
    // and count up before the counter is read: this thread would listen for the ring after that, and with SLEEPING = 0
    // no ring would come.
    this.#listen();
    Atomics.store(this.#words, SLEEPING, 1); // partner: DoorbellRinger.ring (load)
  }

  /** This thread checks for work by itself now: callers need not ring. */
  cancelWait(): void {
    Atomics.store(this.#words, SLEEPING, 0); // partner: DoorbellRinger.ring
  }

  #listen(): void {
    // One waiter is enough for any number of announcements: a ring after it was set up wakes it whatever the counter
    // was.
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
