/**
 * The memory that the explored threads share, as a model: arrays whose every access is an `Operation` that the explorer
 * performs one at a time, and an `Atomics` that goes with them.
 *
 * Test code, one thread: the "threads" are programs that `thread.ts` runs step by step.
 *
 * A place (a word, a byte, a channel) exists from its first access on, so an array may be as large as the product's.
 */

/** What a place can hold: words and bytes hold numbers, channels hold text. */
export type Value = number | string;

export type Kind =
  | "load"
  | "store"
  | "add"
  | "sub"
  | "and"
  | "or"
  | "xor"
  | "exchange"
  | "compareExchange"
  | "wait"
  | "waitAsync"
  | "notify"
  /** Accesses without `Atomics`; the explorer reports a data race between them as a fault. */
  | "read"
  | "write"
  /** One of `first` ways to go on, each of which is explored. */
  | "choose"
  /** Back in the event loop: one of `events`, or a resolved `waitAsync`, or a message. */
  | "loop"
  /** A message port. */
  | "post"
  | "take"
  /** A store without `Atomics` to a word that no other thread has yet: the scenario's guard checks that. */
  | "reset"
  /** A remark for the checks of a scenario, invisible to the programs. */
  | "note"
  /** The program found something wrong. */
  | "fault";

export interface Operation {
  readonly kind: Kind;
  /** Index in `World.places`, or -1. */
  readonly place: number;
  readonly first: Value;
  readonly second: Value;
  readonly events: readonly string[];
  /** Class and method of the product that does it, or of the driver. */
  where: string;
}

export interface Place {
  readonly label: string;
  readonly initial: Value;
  /** The array that it lies in, as the scenario got it. */
  readonly array: object;
  readonly index: number;
  /** Set by the first access: a place is used either with `Atomics` or without, never both. */
  use: "atomic" | "plain" | "free" | null;
  /** Number among the plain places. */
  rank: number;
  /** See `World.counter`. */
  counts: boolean;
}

interface ArrayShape {
  label: (index: number) => string;
  initial: (index: number) => Value;
  places: Map<number, number>;
}

/** Options of `words` and `bytes`. */
export interface ArrayOptions {
  label?: (index: number) => string;
  initial?: (index: number) => number;
}

const NO_EVENTS: readonly string[] = [];

/** Thrown by `World.fail`. */
export class ProgramFault extends Error {}

export class World {
  readonly places: Place[] = [];
  plainPlaces = 0;
  /** Objects that a snapshot of a program does not look into, and what stands in it for them. */
  readonly opaque = new WeakMap<object, string>();
  /** Performs an operation of the program that runs now; set by `ModelThread`. */
  perform: (operation: Operation) => Value = () => {
    throw new Error("no program runs");
  };
  /** Where the program that runs now keeps the callbacks of its `waitAsync` promises; set by `ModelThread`. */
  callbacks: (() => void)[] = [];
  /** The same for its `setImmediate`. */
  immediates: (() => void)[] = [];
  /** The same for the listeners of its message ports, its broadcast channel and its process, by the event's name. */
  listeners = new Map<string, (value: unknown) => void>();
  /** The product's "caller of this thread", and memory that it may allocate; the programs of such threads set it in each turn. */
  caller: { spare: object | null } | null = null;
  /** The actor that was made last. */
  newborn: object | null = null;
  readonly #letters: object[] = [];
  readonly #letterNumbers = new Map<string, number>();
  readonly #shapes = new WeakMap<object, ArrayShape>();
  readonly #channels = new Map<string, object>();
  readonly atomics: typeof Atomics;

  constructor() {
    this.opaque.set(this, "world");
    this.atomics = this.#makeAtomics();
  }

  /** Shared 32-bit words. */
  words(name: string, length: number, options: ArrayOptions = {}): Int32Array {
    return this.#array(name, length, 0, options, (value) => value | 0) as Int32Array;
  }

  /** Shared bytes; unwritten ones are 0xEE. */
  bytes(name: string, length: number): Uint8Array {
    return this.#array(name, length, 0xee, {}, (value) => value & 255) as Uint8Array;
  }

