/**
 * Explores every interleaving of a few threads' operations, breadth first, so that the first fault found has the shortest
 * trace.
 *
 * Test code. One step is one atomic operation of one thread with everything after it that no other thread can see:
 * plain reads and writes too. Leaving those out of the interleaving is sound because each is checked to be ordered by
 * happens-before against every access to the same place by another thread; a program without data races behaves as if its
 * plain accesses were steps of their own (ECMA-262, "Memory Model": sequential consistency of race-free programs).
 *
 * An atomic word that only one thread uses in the whole exploration is no step either. That is assumed of each word until a
 * second thread comes by; then all begins anew.
 *
 * Happens-before is kept as knowledge: for the last write of a place, and for each thread's last read of it, which threads
 * and which atomic words "know" of it. A store passes the storing thread's knowledge to the word, a load from the word to
 * the thread, a read-modify-write both ways. Bits are kept inverted: 0 says "knows".
 */

import type { LocalNode, ModelThread } from "./thread.js";
import type { Operation, Value, World } from "./world.js";

/** What a scenario's checks may look at. */
export interface View {
  word(array: object, index: number): number;
  note(name: string): number;
}

export interface Exploration {
  world: World;
  threads: ModelThread[];
  /**
   * Called where nothing goes on by itself any more and all threads have ended or sit in their event loop; says what is
   * wrong with that, or null.
   */
  rest?: (view: View) => string | null;
  /** Called before each operation on a place; says why it must not be done, or null. */
  guard?: (view: View, thread: string, operation: Operation, array: object, index: number) => string | null;
  maxStates?: number;
}

export interface Outcome {
  states: number;
  steps: number;
  /** Different runs from the beginning to an end, or Infinity where a loop makes them so. */
  runs: number;
  /** States in which nothing goes on by itself. */
  ends: number;
  fault: string | null;
  trace: string[];
  /** Scheduling steps of the trace. */
  depth: number;
}

/** Operations that are always a step of their own. */
const SLEEPING_KINDS = new Set<Operation["kind"]>(["wait", "waitAsync", "notify", "loop", "post", "take"]);

/** Operations that are never a step of their own. */
const PLAIN_KINDS = new Set<Operation["kind"]>(["read", "write", "reset", "note"]);

const NOWHERE: ReadonlySet<LocalNode> = new Set();

const RUNNING = 0;
const BLOCKED = 1;
const WOKEN = 2;

interface State {
  nodes: LocalNode[];
  status: number[];
  /** For each thread: places that it listens to by `waitAsync`, and how many were notified but not yet told. */
  listening: number[][];
  rings: number[];
  /** For each thread: event counts that it has loaded in this turn, as twice the place, plus 1 if it has gone up since. */
  tickets: number[][];
  values: Value[];
  /** For each plain place: the write, then the threads' reads; bits of who does not know of it. */
  unknown: number[];
}

interface Step {
  state: State;
  spurious: boolean;
  fault: string | null;
  log: string[];
}

const SHARED_AFTER_ALL = Symbol("shared after all");

class ModelFault extends Error {}

/** Explores it all, or up to the first fault. */
export function explore(exploration: Exploration): Outcome {
  const shared = new Set<number>();
  for (;;) {
    try {
      return new Explorer(exploration, shared).run();
    } catch (error) {
      // One more place turned out to be shared: what was explored so far took steps together that must be apart.
      if (error !== SHARED_AFTER_ALL) throw error;
    }
  }
}

class Explorer {
  readonly #world: World;
  readonly #threads: ModelThread[];
  readonly #exploration: Exploration;
  readonly #valueNumbers = new Map<Value, number>();
  readonly #ids = new Map<string, number>();
  readonly #codes: number[] = [];
  /** The knowledge bits of places. */
  readonly #bits: number[] = [];
  #bitsUsed: number;
  #logging = false;
  #log: string[] = [];
  #viewed: State | null = null;
  readonly #view: View;
  // The graph: where each state was reached from, and all edges.
  readonly #parents: number[] = [];
  readonly #parentSteps: number[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #counted: boolean[] = [];

  /** Atomic places that more than one thread uses, and the one user of each of the others. */
  readonly #shared: Set<number>;
  readonly #users: number[] = [];

