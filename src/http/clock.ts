/**
 * The clock of budgets, idle connections and uploads.
 *
 * Runs on the calling thread. Fake timers replace `performance` or its methods; a blocked thread would then wait
 * forever.
 */

const { performance } = globalThis;

/** Milliseconds, by the clock as it was when this package was loaded. */
export const now: () => number = performance.now.bind(performance);
