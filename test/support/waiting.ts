/**
 * Waiting without an event loop: for tests whose thread blocks anyway.
 */

const unnotified = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for `milliseconds`. */
export function pause(milliseconds: number): void {
  Atomics.wait(unnotified, 0, 0, milliseconds); // no partner: no thread notifies
}

/** Looks until `look` gives something else than `undefined` or `false`, and returns that; throws after `timeout` ms. */
export function waitFor<T>(what: string, look: () => T | undefined | false, timeout = 10_000): T {
  const deadline = performance.now() + timeout;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found as T;
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${timeout} ms`);
    pause(2);
  }
}

/** What `action` returned, and how many ms it took. */
export function timed<T>(action: () => T): { value: T; milliseconds: number } {
  const start = performance.now();
  const value = action();
  return { value, milliseconds: performance.now() - start };
}

/** The middle one of some numbers. */
export function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}
