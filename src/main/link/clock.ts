/**
 * The clock of deadlines.
 *
 * Runs on the calling thread. Fake timers replace `performance` or its methods; a thread that blocks would then wait for ever.
 */

const { performance } = globalThis;

/** Milliseconds by the clock that was there when this package was loaded. */
export const now: () => number = performance.now.bind(performance);