  /** Whether it is one of the arrays above. */
  isShared(value: unknown): boolean {
    return typeof value === "object" && value !== null && this.#shapes.has(value);
  }

  /** The place of one element, made if it is new. */
  place(array: object, index: number): number {
    const shape = this.#shapes.get(array);
    if (shape === undefined) throw new Error("an array that is not of the model");
    let place = shape.places.get(index);
    if (place === undefined) {
      place = this.places.length;
      shape.places.set(index, place);
      this.places.push({
        label: shape.label(index),
        initial: shape.initial(index),
        array,
        index,
        use: null,
        rank: -1,
        counts: false,
      });
    }
    return place;
  }

  /**
   * From now on a word is an event count: it only goes up, and what a thread has loaded from it serves only to tell, by `wait`
   * or `waitAsync` in the same turn, whether it has gone up since. Its value is left out of the states, which makes them far
   * fewer; a wrap-around through all 2³² values in between is not explored.
   */
  counter(array: object, index: number): void {
    (this.places[this.place(array, index)] as Place).counts = true;
  }

  /** One of the numbers 0 to `ways - 1`: all are explored. */
  choose(ways: number): number {
    return ways <= 1 ? 0 : (this.#do("choose", -1, ways) as number);
  }

  /**
   * Waits in the event loop for one of `events` (they can happen at any time), "ring" (a `waitAsync` was notified: call
   * `callback`), "immediate" (call `immediate`), "message" (there is one in `channel`), "broadcast" (there is one in `other`) or,
   * if asked for, "tick" (anything else that runs the loop, at any time, but never counted on).
   */
  loop(events: readonly string[], ticks: boolean, channel?: string, other?: string): string {
    const place = channel === undefined ? -1 : this.#channel(channel);
    const second = other === undefined ? -1 : this.#channel(other);
    const all = this.immediates.length > 0 ? [...events, "immediate"] : events;
    return this.#do("loop", place, ticks ? 1 : 0, second, all) as string;
  }

  /** Runs the callback of the `waitAsync` that was notified. */
  callback(): void {
    const callback = this.callbacks.shift();
    if (callback === undefined) throw new ProgramFault("a promise was resolved without a listener");
    callback();
  }

  /** Runs the oldest `setImmediate`. */
  immediate(): void {
    this.immediates.shift()?.();
  }

  post(channel: string, message: number): void {
    this.#do("post", this.#channel(channel), message);
  }

  /** The oldest message, or -1. */
  take(channel: string): number {
    return this.#do("take", this.#channel(channel)) as number;
  }

  /** A number to post for an object; the same for equal keys. */
  letter(key: string, object: object): number {
    let number = this.#letterNumbers.get(key);
    if (number === undefined) {
      number = this.#letters.push(object) - 1;
      this.#letterNumbers.set(key, number);
      this.opaque.set(object, `letter ${key}`);
    }
    return number;
  }

  /** The object that was posted as `letter`. */
  open(letter: number): object {
    return this.#letters[letter] ?? this.fail(`there is no letter ${letter}`);
  }

  /** Prepares a word of memory that no other thread has now. */
  reset(array: object, index: number, value: number): void {
    this.#do("reset", this.place(array, index), value);
  }

  /** Remembers something for the scenario's checks, in the same step as the atomic operation before it. */
  note(name: string, value: number): void {
    this.#do("note", this.notePlace(name), value);
  }

  notePlace(name: string): number {
    return this.#channel(`note ${name}`, 0);
  }

  fail(text: string): never {
    throw new ProgramFault(text);
  }

  /** Fails unless `actual` is what was expected. */
  expect(what: string, actual: Value | undefined, expected: Value): void {
    if (actual !== expected) this.fail(`${what} is ${actual}, not ${expected}`);
  }

  #do(kind: Kind, place: number, first: Value = 0, second: Value = 0, events = NO_EVENTS): Value {
    return this.perform({ kind, place, first, second, events, where: "" });
  }

