/**
 * A state of the model: where each thread is, and what memory holds.
 *
 * Test code.
 */

import type { LocalNode } from "./thread.js";
import type { Value, World } from "./world.js";

/** What a thread does at its point in the program. */
export const RUNNING = 0;
export const BLOCKED = 1;
export const WOKEN = 2;

export interface State {
  nodes: LocalNode[];
  status: number[];
  /** For each thread: places that it listens to by `waitAsync`, and how many were notified but not yet called back. */
  listening: number[][];
  rings: number[];
  /** For each thread: event counts that it has loaded in this turn, as twice the place, plus 1 if it has gone up since. */
  tickets: number[][];
  values: Value[];
  /** For each plain place: the write, then the threads' reads; bits of the threads that have not seen it. */
  unknown: number[];
}

/** Something that the model finds wrong. */
export class ModelFault extends Error {}

export function firstState(nodes: LocalNode[]): State {
  const none = nodes.map(() => 0);
  return {
    nodes,
    status: [...none],
    listening: none.map(() => []),
    rings: [...none],
    tickets: none.map(() => []),
    values: [],
    unknown: [],
  };
}

export function copyState(state: State): State {
  return {
    nodes: [...state.nodes],
    status: [...state.status],
    listening: [...state.listening],
    rings: [...state.rings],
    tickets: [...state.tickets],
    values: [...state.values],
    unknown: [...state.unknown],
  };
}

export function valueAt(world: World, state: State, place: number): Value {
  return state.values[place] ?? (world.places[place]?.initial as Value);
}

export function setValue(world: World, state: State, place: number, value: Value): void {
  const { values } = state;
  while (values.length < place) values.push(world.places[values.length]?.initial as Value);
  values[place] = value;
}

/** States as text, equal for equal states. */
export class StateKeys {
  readonly #world: World;
  readonly #numbers = new Map<Value, number>();
  readonly #codes: number[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  of(state: State): string {
    const codes = this.#codes;
    codes.length = 0;
    for (let t = 0; t < state.nodes.length; t++) {
      const id = (state.nodes[t] as LocalNode).id;
      const listening = state.listening[t] as number[];
      const tickets = state.tickets[t] as number[];
      codes.push(id & 0xffff, id >>> 16, (state.status[t] as number) | ((state.rings[t] as number) << 2));
      codes.push(listening.length | (tickets.length << 8), ...listening, ...tickets);
    }
    let end = 0;
    const start = codes.length;
    for (const [place, value] of state.values.entries()) {
      const number = value === this.#world.places[place]?.initial ? 0 : this.#number(value);
      codes.push(number);
      if (number !== 0) end = place + 1;
    }
    codes.length = start + end;
    codes.push(0xffff);
    for (const bits of state.unknown)
      if (bits === 0) codes.push(0);
      else codes.push(1, bits & 0xffff, bits >>> 16);
    while (codes[codes.length - 1] === 0) codes.pop();
    return String.fromCharCode(...codes);
  }

  #number(value: Value): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#numbers.size + 1;
      if (number >= 0xffff) throw new Error("too many different values");
      this.#numbers.set(value, number);
    }
    return number;
  }
}
