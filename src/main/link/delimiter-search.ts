/**
 * Finds a delimiter in bytes that arrive in pieces. It reads each byte once.
 *
 * Runs on the calling thread. The algorithm is Knuth, Morris and Pratt's (SIAM Journal on Computing 6, 1977): when a
 * match breaks off, a table gives how much of it may still be the beginning of another, so no byte is read again,
 * however the delimiter repeats itself. The only state between two pieces, or two calls, is how many bytes of the
 * delimiter have matched so far.
 */

/** After this many bytes in a row that do not begin the delimiter, `indexOf` finds the next one that does. */
const PATIENCE = 16;

export class DelimiterSearch {
  /** A copy: the caller's bytes may change between two calls. */
  readonly #delimiter: Uint8Array;
  /** For each length of a broken match: the length of the longest shorter match that its end still is. */
  readonly #fallback: Int32Array;
  /** The number of bytes searched. */
  #searched = 0;
  #matched = 0;
  #end = -1;

  /** `delimiter` has at least one byte. */
  constructor(delimiter: Uint8Array) {
    this.#delimiter = Uint8Array.from(delimiter);
    this.#fallback = fallbacksOf(this.#delimiter);
  }

  /** The number of bytes searched: the next piece begins after them. */
  get searched(): number {
    return this.#searched;
  }

  /** The number of bytes up to and including the delimiter, or -1 while it has not been found. */
  get end(): number {
    return this.#end;
  }

  /** Whether it searches for these bytes. */
  seeks(delimiter: Uint8Array): boolean {
    const own = this.#delimiter;
    return own.length === delimiter.length && Buffer.compare(own, delimiter) === 0;
  }

  /** Starts over, for other bytes. */
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