  #channel(name: string, initial: Value = ""): number {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = {};
      this.#channels.set(name, channel);
      this.#shapes.set(channel, { label: () => name, initial: () => initial, places: new Map() });
    }
    return this.place(channel, 0);
  }

  #array(
    name: string,
    length: number,
    fill: number,
    options: ArrayOptions,
    coerce: (value: number) => number,
  ): unknown {
    const owner = this.#view(name, length, 0, coerce, () => owner);
    this.#shapes.set(owner, {
      label: options.label ?? ((index) => `${name}[${index}]`),
      initial: options.initial ?? (() => fill),
      places: new Map(),
    });
    return owner;
  }

  /** What looks like a typed array to the product; every element access is an operation on the array `owner()`. */
  #view(name: string, length: number, offset: number, coerce: (value: number) => number, owner: () => object): object {
    const element = (key: string | symbol): number => (typeof key === "string" && /^\d+$/.test(key) ? Number(key) : -1);
    const read = (index: number): Value => this.#do("read", this.place(owner(), offset + index));
    const write = (index: number, value: number): void => {
      if (index >= length) throw new RangeError(`element ${index} of ${length}`);
      this.#do("write", this.place(owner(), offset + index), coerce(value));
    };
    const methods: Record<string, unknown> = {
      length,
      byteLength: length,
      set: (source: ArrayLike<number>, start = 0) => {
        if (start + source.length > length) throw new RangeError("offset is out of bounds");
        for (let i = 0; i < source.length; i++) write(start + i, source[i] as number);
      },
      subarray: (begin = 0, end = length) => {
        const clamp = (index: number): number => Math.min(Math.max(index < 0 ? length + index : index, 0), length);
        const from = clamp(begin);
        return this.#view(name, Math.max(0, clamp(end) - from), offset + from, coerce, owner);
      },
    };
    const view: object = new Proxy(
      {},
      {
        get: (_, key) => {
          const index = element(key);
          if (index >= 0) return index < length ? read(index) : undefined;
          if (typeof key === "string" && key in methods) return methods[key];
          if (key === Symbol.iterator) return undefined; // array-like is enough for copying
          throw new Error(`the model's arrays have no ${String(key)}`);
        },
        set: (_, key, value) => {
          const index = element(key);
          // A typed array ignores keys that are not an index; the product never uses one.
          if (index < 0) throw new RangeError(`element ${String(key)} written`);
          write(index, value as number);
          return true;
        },
      },
    );
    this.opaque.set(view, `${name}[${offset}+${length}]`);
    return view;
  }

  #makeAtomics(): typeof Atomics {
    type Words = Int32Array;
    const one = (kind: Kind) => (words: Words, index: number, value: number) =>
      this.#do(kind, this.place(words, index), value | 0) as number;
    const atomics = {
      load: (words: Words, index: number) => this.#do("load", this.place(words, index)) as number,
      store: one("store"),
      add: one("add"),
      sub: one("sub"),
      and: one("and"),
      or: one("or"),
      xor: one("xor"),
      exchange: one("exchange"),
      compareExchange: (words: Words, index: number, expected: number, value: number) =>
        this.#do("compareExchange", this.place(words, index), expected | 0, value | 0) as number,
      wait: (words: Words, index: number, value: number, timeout = Number.POSITIVE_INFINITY) =>
        this.#do("wait", this.place(words, index), value | 0, timeout),
      waitAsync: (words: Words, index: number, value: number) => {
        const result = this.#do("waitAsync", this.place(words, index), value | 0);
        if (result !== "async") return { async: false, value: result };
        // The `then` of the product, without promises: the program's event loop calls it.
        // biome-ignore lint/suspicious/noThenProperty: that is what the product calls
        return { async: true, value: { then: (callback: () => void) => void this.callbacks.push(callback) } };
      },
      notify: (words: Words, index: number, count = Number.POSITIVE_INFINITY) => {
        if (count !== Number.POSITIVE_INFINITY) throw new Error("the model's notify wakes all");
        return this.#do("notify", this.place(words, index)) as number;
      },
    };
    return atomics as unknown as typeof Atomics;
  }
}
