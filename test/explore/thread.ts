/**
 * One explored thread: a program that is a deterministic function of the results of its operations.
 *
 * Test code. To make the step after a given one, the program's turn is run again from the last checkpoint with the
 * results recorded so far, until it asks for the next operation; there it is suspended by a throw. So the product's own
 * code runs, unchanged, one atomic operation at a time.
 *
 * A program runs in turns (say, one round of a waiting loop). Between turns its whole state lies in its fields and in the
 * fields of the product's objects: the thread then takes a snapshot, and two histories that lead to the same snapshot are
 * one from there on. That is what makes loops finite. A program must keep nothing in closures or in `#` fields.
 */

import type { Operation, Value, World } from "./world.js";
import { ProgramFault } from "./world.js";

export interface Program {
  /** Does a part of the work; false when all is done. */
  turn(): boolean;
}

/** A point in a program: what it asks for next. `null`: it has ended. */
export class LocalNode {
  readonly next = new Map<Value, LocalNode>();
  constructor(
    readonly id: number,
    readonly operation: Operation | null,
    readonly checkpoint: Checkpoint,
    /** Results since the checkpoint. */
    readonly results: readonly Value[],
  ) {}
}

interface Root {
  program: Program | null;
  callbacks: (() => void)[];
  immediates: (() => void)[];
  listeners: Map<string, (value: unknown) => void>;
}

/** An object of the program and what its fields were. */
type Cell =
  | { bytes: Uint8Array; object: Uint8Array }
  | { entries: [unknown, unknown][]; map: Map<unknown, unknown> }
  | { fields: Map<string, unknown>; object: Record<string, unknown> };

interface Checkpoint {
  root: Root | null;
  cells: Cell[];
  first: LocalNode | null;
}

const RESULT_KNOWN = new Set<Operation["kind"]>(["store", "write", "reset", "note"]);

const SUSPENDED = Symbol("suspended");

export class ModelThread {
  readonly name: string;
  readonly #world: World;
  readonly #start: () => Program;
  readonly #checkpoints = new Map<string, Checkpoint>();
  #nodes = 0;
  /** Where all histories of the program end. */
  #end: LocalNode | null = null;
  readonly first: LocalNode;

  /** `start` makes the program; what it does with shared memory counts as the program's first turn. */
  constructor(name: string, world: World, start: () => Program) {
    this.name = name;
    this.#world = world;
    this.#start = start;
    let first: LocalNode | null = null;
    this.#run({ root: null, cells: [], first: null }, [], (node) => {
      first = node;
    });
    this.first = first as unknown as LocalNode;
  }

  /** Distinct points that the program was seen at. */
  get size(): number {
    return this.#nodes;
  }

  /** The point after `node` when its operation has the given result. */
  after(node: LocalNode, result: Value): LocalNode {
    const known = node.next.get(result);
    if (known !== undefined) return known;
    this.#run(node.checkpoint, [...node.results, result], (next) => node.next.set(result, next));
    return node.next.get(result) as LocalNode;
  }

  #run(checkpoint: Checkpoint, results: readonly Value[], attach: (node: LocalNode) => void): void {
    const trail = [...results];
    let position = 0;
    let link = attach;
    const world = this.#world;
    const root = checkpoint.root ?? { program: null, callbacks: [], immediates: [], listeners: new Map() };
    restore(checkpoint.cells);
    world.callbacks = root.callbacks;
    world.immediates = root.immediates;
    world.listeners = root.listeners;
    const arrive = (operation: Operation): LocalNode => {
      const node = new LocalNode(this.#nodes++, operation, checkpoint, [...trail]);
      link(node);
      return node;
    };
    world.perform = (operation) => {
      if (position < trail.length) return trail[position++] as Value;
      operation.where = caller();
      const node = arrive(operation);
      // The result of a store is known: no need to stop here and run the turn once more.
      if (!RESULT_KNOWN.has(operation.kind)) throw SUSPENDED;
      link = (next) => node.next.set(operation.first, next);
      trail.push(operation.first);
      position++;
      return operation.first;
    };
    let again = true;
    try {
      if (root.program === null) root.program = this.#start();
      else again = root.program.turn();
    } catch (error) {
      if (error === SUSPENDED) return;
      const text = error instanceof ProgramFault ? error.message : String(error);
      arrive({ kind: "fault", place: -1, first: text, second: 0, events: [], where: "" });
      return;
    }
    if (!again) {
      this.#end ??= new LocalNode(this.#nodes++, null, checkpoint, []);
      link(this.#end);
      return;
    }
    const snapshot = takeSnapshot(root, world);
    let next = this.#checkpoints.get(snapshot.key);
    if (next === undefined) {
      next = { root, cells: snapshot.cells, first: null };
      this.#checkpoints.set(snapshot.key, next);
      const fresh = next;
      const before = link;
      this.#run(fresh, [], (node) => {
        fresh.first = node;
        before(node);
      });
    } else {
      if (next.first === null) throw new Error(`${this.name}: a turn without an operation leads back to itself`);
      link(next.first);
    }
  }
}

