/**
 * Explores every interleaving of a few threads' operations, breadth first, so that the first fault found has the shortest
 * trace.
 *
 * Test code. A step is one atomic operation of one thread and everything after it that no other thread can observe,
 * including plain reads and writes. Leaving those out of the interleaving is sound because each is checked to be ordered by
 * happens-before against every access to the same place by another thread; a program without data races behaves as if its
 * plain accesses were steps of their own (ECMA-262, "Memory Model": sequential consistency of race-free programs).
 *
 * An operation on an atomic word that only one thread uses in the whole exploration is not a step of its own either. Every word
 * is assumed to have one user until a second thread uses it; then the exploration starts again.
 */

import { StateGraph } from "./graph.js";
import { type Guard, Machine, SHARED_AFTER_ALL, type View } from "./machine.js";
import { BLOCKED, copyState, firstState, ModelFault, type State, StateKeys, valueAt } from "./state.js";
import type { LocalNode, ModelThread } from "./thread.js";
import type { World } from "./world.js";

export type { View } from "./machine.js";

export interface Exploration {
  world: World;
  threads: ModelThread[];
  /**
   * Called when no thread can continue by itself and all threads have ended or are in their event loop; returns what
   * is wrong with that, or null.
   */
  rest?: (view: View) => string | null;
  /** Called before each operation on a place. */
  guard?: Guard;
  /** Whether a wait with a timeout is certain to time out if no other thread wakes it first. */
  timely?: boolean;
  /** Names of threads that may be killed at any moment, without reporting it. */
  mortal?: readonly string[];
  /** Names of threads that may sleep forever in the end. */
  resting?: readonly string[];
  maxStates?: number;
}

export interface Outcome {
  states: number;
  steps: number;
  /** Number of different runs from the beginning to an end; Infinity if the graph has a loop. */
  runs: number;
  /** States in which no thread can continue by itself. */
  ends: number;
  fault: string | null;
  trace: string[];
  /** Scheduling steps of the trace. */
  depth: number;
}

/** What can happen next in a state: another state, or a fault. */
interface Step {
  state: State;
  spurious: boolean;
  fault: string | null;
  log: string[];
}

const NOWHERE: ReadonlySet<LocalNode> = new Set();

/** Explores every state, or stops at the first fault. */
export function explore(exploration: Exploration): Outcome {
  const shared = new Set<number>();
  for (;;) {
    try {
      return new Explorer(exploration, shared).run();
    } catch (error) {
      // A second thread uses a place: operations that were merged into one step so far must be separate steps.
      if (error !== SHARED_AFTER_ALL) throw error;
    }
  }
}

class Explorer {
  readonly #world: World;
  readonly #threads: ModelThread[];
  readonly #exploration: Exploration;
  readonly #machine: Machine;
  readonly #keys: StateKeys;
  readonly #graph = new StateGraph();
  #tracing = false;

  constructor(exploration: Exploration, shared: Set<number>) {
    this.#exploration = exploration;
    this.#world = exploration.world;
    this.#threads = exploration.threads;
    this.#machine = new Machine(exploration.world, exploration.threads, exploration.guard, shared);
    this.#keys = new StateKeys(exploration.world);
  }

