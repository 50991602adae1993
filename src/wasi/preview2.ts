/**
 * Interfaces of preview2-shim, with the streams, pollables and errors of this package in place of the shim's: a
 * component accepts only one class for each.
 *
 * Each of the shim's classes gets a class of the same methods, which pass arguments and results on. Handles are
 * exchanged wherever they occur in values: alone, in lists and tuples, in options and variants.
 *
 * Runs on the calling thread.
 */

import { clocks, io } from "@bytecodealliance/preview2-shim";
import { IoError } from "./error-codes.js";
import { type EventSource, Pollable } from "./pollable.js";
import { DISPOSE } from "./resource.js";
import { InputStream, OutputStream, type StreamError } from "./streams.js";

/** A resource of the shim, of which only methods are known. */
// biome-ignore lint/suspicious/noExplicitAny: the shim's types are its own; its values are only passed on
type Methods = Record<PropertyKey, (...values: any[]) => any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
type Class = { new (...values: any[]): object; prototype: object };

/** An interface: its functions, and its classes. */
export type Interface = Readonly<Record<string, unknown>>;

/** By class of the shim: makes the handle that the guest gets. */
const makers = new Map<unknown, (original: Methods) => object>();
/** The handle of a resource of the shim, and the other way round. */
const handles = new WeakMap<object, object>();
const originals = new WeakMap<object, object>();

/** The interface as a component gets it that uses this package's `wasi:io`. */
export function adopt(shim: Interface): Interface {
  const all = Object.entries(shim);
  // Classes first: functions may return their resources.
  const classes = all.filter(isClass).map(([name, value]): [string, unknown] => [name, adoptClass(value as Class)]);
  const functions = all.filter((each) => !isClass(each)).map(([name, value]) => [name, adoptFunction(value)]);
  return Object.fromEntries([...classes, ...functions]);
}

function isClass([name, value]: [string, unknown]): boolean {
  return typeof value === "function" && /^[A-Z]/.test(name);
}

function adoptFunction(value: unknown): unknown {
  if (typeof value !== "function") return value;
  return (...values: unknown[]) => pass(() => value(...values.map(toShim)));
}

function adoptClass(original: Class): Class {
  const made = class {
    constructor(...values: unknown[]) {
      pair(new original(...values.map(toShim)), this);
    }
  };
  Object.defineProperty(made, "name", { value: original.name });
  for (const name of methodsOf(original.prototype)) {
    Object.defineProperty(made.prototype, name, {
      value(this: object, ...values: unknown[]) {
        return pass(() => (toShim(this) as Methods)[name]?.(...values.map(toShim)));
      },
    });
  }
  for (const name of methodsOf(original)) {
    const method = (original as unknown as Methods)[name];
    Object.defineProperty(made, name, { value: adoptFunction(method?.bind(original)) });
  }
  makers.set(original, () => Object.create(made.prototype) as object);
  return made;
}

function methodsOf(object: object): PropertyKey[] {
  return Reflect.ownKeys(object).filter(
    (name) => name !== "constructor" && typeof Object.getOwnPropertyDescriptor(object, name)?.value === "function",
  );
}

function pair(original: object, handle: object): object {
  handles.set(original, handle);
  originals.set(handle, original);
  return handle;
}

/** Returns the result or throws the failure of a call of the shim, with handles exchanged. */
function pass(call: () => unknown): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    throw toGuest(error);
  }
  return toGuest(result);
}

function toGuest(value: unknown): unknown {
  return exchange(value, (object) => {
    const known = handles.get(object);
    if (known !== undefined) return known;
    const make = makers.get(object.constructor);
    return make === undefined ? undefined : pair(object, make(object as Methods));
  });
}

function toShim(value: unknown): unknown {
  return exchange(value, (object) => originals.get(object));
}

/** `value` with `other(handle)` in place of each handle; `other` returns undefined for everything else. */
function exchange(value: unknown, other: (object: object) => object | undefined): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const exchanged = other(value);
  if (exchanged !== undefined) return exchanged;
  if (Array.isArray(value)) return value.map((each) => exchange(each, other));
  if ("tag" in value && "val" in value) return { tag: value.tag, val: exchange(value.val, other) };
  return value;
}

