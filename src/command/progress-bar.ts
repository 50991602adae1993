/**
 * Shows the progress of a download on one line of a terminal.
 *
 * Runs on the calling thread.
 */

/** A shorter download shows no progress. */
const QUIET_MS = 500;
const INTERVAL_MS = 100;
const WIDTH = 30;

export class ProgressBar {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #start: number;
  readonly #first: number;
  #shown: number;
  #length = 0;

  /** `first`: the bytes that the file already had. */
  constructor(write: (text: string) => void, first: number, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#first = first;
    this.#now = now;
    this.#start = now();
    this.#shown = this.#start + QUIET_MS - INTERVAL_MS;
  }

  /** Shows that `bytes` of `total` have arrived. `total` is null if it is unknown. */
  update(bytes: number, total: number | null): void {
    const time = this.#now();
    if (time < this.#shown + INTERVAL_MS) return;
    this.#shown = time;
    this.#show(bytes, total, time);
  }

  /** Shows the end of the download. */
  finish(bytes: number, total: number | null): void {
    if (this.#length === 0) return;
    this.#show(bytes, total, this.#now());
    this.#write("\n");
  }

  #show(bytes: number, total: number | null, time: number): void {
    const rate = (bytes - this.#first) / Math.max(0.001, (time - this.#start) / 1000);
    let text = `${amount(bytes)}`;
    if (total !== null && total > 0) {
      const share = Math.min(1, bytes / total);
      const filled = Math.round(share * WIDTH);
      const left = rate > 0 ? `, ${duration((total - bytes) / rate)} left` : "";
      const bar = `${String(Math.floor(share * 100)).padStart(3)}% [${"#".repeat(filled).padEnd(WIDTH, ".")}]`;
      text = `${bar} ${text} of ${amount(total)}, ${amount(rate)}/s${left}`;
    } else {
      text += `, ${amount(rate)}/s`;
    }
    this.#write(`\r${text.padEnd(this.#length)}`);
    this.#length = text.length;
  }
}

function amount(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return whole < 60 ? `${whole} s` : whole < 3600 ? `${Math.ceil(whole / 60)} min` : `${Math.ceil(whole / 3600)} h`;
}
