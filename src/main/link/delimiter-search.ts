/**
 * Finds a delimiter in bytes that arrive in pieces, each byte looked at once.
 *
 * Runs on the calling thread. The algorithm is Knuth, Morris and Pratt's (SIAM Journal on Computing 6, 1977): where a match breaks off,
 * a table says how much of it may still be the beginning of another, so no byte is read again, however the delimiter repeats itself.
 * What is between two pieces, or between two calls, is a number: how much of the delimiter has been matched so far.
 */

/** After so many bytes in a row that do not begin the delimiter, the next one that does is left to the engine to find. */
const PATIENCE = 16;

export class DelimiterSearch {
  /** A copy: the caller's bytes may change between two calls. */
  readonly #delimiter: Uint8Array;
  /** For each length of a broken match: the longest shorter one that its end still matches. */
  readonly #fallback: Int32Array;
  /** Bytes that were looked at. */
  #searched = 0;
  #matched = 0;
  #end = -1;

  /** `delimiter` has at least one byte. */
  constructor(delimiter: Uint8Array) {
    this.#delimiter = Uint8Array.from(delimiter);
    this.#fallback = fallbacksOf(this.#delimiter);
  }

  /** Bytes that were looked at: the next piece begins behind them. */
  get searched(): number {
    return this.#searched;
  }

  /** Bytes up to and with the delimiter, or -1 while it has not been found. */
  get end(): number {
    return this.#end;
  }

  /** Whether it looks for these bytes. */
  seeks(delimiter: Uint8Array): boolean {
    const own = this.#delimiter;
    return own.length === delimiter.length && Buffer.compare(own, delimiter) === 0;
  }

  /** Begins again: other bytes come now. */
  restart(): void {
    this.#searched = 0;
    this.#matched = 0;
    this.#end = -1;
  }

  /** Searches the next bytes, until the delimiter is complete. */
  advance(piece: Uint8Array): void {
    if (this.#end >= 0) return;
    const delimiter = this.#delimiter;
    const fallback = this.#fallback;
    const first = delimiter[0] as number;
    let matched = this.#matched;
    let misses = 0;
    let at = 0;
    for (; at < piece.length && matched < delimiter.length; at++) {
      const byte = piece[at];
      while (matched > 0 && byte !== delimiter[matched]) matched = fallback[matched] as number;
      if (byte === delimiter[matched]) {
        matched++;
        misses = 0;
      } else if (++misses > PATIENCE) {
        misses = 0;
        const next = piece.indexOf(first, at + 1);
        at = (next < 0 ? piece.length : next) - 1;
      }
    }
    this.#searched += at;
    this.#matched = matched;
    if (matched === delimiter.length) this.#end = this.#searched;
  }
}

function fallbacksOf(delimiter: Uint8Array): Int32Array {
  const fallback = new Int32Array(delimiter.length);
  let matched = 0;
  for (let length = 1; length < delimiter.length; length++) {
    fallback[length] = matched;
    const byte = delimiter[length];
    while (matched > 0 && byte !== delimiter[matched]) matched = fallback[matched] as number;
    if (byte === delimiter[matched]) matched++;
  }
  return fallback;
}
