/** What both contenders do, and how it is reported. */

export const ECHOES = 5000;
export const SMALL = "x".repeat(64);
export const FLOOD = 200_000;
export const LARGE = 300;
export const LARGE_BYTES = 1_000_000;

/**
 * Prints the result of a load that took `ms`.
 * @param {string | undefined} load
 * @param {number} ms
 */
export function report(load, ms) {
  if (load === "echo") console.log((ms * 1000) / ECHOES);
  if (load === "flood") console.log(FLOOD / ms);
  if (load === "large") console.log((LARGE * LARGE_BYTES) / ms / 1e6);
}