  constructor(exploration: Exploration, shared: Set<number>) {
    this.#exploration = exploration;
    this.#shared = shared;
    this.#world = exploration.world;
    this.#threads = exploration.threads;
    this.#bitsUsed = this.#threads.length;
    this.#view = {
      word: (array, index) => this.#value(this.#viewed as State, this.#world.place(array, index)) as number,
      note: (name) => this.#value(this.#viewed as State, this.#world.notePlace(name)) as number,
    };
  }

  run(): Outcome {
    const { maxStates = 3_000_000 } = this.#exploration;
    const ends: number[] = [];
    let queue: State[] = [];
    const arrive = (step: Step, parent: number, index: number, into: State[]): Outcome | null => {
      if (step.fault !== null) return this.#found(step.fault, parent, index);
      const key = this.#key(step.state);
      let id = this.#ids.get(key);
      if (id === undefined) {
        id = this.#ids.size;
        this.#ids.set(key, id);
        this.#parents.push(parent);
        this.#parentSteps.push(index);
        into.push(step.state);
      }
      if (parent >= 0) {
        this.#from.push(parent);
        this.#to.push(id);
        this.#counted.push(!step.spurious);
      }
      return null;
    };
    for (const [index, step] of this.#beginnings().entries()) {
      const outcome = arrive(step, -1, index, queue);
      if (outcome !== null) return outcome;
    }
    let id = 0;
    while (queue.length > 0) {
      const next: State[] = [];
      for (const state of queue) {
        const steps = this.#steps(state);
        if (steps.every((step) => step.spurious)) {
          this.#viewed = state;
          const complaint = this.#unfinished(state) ?? this.#exploration.rest?.(this.#view) ?? null;
          if (complaint !== null) return this.#found(`everything stands still: ${complaint}`, id, -1);
          ends.push(id);
        }
        for (const [index, step] of steps.entries()) {
          const outcome = arrive(step, id, index, next);
          if (outcome !== null) return outcome;
        }
        id++;
        if (id > maxStates) throw new Error(`more than ${maxStates} states`);
      }
      queue = next;
    }
    const stuck = this.#cannotEnd(ends);
    if (stuck >= 0)
      return this.#found(
        stuck === 0
          ? "the threads run for ever and never get done"
          : "from here on the threads run for ever and never get done",
        stuck,
        -1,
      );
    return { ...this.#counts(), runs: this.#runs(ends), ends: ends.length, fault: null, trace: [], depth: 0 };
  }

  #counts(): { states: number; steps: number } {
    return { states: this.#ids.size, steps: this.#from.length };
  }

  #unfinished(state: State): string | null {
    const index = state.nodes.findIndex(({ operation }) => operation !== null && operation.kind !== "loop");
    return index < 0 ? null : `${this.#threads[index]?.name} waits for ever`;
  }

  // --- Steps ---

  #beginnings(): Step[] {
    const none = this.#threads.map(() => 0);
    let steps: Step[] = [
      {
        state: {
          nodes: this.#threads.map((thread) => thread.first),
          status: [...none],
          listening: none.map(() => []),
          rings: [...none],
          tickets: none.map(() => []),
          values: [],
          unknown: [],
        },
        spurious: false,
        fault: null,
        log: [],
      },
    ];
    for (let t = 0; t < this.#threads.length; t++) steps = steps.flatMap((step) => this.#settle(step, t));
    return steps;
  }

  /** All that can happen next. */
  #steps(state: State): Step[] {
    const steps: Step[] = [];
    for (let t = 0; t < this.#threads.length; t++) {
      const operation = state.nodes[t]?.operation ?? null;
      if (operation === null) continue;
      if (state.status[t] === BLOCKED) {
        if (operation.second !== Number.POSITIVE_INFINITY) this.#add(steps, state, t, "timed-out", true);
      } else if (operation.kind === "loop") {
        for (const event of operation.events) this.#add(steps, state, t, event, false);
        if ((state.rings[t] as number) > 0) this.#add(steps, state, t, "ring", false);
        if (operation.place >= 0 && this.#value(state, operation.place) !== "")
          this.#add(steps, state, t, "message", false);
        if (operation.first === 1) this.#add(steps, state, t, "tick", true);
      } else {
        this.#add(steps, state, t, null, false);
      }
    }
    return steps;
  }

  #add(steps: Step[], state: State, t: number, event: string | null, spurious: boolean): void {
    const next: State = {
      nodes: [...state.nodes],
      status: [...state.status],
      listening: [...state.listening],
      rings: [...state.rings],
      tickets: [...state.tickets],
      values: [...state.values],
      unknown: [...state.unknown],
    };
    this.#log = [];
    const step: Step = { state: next, spurious, fault: null, log: this.#log };
    try {
      this.#perform(next, t, event);
    } catch (error) {
      if (!(error instanceof ModelFault)) throw error;
      step.fault = error.message;
      steps.push(step);
      return;
    }
    for (const settled of this.#settle(step, t)) steps.push(settled);
  }

  /** Goes on with thread `t` through all that the others can't see; more than one way where it chooses. */
  #settle(step: Step, t: number, passed: ReadonlySet<LocalNode> = NOWHERE): Step[] {
    const state = step.state;
    this.#log = step.log;
    const seen = new Set(passed);
    for (;;) {
      const node = state.nodes[t] as LocalNode;
      const { operation } = node;
      if (operation === null) return [step];
      if (operation.kind === "fault") {
        step.fault = String(operation.first);
        return [step];
      }
      // A loop that only looks at what it alone uses, so far: the others must get their turn.
      if (seen.has(node)) return [step];
      seen.add(node);
      if (operation.kind === "choose") return this.#choices(step, t, operation.first as number, seen);
      if (!this.#unseen(operation)) return [step];
      try {
        this.#perform(state, t, null);
      } catch (error) {
        if (!(error instanceof ModelFault)) throw error;
        step.fault = error.message;
        return [step];
      }
    }
  }

  /** Whether an operation is none that another thread could see or disturb. */
  #unseen({ kind, place }: Operation): boolean {
    if (PLAIN_KINDS.has(kind)) return true;
    return place >= 0 && !SLEEPING_KINDS.has(kind) && !this.#shared.has(place);
  }

  /** Keeps track of who uses an atomic place. */
  #use(t: number, place: number): void {
    if (this.#shared.has(place)) return;
    const user = this.#users[place];
    this.#users[place] = t;
    if (user === undefined || user === t) return;
    this.#shared.add(place);
    throw SHARED_AFTER_ALL;
  }

  #choices(step: Step, t: number, ways: number, passed: ReadonlySet<LocalNode>): Step[] {
    const steps: Step[] = [];
    for (let choice = 0; choice < ways; choice++) {
      const state: State = {
        ...step.state,
        nodes: [...step.state.nodes],
        tickets: [...step.state.tickets],
        values: [...step.state.values],
        unknown: [...step.state.unknown],
      };
      this.#advance(state, t, choice);
      steps.push(...this.#settle({ ...step, state, log: [...step.log] }, t, passed));
    }
    return steps;
  }

  #advance(state: State, t: number, result: Value): void {
    const before = state.nodes[t] as LocalNode;
    const after = (this.#threads[t] as ModelThread).after(before, result);
    state.nodes[t] = after;
    // A turn's end: what it has loaded from event counts is forgotten.
    if (after.checkpoint !== before.checkpoint && (state.tickets[t] as number[]).length > 0) state.tickets[t] = [];
  }

  /** One operation of thread `t`; `event` is what the event loop brings, or how a wait ends. */
  #perform(state: State, t: number, event: string | null): void {
    const operation = (state.nodes[t] as LocalNode).operation as Operation;
    const { kind, place, first, second } = operation;
    if (place >= 0 && !PLAIN_KINDS.has(kind)) this.#use(t, place);
    this.#guard(state, t, operation);
    if (kind === "wait") {
      this.#wait(state, t, operation, event);
      return;
    }
    const old = place >= 0 ? this.#value(state, place) : 0;
    let result: Value = old;
    if (this.#world.places[place]?.counts === true) this.#count(state, t, operation);
    switch (kind) {
      case "load":
        this.#learn(state, t, place);
        break;
      case "store":
        this.#set(state, place, first);
        this.#teach(state, t, place);
        result = first;
        break;
      case "add":
      case "sub":
      case "and":
      case "or":
      case "xor":
      case "exchange":
        this.#learn(state, t, place);
        if (this.#world.places[place]?.counts !== true) {
          this.#set(state, place, arithmetic(kind, old as number, first as number));
        }
        this.#teach(state, t, place);
        break;
      case "compareExchange":
        this.#learn(state, t, place);
        if (old !== first) break;
        this.#set(state, place, second);
        this.#teach(state, t, place);
        break;
      case "waitAsync":
        this.#learn(state, t, place);
        result = this.#unchanged(state, t, operation) ? "async" : "not-equal";
        if (result === "async") state.listening[t] = [...(state.listening[t] as number[]), place];
        break;
      case "notify":
        result = this.#notify(state, place);
        break;
      case "read":
      case "write":
        result = this.#plain(state, t, operation, old);
        break;
      case "loop":
        result = event as string;
        if (event === "ring") (state.rings[t] as number)--;
        break;
      case "post":
        this.#learn(state, t, place);
        this.#set(state, place, `${old}${first};`);
        this.#teach(state, t, place);
        break;
      case "take": {
        this.#learn(state, t, place);
        const end = (old as string).indexOf(";");
        result = end < 0 ? -1 : Number((old as string).slice(0, end));
        if (end >= 0) this.#set(state, place, (old as string).slice(end + 1));
        break;
      }
      case "note":
      case "reset":
        this.#set(state, place, first);
        result = first;
        break;
    }
    if (this.#logging && kind !== "note") this.#log.push(this.#line(t, operation, result));
    this.#advance(state, t, result);
  }

  #wait(state: State, t: number, operation: Operation, event: string | null): void {
    const { place } = operation;
    const line = (text: string): void => {
      if (this.#logging) this.#log.push(this.#line(t, operation, text));
    };
    if (state.status[t] === RUNNING) {
      this.#learn(state, t, place);
      if (this.#unchanged(state, t, operation)) {
        state.status[t] = BLOCKED;
        line("falls asleep");
      } else {
        line("does not sleep: it changed");
        this.#advance(state, t, "not-equal");
      }
      return;
    }
    line(event === null ? "wakes up" : "the time is up");
    state.status[t] = RUNNING;
    this.#advance(state, t, event ?? "ok");
  }

  /** A load of an event count, or an addition to it. */
  #count(state: State, t: number, { kind, place, first }: Operation): void {
    if (kind === "load") {
      const others = (state.tickets[t] as number[]).filter((ticket) => ticket >> 1 !== place);
      state.tickets[t] = [...others, 2 * place].sort((a, b) => a - b);
    } else if (kind === "add" && first !== 0) {
      for (const [other, tickets] of state.tickets.entries()) {
        if (tickets.includes(2 * place))
          state.tickets[other] = tickets.map((ticket) => (ticket >> 1 === place ? ticket | 1 : ticket));
      }
    } else if (kind !== "notify" && kind !== "waitAsync") {
      throw new ModelFault(`${kind} of an event count`);
    }
  }

  /** Whether a word is what a `wait` or `waitAsync` expects. */
  #unchanged(state: State, t: number, { place, first }: Operation): boolean {
    if (this.#world.places[place]?.counts !== true) return this.#value(state, place) === first;
    const ticket = (state.tickets[t] as number[]).find((ticket) => ticket >> 1 === place);
    if (ticket === undefined) throw new ModelFault("a wait for an event count that was not loaded in the same turn");
    return (ticket & 1) === 0;
  }

  #notify(state: State, place: number): number {
    let woken = 0;
    for (let t = 0; t < this.#threads.length; t++) {
      if (state.status[t] === BLOCKED && state.nodes[t]?.operation?.place === place) {
        state.status[t] = WOKEN;
        woken++;
      }
      const listening = state.listening[t] as number[];
      const left = listening.filter((other) => other !== place);
      if (left.length === listening.length) continue;
      (state.rings[t] as number) += listening.length - left.length;
      woken += listening.length - left.length;
      state.listening[t] = left;
    }
    return woken;
  }

  #guard(state: State, t: number, operation: Operation): void {
    const guard = this.#exploration.guard;
    const place = this.#world.places[operation.place];
    if (guard === undefined || place === undefined) return;
    this.#viewed = state;
    const name = (this.#threads[t] as ModelThread).name;
    const complaint = guard(this.#view, name, operation, place.array, place.index);
    if (complaint === null) return;
    if (this.#logging) this.#log.push(this.#line(t, operation, this.#value(state, operation.place)));
    throw new ModelFault(complaint);
  }

  // --- Memory ---

  #value(state: State, place: number): Value {
    return state.values[place] ?? (this.#world.places[place]?.initial as Value);
  }

  #set(state: State, place: number, value: Value): void {
    const { values } = state;
    while (values.length < place) values.push(this.#world.places[values.length]?.initial as Value);
    values[place] = value;
  }

  #bit(place: number): number {
    let bit = this.#bits[place];
    if (bit === undefined) {
      const entry = this.#world.places[place];
      if (entry === undefined) throw new Error("no such place");
      if (entry.use === "plain") throw new ModelFault(`${entry.label} is used with Atomics and without`);
      entry.use = "atomic";
      if (this.#bitsUsed > 31) throw new Error("too many atomic words for the knowledge bits");
      bit = 1 << this.#bitsUsed++;
      this.#bits[place] = bit;
    }
    return bit;
  }

  /** Thread `t` gets the knowledge of a word. */
  #learn(state: State, t: number, place: number): void {
    const from = this.#bit(place);
    const threads = (1 << this.#threads.length) - 1;
    const { unknown } = state;
    for (let i = 0; i < unknown.length; i++) {
      if (((unknown[i] as number) & from) !== 0) continue;
      (unknown[i] as number) &= ~(1 << t);
      // What all threads know the words need not carry any more.
      if (((unknown[i] as number) & threads) === 0) unknown[i] = 0;
    }
  }

  /** A word gets the knowledge of thread `t`, and forgets what it had. */
  #teach(state: State, t: number, place: number): void {
    const to = this.#bit(place);
    const { unknown } = state;
    for (let i = 0; i < unknown.length; i++) {
      if (((unknown[i] as number) & (1 << t)) === 0) (unknown[i] as number) &= ~to;
      else (unknown[i] as number) |= to;
    }
  }

  #plain(state: State, t: number, operation: Operation, old: Value): Value {
    const place = this.#world.places[operation.place];
    if (place === undefined) throw new Error("no such place");
    if (place.use === "atomic") throw new ModelFault(`${place.label} is used with Atomics and without`);
    if (place.use === null) {
      place.use = "plain";
      place.rank = this.#world.plainPlaces++;
    }
    const width = this.#threads.length + 1;
    const base = place.rank * width;
    const { unknown } = state;
    while (unknown.length < base + width) unknown.push(0);
    const writing = operation.kind === "write";
    const race = (other: number): boolean => ((unknown[base + other] as number) & (1 << t)) !== 0;
    let complaint: string | null = null;
    if (race(0))
      complaint = `${place.label} is ${writing ? "overwritten" : "read"} without being sure of the last write`;
    for (let i = 1; writing && i < width; i++)
      if (race(i)) complaint = `${place.label} is overwritten while ${this.#threads[i - 1]?.name} may still read it`;
    if (complaint !== null) {
      if (this.#logging) this.#log.push(this.#line(t, operation, old));
      throw new ModelFault(complaint);
    }
    if (!writing) {
      unknown[base + 1 + t] = ~(1 << t);
      return old;
    }
    for (let i = 1; i < width; i++) unknown[base + i] = 0;
    unknown[base] = ~(1 << t);
    this.#set(state, operation.place, operation.first);
    return operation.first;
  }

  /** The state as text, equal for equal states. */
  #key(state: State): string {
    const codes = this.#codes;
    codes.length = 0;
    for (let t = 0; t < this.#threads.length; t++) {
      const id = (state.nodes[t] as LocalNode).id;
      const listening = state.listening[t] as number[];
      const tickets = state.tickets[t] as number[];
      codes.push(id & 0xffff, id >>> 16, (state.status[t] as number) | ((state.rings[t] as number) << 2));
      codes.push(listening.length | (tickets.length << 8), ...listening, ...tickets);
    }
    let end = 0;
    const start = codes.length;
    for (const [place, value] of state.values.entries()) {
      const number = value === this.#world.places[place]?.initial ? 0 : this.#valueNumber(value);
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

  #valueNumber(value: Value): number {
    let number = this.#valueNumbers.get(value);
    if (number === undefined) {
      number = this.#valueNumbers.size + 1;
      if (number >= 0xffff) throw new Error("too many different values");
      this.#valueNumbers.set(value, number);
    }
    return number;
  }

  // --- The graph ---

  /** A state from which no end can be reached without counting on time-outs, or -1. */
  #cannotEnd(ends: readonly number[]): number {
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

  /** How many ways lead through the graph, without time-outs and without steps that lead nowhere; Infinity with loops. */
  #runs(ends: readonly number[]): number {
    const count = this.#ids.size;
    const matters = (edge: number): boolean => this.#counted[edge] === true && this.#from[edge] !== this.#to[edge];
    const incoming = new Int32Array(count);
    for (let edge = 0; edge < this.#to.length; edge++)
      if (matters(edge)) (incoming[this.#to[edge] as number] as number)++;
    const { heads, order } = group(this.#from, count);
    const ways = new Float64Array(count);
    const ready: number[] = [];
    // States reached only by a time-out count as reached in no way.
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

  /** The outcome with a fault, with the trace that leads to state `parent` and on by its step `index` (-1: no further). */
  #found(fault: string, parent: number, index: number): Outcome {
    const path: number[] = index >= 0 ? [index] : [];
    for (let id = parent; id >= 0; id = this.#parents[id] as number) path.unshift(this.#parentSteps[id] as number);
    this.#logging = true;
    const trace: string[] = [];
    let step = this.#beginnings()[path[0] as number] as Step;
    trace.push(...step.log);
    for (const next of path.slice(1)) {
      step = this.#steps(step.state)[next] as Step;
      trace.push(...step.log);
    }
    return { ...this.#counts(), runs: 0, ends: 0, fault, trace, depth: path.length - 1 };
  }

  #line(t: number, operation: Operation, result: Value): string {
    const name = (this.#threads[t] as ModelThread).name;
    const place = this.#world.places[operation.place]?.label ?? "";
    return `${name}: ${describe(operation, place, result)}${operation.where === "" ? "" : `  (${operation.where})`}`;
  }
}

function arithmetic(kind: string, old: number, operand: number): number {
  if (kind === "add") return (old + operand) | 0;
  if (kind === "sub") return (old - operand) | 0;
  if (kind === "and") return old & operand;
  if (kind === "or") return old | operand;
  if (kind === "xor") return old ^ operand;
  return operand;
}

function describe(operation: Operation, place: string, result: Value): string {
  const { kind, first, second } = operation;
  switch (kind) {
    case "load":
    case "read":
      return `${kind} ${place} → ${result}`;
    case "store":
    case "write":
    case "reset":
      return `${kind} ${place} = ${first}`;
    case "compareExchange":
      return `compareExchange ${place} ${first} by ${second} → ${result}`;
    case "wait":
      return `wait ${place} while ${first}: ${result}`;
    case "waitAsync":
      return `waitAsync ${place} while ${first} → ${result}`;
    case "notify":
      return `notify ${place} → ${result} woken`;
    case "loop":
      return `event loop: ${result}`;
    case "post":
      return `post ${first} to ${place}`;
    case "take":
      return `take from ${place} → ${result}`;
    default:
      return `${kind} ${place} by ${first} → ${result}`;
  }
}

/** Edge numbers grouped by the state `of[edge]`: those of state i are `order[heads[i]]` up to before `order[heads[i + 1]]`. */
function group(of: readonly number[], count: number): { heads: Int32Array; order: Int32Array } {
  const heads = new Int32Array(count + 1);
  for (const id of of) (heads[id + 1] as number)++;
  for (let id = 0; id < count; id++) (heads[id + 1] as number) += heads[id] as number;
  const fill = heads.slice();
  const order = new Int32Array(of.length);
  for (const [edge, id] of of.entries()) order[(fill[id] as number)++] = edge;
  return { heads, order };
}