/** Everything that the program's later turns can depend on: as text that is equal for equal states, and in a form to restore. */
function takeSnapshot(root: Root, world: World): { key: string; cells: Cell[] } {
  const cells: Cell[] = [];
  const seen = new Map<object, number>();
  const key: string[] = [];
  const visit = (value: unknown): void => {
    const opaque = world.opaque.get(value as object);
    if (opaque !== undefined) key.push(opaque);
    else if (typeof value === "function") key.push(textOf(value));
    else if (typeof value !== "object" || value === null) key.push(`${typeof value}:${String(value)}`);
    else if (seen.has(value)) key.push(`@${seen.get(value)}`);
    else visitObject(value);
  };
  const visitObject = (value: object): void => {
    seen.set(value, seen.size);
    if (value instanceof Uint8Array) {
      key.push(`bytes:${value.join()}`);
      cells.push({ object: value, bytes: Uint8Array.from(value) });
      return;
    }
    if (value instanceof Map) {
      cells.push({ map: value, entries: [...value] });
      key.push("map");
      for (const part of [...value].flat()) visit(part);
      key.push("end");
      return;
    }
    if (value instanceof Set) throw new Error("a program keeps its state in plain fields");
    const proto = Object.getPrototypeOf(value);
    const object = value as Record<string, unknown>;
    const fields = new Map(Object.entries(object));
    cells.push({ object, fields });
    key.push(`{${proto?.constructor?.name}`);
    for (const [name, field] of fields) {
      key.push(name);
      visit(field);
    }
    key.push("}");
  };
  visit(root);
  return { key: key.join(" "), cells };
}

const functionTexts = new WeakMap<object, string>();

/** Closures with equal text count as equal: they capture only `this`, which is one object in all histories. */
function textOf(value: object): string {
  let text = functionTexts.get(value);
  if (text === undefined) {
    text = `function:${String(value)}`;
    functionTexts.set(value, text);
  }
  return text;
}

function restore(cells: readonly Cell[]): void {
  for (const cell of cells) {
    if ("bytes" in cell) {
      cell.object.set(cell.bytes);
      continue;
    }
    if ("entries" in cell) {
      cell.map.clear();
      for (const [key, value] of cell.entries) cell.map.set(key, value);
      continue;
    }
    const { object, fields } = cell;
    if (Array.isArray(object)) object.length = 0;
    else for (const name of Object.keys(object)) if (!fields.has(name)) delete object[name];
    for (const [name, value] of fields) object[name] = value;
  }
}

/** Class and method that asked for the operation: the product's where its code is on the stack, or else the driver's. */
function caller(): string {
  const lines = (new Error().stack ?? "").split("\n");
  const product = lines.find((line) => line.includes("(product/"));
  const line = product ?? lines.find((line) => line.includes("/scenarios/") || line.includes("/scenario."));
  const name = /^\s*at (?:new )?(?:get )?([\w$.]+)/.exec(line ?? "")?.[1] ?? "";
  return name.replace(/\._?takeAndNotify$/, ".takeAndNotify").replace("Function.", "");
}
