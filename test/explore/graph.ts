/**
 * The graph of all states met: how each was first reached, and which steps lead where.
 *
 * Test code.
 */

export class StateGraph {
  readonly #ids = new Map<string, number>();
  /** For each state: the one it was first reached from, or -1, and by which of that state's steps. */
  readonly #parents: number[] = [];
  readonly #parentSteps: number[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #counted: boolean[] = [];

  get states(): number {
    return this.#ids.size;
  }

  get steps(): number {
    return this.#from.length;
  }

  /**
   * Adds a step from state `parent` (-1: the beginning) to the state with this key; `counted` unless it is a step that no thread
   * may rely on. Returns whether the state is new.
   */
  arrive(key: string, parent: number, step: number, counted: boolean): boolean {
    let id = this.#ids.get(key);
    const fresh = id === undefined;
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(key, id);
      this.#parents.push(parent);
      this.#parentSteps.push(step);
    }
    if (parent >= 0) {
      this.#from.push(parent);
      this.#to.push(id);
      this.#counted.push(counted);
    }
    return fresh;
  }

  /** The steps that first led to a state. */
  path(state: number): number[] {
    const path: number[] = [];
    for (let id = state; id >= 0; id = this.#parents[id] as number) path.unshift(this.#parentSteps[id] as number);
    return path;
  }

  /** A state from which no end can be reached without relying on timeouts, or -1. */
  cannotEnd(ends: readonly number[]): number {
    const count = this.#ids.size;
    const { heads, order } = group(this.#to, count);
    const good = new Uint8Array(count);
    const stack = [...ends];
    for (const end of ends) good[end] = 1;
    while (stack.length > 0) {
      const id = stack.pop() as number;
      for (let i = heads[id] as number; i < (heads[id + 1] as number); i++) {
        const edge = order[i] as number;
        const before = this.#from[edge] as number;
        if (!this.#counted[edge] || good[before] === 1) continue;
        good[before] = 1;
        stack.push(before);
      }
    }
    return good.indexOf(0);
  }

  /** Number of paths through the graph, without timeouts and without steps that change nothing; Infinity if there is a loop. */
  runs(ends: readonly number[]): number {
    const count = this.#ids.size;
    const matters = (edge: number): boolean => this.#counted[edge] === true && this.#from[edge] !== this.#to[edge];
    const incoming = new Int32Array(count);
    for (let edge = 0; edge < this.#to.length; edge++)
      if (matters(edge)) (incoming[this.#to[edge] as number] as number)++;
    const { heads, order } = group(this.#from, count);
    const ways = new Float64Array(count);
    const ready: number[] = [];
    // No path leads to a state that is reached only by a timeout.
    for (let id = 0; id < count; id++) {
      if (this.#parents[id] === -1) ways[id] = 1;
      if (incoming[id] === 0) ready.push(id);
    }
    let seen = 0;
    while (ready.length > 0) {
      const id = ready.pop() as number;
      seen++;
      for (let i = heads[id] as number; i < (heads[id + 1] as number); i++) {
        const edge = order[i] as number;
        if (!matters(edge)) continue;
        const next = this.#to[edge] as number;
        (ways[next] as number) += ways[id] as number;
        if (--(incoming[next] as number) === 0) ready.push(next);
      }
    }
    if (seen < count) return Number.POSITIVE_INFINITY;
    return ends.reduce((sum, end) => sum + (ways[end] as number), 0);
  }
}

/** Edge numbers grouped by the state `of[edge]`: the edges of state i are `order[heads[i]]` up to before `order[heads[i + 1]]`. */
function group(of: readonly number[], count: number): { heads: Int32Array; order: Int32Array } {
  const heads = new Int32Array(count + 1);
  for (const id of of) (heads[id + 1] as number)++;
  for (let id = 0; id < count; id++) (heads[id + 1] as number) += heads[id] as number;
  const fill = heads.slice();
  const order = new Int32Array(of.length);
  for (const [edge, id] of of.entries()) order[(fill[id] as number)++] = edge;
  return { heads, order };
}
