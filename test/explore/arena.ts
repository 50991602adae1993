/**
 * Explores the arena: every state that allocating and freeing can lead to, with a limit of pieces in use. Each step is checked
 * against the arena's contract.
 *
 * Test code. An arena has one thread, so there are no interleavings; but its states are finite.
 */

import type { Edit, Product } from "./product.js";
import { loadProduct } from "./product.js";
import { World } from "./world.js";

/** Bytes of a piece; the number does not matter. */
const PIECE = 8;
/** Bytes of a block before its first piece. */
const LEAD = 3;
/** Bytes behind its last piece. */
const TAIL = 5;

export interface ArenaPlan {
  /** Pieces in a block. */
  pieces: number;
  /** Most pieces in use at once. */
  most: number;
}

export interface ArenaOutcome {
  states: number;
  steps: number;
  fault: string | null;
  /** The shortest way to the fault: for each step the piece that was freed, or -1 for an allocation. */
  trace: number[];
}

type Arena = InstanceType<Product["Arena"]>;

const ALLOCATE = -1;

interface Use {
  memory: object;
  offset: number;
}

/** An arena and the owners of its pieces. */
class Tenancy {
  readonly uses = new Map<number, Use>();
  readonly #arena: Arena;
  readonly #pieces: number;
  readonly #blockBytes: number;
  /** Whether the arena must keep a block without a piece in use. */
  #kept = false;

  constructor(arena: Arena, pieces: number) {
    this.#arena = arena;
    this.#pieces = pieces;
    this.#blockBytes = LEAD + pieces * PIECE + TAIL;
  }

  /** All that the arena's behaviour depends on. */
  get key(): string {
    return JSON.stringify(this.#arena);
  }

  /** Performs a step; returns what is wrong with it, or null. */
  take(step: number): string | null {
    try {
      return (step === ALLOCATE ? this.#allocate() : this.#free(step)) ?? this.#check();
    } catch (error) {
      return String(error);
    }
  }

  #allocate(): string | null {
    const { bytes } = this.#arena;
    const full = this.uses.size === (bytes / this.#blockBytes) * this.#pieces;
    const piece = this.#arena.allocate();
    if (this.uses.has(piece)) return `piece ${piece} is handed out twice`;
    if (this.#arena.bytes > bytes && !full) return "memory is added while there is a free piece";
    const memory = this.#arena.memory(piece);
    if (!this.#inUse(memory)) this.#kept = false;
    this.uses.set(piece, { memory, offset: this.#arena.offset(piece) });
    return null;
  }

  #free(piece: number): string | null {
    const { memory } = this.uses.get(piece) as Use;
    this.#arena.free(piece);
    this.uses.delete(piece);
    if (!this.#inUse(memory)) this.#kept = true;
    return null;
  }

  #inUse(memory: object): boolean {
    return [...this.uses.values()].some((use) => use.memory === memory);
  }

  #check(): string | null {
    const taken = new Map<object, Set<number>>();
    for (const [piece, { memory, offset }] of this.uses) {
      if (this.#arena.memory(piece) !== memory) return `piece ${piece} lies in other memory than before`;
      if (this.#arena.offset(piece) !== offset) return `piece ${piece} lies elsewhere than before`;
      const { byteLength } = memory as { byteLength: number };
      if (offset < LEAD || (offset - LEAD) % PIECE !== 0 || offset + PIECE + TAIL > byteLength)
        return `piece ${piece} lies outside its block`;
      const offsets = taken.get(memory) ?? new Set();
      if (offsets.has(offset)) return `piece ${piece} lies where another lies`;
      taken.set(memory, offsets.add(offset));
    }
    const held = this.#arena.bytes / this.#blockBytes;
    const wanted = taken.size + (this.#kept ? 1 : 0);
    return held === wanted ? null : `${held} blocks are held, not ${wanted}`;
  }
}

export function exploreArena({ pieces, most }: ArenaPlan, edits: readonly Edit[] = []): ArenaOutcome {
  const smaller = { module: "ring/arena", find: /BLOCK_PIECES = \d+/, replace: `BLOCK_PIECES = ${pieces}` };
  const { Arena } = loadProduct(new World(), [smaller, ...edits]);
  const seen = new Set<string>();
  let steps = 0;
  let paths: number[][] = [[]];
  while (paths.length > 0) {
    const next: number[][] = [];
    for (const path of paths) {
      for (const step of stepsAfter(replay(path), most)) {
        const trace = [...path, step];
        const tenancy = replay(path);
        const fault = tenancy.take(step);
        steps++;
        if (fault !== null) return { states: seen.size, steps, fault, trace };
        if (seen.has(tenancy.key)) continue;
        seen.add(tenancy.key);
        next.push(trace);
      }
    }
    paths = next;
  }
  return { states: seen.size, steps, fault: null, trace: [] };

  function replay(path: readonly number[]): Tenancy {
    const tenancy = new Tenancy(new Arena(PIECE, { lead: LEAD, tail: TAIL }), pieces);
    for (const step of path) tenancy.take(step);
    return tenancy;
  }
}

function stepsAfter({ uses }: Tenancy, most: number): number[] {
  return uses.size < most ? [ALLOCATE, ...uses.keys()] : [...uses.keys()];
}

/** A trace in words. */
export function inWords(trace: readonly number[]): string {
  return trace.map((step) => (step === ALLOCATE ? "allocate" : `free ${step}`)).join(", ");
}
