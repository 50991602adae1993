/**
 * An exponential moving average of durations, which decides whether to poll or spin. An outlier counts as `longest` at
 * most.
 *
 * Used on both sides.
 */

/** Weight of the newest value. */
const NEWEST = 0.25;

export class MovingAverage {
  /** In the unit of the values. */
  value: number;

  constructor(first: number) {
    this.value = first;
  }

  add(value: number, longest: number): void {
    this.value += NEWEST * (Math.min(value, longest) - this.value);
  }
}
