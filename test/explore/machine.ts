/**
 * Performs the operations of the threads on a state, one at a time.
 *
 * Test code.
 */

import { Knowledge } from "./knowledge.js";
import { BLOCKED, ModelFault, RUNNING, type State, setValue, valueAt, WOKEN } from "./state.js";
import { LocalNode, type ModelThread } from "./thread.js";
import { describe } from "./wording.js";
import type { Operation, Value, World } from "./world.js";

/** What a scenario's checks can see. */
export interface View {
  word(array: object, index: number): number;
  note(name: string): number;
  /** Stores a number in the state, for a guard that depends on earlier steps. */
  remember(name: string, value: number): void;
}

/** Returns why an operation is not allowed, or null. */
export type Guard = (view: View, thread: string, operation: Operation, array: object, index: number) => string | null;

/** Thrown when a second thread uses a word that was assumed to have one user. */
export const SHARED_AFTER_ALL = Symbol("shared after all");

/** Operations that are always a step of their own. */
const SLEEPING_KINDS = new Set<Operation["kind"]>(["wait", "waitAsync", "notify", "loop", "post", "take"]);

/** Operations that are never a step of their own. */
const PLAIN_KINDS = new Set<Operation["kind"]>(["read", "write", "reset", "note"]);

/** The point of a killed thread. */
const NOWHERE = new LocalNode(0xffffffff, null, { root: null, cells: [], first: null }, []);

export class Machine {
  readonly #world: World;
  readonly #threads: readonly ModelThread[];
  readonly #guardian: Guard | undefined;
  readonly #knowledge: Knowledge;
  /** Atomic places that more than one thread uses, and the one user of each of the others. */
  readonly #shared: Set<number>;
  readonly #users: number[] = [];
  /** Where the lines of a trace go while one is written. */
  log: string[] | null = null;

  constructor(world: World, threads: readonly ModelThread[], guard: Guard | undefined, shared: Set<number>) {
    this.#world = world;
    this.#threads = threads;
    this.#guardian = guard;
    this.#shared = shared;
    this.#knowledge = new Knowledge(
      world,
      threads.map(({ name }) => name),
    );
  }

  /** A state for a scenario's checks. */
  view(state: State): View {
    return {
      word: (array, index) => this.#value(state, this.#world.place(array, index)) as number,
      note: (name) => this.#value(state, this.#world.notePlace(name)) as number,
      remember: (name, value) => this.#set(state, this.#world.notePlace(name), value),
    };
  }

  /** Whether no other thread can see or disturb an operation. */
  unseen({ kind, place }: Operation): boolean {
    if (PLAIN_KINDS.has(kind)) return true;
    return place >= 0 && !SLEEPING_KINDS.has(kind) && !this.#shared.has(place);
  }

  /** Moves thread `t` past its operation, which had this result. */
  advance(state: State, t: number, result: Value): void {
    const before = state.nodes[t] as LocalNode;
    const after = (this.#threads[t] as ModelThread).after(before, result);
    state.nodes[t] = after;
    // At the end of a turn the event counts that it has loaded are dropped.
    if (after.checkpoint !== before.checkpoint && (state.tickets[t] as number[]).length > 0) state.tickets[t] = [];
  }

  /** Ends thread `t` wherever it is, and notes that it was killed. */
  kill(state: State, t: number): void {
    state.nodes[t] = NOWHERE;
    state.status[t] = RUNNING;
    state.listening[t] = [];
    state.rings[t] = 0;
    state.tickets[t] = [];
    const { name } = this.#threads[t] as ModelThread;
    this.#set(state, this.#world.notePlace(`${name} was killed`), 1);
    this.log?.push(`${name}: is killed`);
  }

  /** One operation of thread `t`; `event` is what the event loop brings, or how a wait ends. */
  perform(state: State, t: number, event: string | null): void {
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
        this.#plain(state, t, operation);
        if (kind === "write") result = first;
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
    this.#line(t, operation, result);
    this.advance(state, t, result);
  }

  #wait(state: State, t: number, operation: Operation, event: string | null): void {
    const { place } = operation;
    if (state.status[t] === RUNNING) {
      this.#learn(state, t, place);
      if (this.#unchanged(state, t, operation)) {
        state.status[t] = BLOCKED;
        this.#line(t, operation, "falls asleep");
      } else {
        this.#line(t, operation, "does not sleep: it changed");
        this.advance(state, t, "not-equal");
      }
      return;
    }
    this.#line(t, operation, event === null ? "wakes up" : "the time is up");
    state.status[t] = RUNNING;
    this.advance(state, t, event ?? "ok");
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

  /** Keeps track of the threads that use an atomic place. */
  #use(t: number, place: number): void {
    if (this.#shared.has(place)) return;
    const user = this.#users[place];
    this.#users[place] = t;
    if (user === undefined || user === t) return;
    this.#shared.add(place);
    throw SHARED_AFTER_ALL;
  }

  #guard(state: State, t: number, operation: Operation): void {
    const place = this.#world.places[operation.place];
    if (this.#guardian === undefined || place === undefined) return;
    const name = (this.#threads[t] as ModelThread).name;
    const complaint = this.#guardian(this.view(state), name, operation, place.array, place.index);
    if (complaint === null) return;
    this.#line(t, operation, this.#value(state, operation.place));
    throw new ModelFault(complaint);
  }

  /** A read or write without `Atomics`. */
  #plain(state: State, t: number, operation: Operation): void {
    const writing = operation.kind === "write";
    try {
      this.#knowledge.access(state.unknown, t, operation.place, writing);
    } catch (fault) {
      this.#line(t, operation, this.#value(state, operation.place));
      throw fault;
    }
    if (writing) this.#set(state, operation.place, operation.first);
  }

  #value(state: State, place: number): Value {
    return valueAt(this.#world, state, place);
  }

  #set(state: State, place: number, value: Value): void {
    setValue(this.#world, state, place, value);
  }

  #learn(state: State, t: number, place: number): void {
    this.#knowledge.mark(place);
    // A word that only one thread uses gives it no new information.
    if (this.#shared.has(place)) this.#knowledge.learn(state.unknown, t, place);
  }

  #teach(state: State, t: number, place: number): void {
    this.#knowledge.mark(place);
    if (this.#shared.has(place)) this.#knowledge.teach(state.unknown, t, place);
  }

  #line(t: number, operation: Operation, result: Value): void {
    if (this.log === null || operation.kind === "note") return;
    const name = (this.#threads[t] as ModelThread).name;
    const place = this.#world.places[operation.place]?.label ?? "";
    const where = operation.where === "" ? "" : `  (${operation.where})`;
    this.log.push(`${name}: ${describe(operation, place, result)}${where}`);
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