  run(): Outcome {
    const { maxStates = 3_000_000 } = this.#exploration;
    const ends: number[] = [];
    let queue: State[] = [];
    // Takes the steps from a state; returns the number of the first that is a fault, or -1.
    const take = (steps: readonly Step[], from: number, into: State[]): number => {
      for (const [index, { state, spurious, fault }] of steps.entries()) {
        if (fault !== null) return index;
        if (this.#graph.arrive(this.#keys.of(state), from, index, !spurious)) into.push(state);
      }
      return -1;
    };
    const begin = this.#beginnings();
    const atOnce = take(begin, -1, queue);
    if (atOnce >= 0) return this.#found(begin[atOnce]?.fault as string, -1, atOnce);
    for (let id = 0; queue.length > 0; ) {
      const next: State[] = [];
      for (const state of queue) {
        const steps = this.#steps(state);
        if (steps.every((step) => step.spurious)) {
          const complaint = this.#unfinished(state) ?? this.#exploration.rest?.(this.#machine.view(state)) ?? null;
          if (complaint !== null) return this.#found(`deadlock: ${complaint}`, id, -1);
          ends.push(id);
        }
        const faulty = take(steps, id, next);
        if (faulty >= 0) return this.#found(steps[faulty]?.fault as string, id, faulty);
        if (++id > maxStates) throw new Error(`more than ${maxStates} states`);
      }
      queue = next;
    }
    const stuck = this.#graph.cannotEnd(ends);
    if (stuck >= 0) {
      return this.#found(`livelock: ${stuck === 0 ? "" : "from here on "}the threads never finish`, stuck, -1);
    }
    const { states, steps } = this.#graph;
    return { states, steps, runs: this.#graph.runs(ends), ends: ends.length, fault: null, trace: [], depth: 0 };
  }

  #unfinished(state: State): string | null {
    const { resting = [] } = this.#exploration;
    const index = state.nodes.findIndex(({ operation }, t) => {
      if (operation === null || operation.kind === "loop") return false;
      return !resting.includes((this.#threads[t] as ModelThread).name);
    });
    return index < 0 ? null : `${this.#threads[index]?.name} waits forever`;
  }

  #beginnings(): Step[] {
    const first = firstState(this.#threads.map((thread) => thread.first));
    let steps: Step[] = [{ state: first, spurious: false, fault: null, log: [] }];
    for (let t = 0; t < this.#threads.length; t++) steps = steps.flatMap((step) => this.#settle(step, t));
    return steps;
  }

  /** All that can happen next. */
  #steps(state: State): Step[] {
    const steps: Step[] = [];
    const { timely = false, mortal = [] } = this.#exploration;
    for (let t = 0; t < this.#threads.length; t++) {
      const operation = state.nodes[t]?.operation ?? null;
      if (operation === null) continue;
      if (mortal.includes((this.#threads[t] as ModelThread).name)) this.#kill(steps, state, t);
      if (state.status[t] === BLOCKED) {
        if (operation.second !== Number.POSITIVE_INFINITY) this.#add(steps, state, t, "timed-out", !timely);
      } else if (operation.kind === "loop") {
        for (const event of operation.events) this.#add(steps, state, t, event, false);
        if ((state.rings[t] as number) > 0) this.#add(steps, state, t, "ring", false);
        if (operation.place >= 0 && valueAt(this.#world, state, operation.place) !== "")
          this.#add(steps, state, t, "message", false);
        const other = operation.second as number;
        if (other >= 0 && valueAt(this.#world, state, other) !== "") this.#add(steps, state, t, "broadcast", false);
        if (operation.first === 1) this.#add(steps, state, t, "tick", true);
      } else {
        this.#add(steps, state, t, null, false);
      }
    }
    return steps;
  }

  #kill(steps: Step[], state: State, t: number): void {
    const step: Step = { state: copyState(state), spurious: true, fault: null, log: [] };
    this.#machine.log = this.#tracing ? step.log : null;
    this.#machine.kill(step.state, t);
    steps.push(step);
  }

  #add(steps: Step[], state: State, t: number, event: string | null, spurious: boolean): void {
    const step: Step = { state: copyState(state), spurious, fault: null, log: [] };
    if (this.#perform(step, t, event)) steps.push(...this.#settle(step, t));
    else steps.push(step);
  }

  /** Performs the operation of thread `t`; false if that is a fault. */
  #perform(step: Step, t: number, event: string | null): boolean {
    this.#machine.log = this.#tracing ? step.log : null;
    try {
      this.#machine.perform(step.state, t, event);
      return true;
    } catch (error) {
      if (!(error instanceof ModelFault)) throw error;
      step.fault = error.message;
      return false;
    }
  }

  /** Runs thread `t` on through the operations that no other thread can observe; returns one step for each of its choices. */
  #settle(step: Step, t: number, passed: ReadonlySet<LocalNode> = NOWHERE): Step[] {
    const state = step.state;
    const seen = new Set(passed);
    for (;;) {
      const node = state.nodes[t] as LocalNode;
      const { operation } = node;
      if (operation === null) return [step];
      if (operation.kind === "fault") {
        step.fault = String(operation.first);
        return [step];
      }
      // A loop over words that only this thread has used so far: the other threads must run too.
      if (seen.has(node)) return [step];
      seen.add(node);
      if (operation.kind === "choose") return this.#choices(step, t, operation.first as number, seen);
      if (!this.#machine.unseen(operation) || !this.#perform(step, t, null)) return [step];
    }
  }

  #choices(step: Step, t: number, ways: number, passed: ReadonlySet<LocalNode>): Step[] {
    const steps: Step[] = [];
    for (let choice = 0; choice < ways; choice++) {
      const chosen = { ...step, state: copyState(step.state), log: [...step.log] };
      this.#machine.advance(chosen.state, t, choice);
      steps.push(...this.#settle(chosen, t, passed));
    }
    return steps;
  }

  /** The outcome for a fault: its trace leads to state `id` and then takes the step `index` of that state (-1: none). */
  #found(fault: string, id: number, index: number): Outcome {
    const path = this.#graph.path(id);
    if (index >= 0) path.push(index);
    this.#tracing = true;
    let step = this.#beginnings()[path[0] as number] as Step;
    const trace = [...step.log];
    for (const next of path.slice(1)) {
      step = this.#steps(step.state)[next] as Step;
      trace.push(...step.log);
    }
    const { states, steps } = this.#graph;
    return { states, steps, runs: 0, ends: 0, fault, trace, depth: path.length - 1 };
  }
}