/**
 * `code`, a function of the shim that returns the code of a stream's error, for errors of this package. It returns
 * undefined for errors that are not the shim's or have no code.
 */
export function errorCodeFunction(code: unknown): (error: IoError) => unknown {
  return ({ cause }) => {
    if (!(cause instanceof io.error.Error)) return undefined;
    try {
      return (code as (error: unknown) => unknown)(cause);
    } catch {
      return undefined;
    }
  };
}

let ready: unknown = null;

/** A pollable of the shim that is always ready. */
function alwaysReady(): unknown {
  ready ??= clocks.monotonicClock.subscribeInstant(0n);
  return ready;
}

class ShimSource implements EventSource {
  readonly #pollable: Methods;

  constructor(pollable: Methods) {
    this.#pollable = pollable;
  }

  /** Asks `poll`, which does not block here: the shim's `ready` does not look whether input has been used up. */
  isReady(): boolean {
    const poll = io.poll.poll as unknown as (pollables: unknown[]) => Uint32Array;
    return poll([this.#pollable, alwaysReady()])[0] === 0;
  }

  pollEntry(): null {
    return null;
  }

  block(): void {
    this.#pollable.block?.();
  }

  drop(): void {
    this.#pollable[DISPOSE]?.();
  }
}

/** What the shim's streams share: a pollable, made at the first wait. */
class ShimWait {
  readonly #stream: Methods;
  #source: ShimSource | null = null;

  constructor(stream: Methods) {
    this.#stream = stream;
  }

  get source(): ShimSource {
    this.#source ??= new ShimSource(this.#stream.subscribe?.());
    return this.#source;
  }

  drop(): void {
    this.#source?.drop();
    this.#stream[DISPOSE]?.();
  }
}

class ShimInput extends InputStream {
  readonly #stream: Methods;
  readonly #wait: ShimWait;

  constructor(stream: Methods) {
    super();
    this.#stream = stream;
    this.#wait = new ShimWait(stream);
  }

  pollEntry(): null {
    return null;
  }

  block(): void {
    this.#wait.source.block();
  }

  protected take(max: number): Uint8Array | null {
    return openOrNull(() => this.#stream.read?.(BigInt(max)));
  }

  protected hasEvent(): boolean {
    return this.#wait.source.isReady();
  }

  protected release(): void {
    this.#wait.drop();
  }
}

class ShimOutput extends OutputStream {
  readonly #stream: Methods;
  readonly #wait: ShimWait;

  constructor(stream: Methods) {
    super();
    this.#stream = stream;
    this.#wait = new ShimWait(stream);
  }

  pollEntry(): null {
    return null;
  }

  block(): void {
    this.#wait.source.block();
  }

  protected room(): number | null {
    const permit = openOrNull(() => this.#stream.checkWrite?.() as bigint);
    return permit === null ? null : Math.max(Number(permit), 0); // the shim's is negative beyond its limit
  }

  protected put(contents: Uint8Array): boolean {
    return openOrNull(() => this.#stream.write?.(contents) ?? true) !== null;
  }

  protected hasEvent(): boolean {
    return this.#wait.source.isReady();
  }

  protected override sync(wait: boolean): boolean {
    return openOrNull(() => (wait ? this.#stream.blockingFlush?.() : this.#stream.flush?.()) ?? true) !== null;
  }

  protected release(): void {
    this.#wait.drop();
  }
}

/** What `call` of a stream of the shim returns; null if the stream is closed. Throws an `IoError` if it has failed. */
function openOrNull<T>(call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    const { tag, val } = error as StreamError & { val?: unknown };
    if (tag === "closed") return null;
    throw tag === "last-operation-failed" ? new IoError(val) : error;
  }
}

makers.set(io.streams.InputStream, (stream) => new ShimInput(stream));
makers.set(io.streams.OutputStream, (stream) => new ShimOutput(stream));
makers.set(io.poll.Pollable, (pollable) => new Pollable(new ShimSource(pollable)));
makers.set(io.error.Error, (error) => new IoError(error));
