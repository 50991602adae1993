/**
 * Happens-before: which threads and words come after which plain access, for the accesses that still matter.
 *
 * Test code. For the last write of a plain place, and for each thread's last read of it, a state has the bits of the threads
 * and the atomic words that do not come after it (so 0 means: all do). A store passes the storing thread's ordering on to the
 * word, a load the word's to the thread, a read-modify-write both ways; that is the synchronizes-with of ECMA-262.
 */

import { ModelFault } from "./state.js";
import type { World } from "./world.js";

export class Knowledge {
  readonly #world: World;
  readonly #names: readonly string[];
  /** The bits of atomic places; the bits of threads come first. */
  readonly #bits: number[] = [];
  #bitsUsed: number;

  constructor(world: World, threadNames: readonly string[]) {
    this.#world = world;
    this.#names = threadNames;
    this.#bitsUsed = threadNames.length;
  }

  /** A place is used with `Atomics`. */
  mark(place: number): void {
    const entry = this.#world.places[place];
    if (entry === undefined) throw new Error("no such place");
    if (entry.use === "plain") throw new ModelFault(`${entry.label} is used with Atomics and without`);
    entry.use = "atomic";
  }

  /** A load: whatever the word comes after, thread `t` now comes after too. */
  learn(unknown: number[], t: number, place: number): void {
    const from = this.#bit(place);
    const threads = (1 << this.#names.length) - 1;
    for (let i = 0; i < unknown.length; i++) {
      if (((unknown[i] as number) & from) !== 0) continue;
      (unknown[i] as number) &= ~(1 << t);
      // An access that all threads come after needs no bits for words.
      if (((unknown[i] as number) & threads) === 0) unknown[i] = 0;
    }
  }

  /** A store: the word now comes after exactly the accesses that thread `t` comes after. */
  teach(unknown: number[], t: number, place: number): void {
    const to = this.#bit(place);
    for (let i = 0; i < unknown.length; i++) {
      if (((unknown[i] as number) & (1 << t)) === 0) (unknown[i] as number) &= ~to;
      else (unknown[i] as number) |= to;
    }
  }

  /** Thread `t` reads or writes a plain place. Throws unless it comes after every conflicting access. */
  access(unknown: number[], t: number, index: number, writing: boolean): void {
    const place = this.#world.places[index];
    if (place === undefined) throw new Error("no such place");
    const { label } = place;
    if (place.use === "atomic") throw new ModelFault(`${label} is used with Atomics and without`);
    if (place.use === null) {
      place.use = "plain";
      place.rank = this.#world.plainPlaces++;
    }
    const width = this.#names.length + 1;
    const base = place.rank * width;
    while (unknown.length < base + width) unknown.push(0);
    const race = (access: number): boolean => ((unknown[base + access] as number) & (1 << t)) !== 0;
    if (race(0)) throw new ModelFault(`${label} is ${writing ? "overwritten" : "read"} unordered with the last write`);
    if (!writing) {
      unknown[base + 1 + t] = ~(1 << t);
      return;
    }
    for (let i = 1; i < width; i++) {
      if (race(i)) throw new ModelFault(`${label} is overwritten while ${this.#names[i - 1]} may still read it`);
      unknown[base + i] = 0;
    }
    unknown[base] = ~(1 << t);
  }

  #bit(place: number): number {
    let bit = this.#bits[place];
    if (bit === undefined) {
      if (this.#bitsUsed > 31) throw new Error("too many atomic words for the knowledge bits");
      bit = 1 << this.#bitsUsed++;
      this.#bits[place] = bit;
    }
    return bit;
  }
}
