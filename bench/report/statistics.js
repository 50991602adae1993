/** Medians and spreads. */

/** @param {number[]} sorted @param {number} part */
function quantile(sorted, part) {
  const at = (sorted.length - 1) * part;
  const low = /** @type {number} */ (sorted[Math.floor(at)]);
  const high = /** @type {number} */ (sorted[Math.ceil(at)]);
  return low + (high - low) * (at - Math.floor(at));
}

/** @param {number[]} samples */
export const median = (samples) => summarize(samples).median;

/** @typedef {{ median: number, min: number, max: number, quartiles: [number, number], samples: number[] }} Summary */

/** @param {number[]} samples @returns {Summary} */
export function summarize(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
    quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
    samples,
  };
}
