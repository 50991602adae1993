/**
 * Checks of arguments: each returns the argument, or throws a `TypeError` or `RangeError` that names it.
 *
 * Used on the calling thread.
 */

import { isIP } from "node:net";

function describe(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value.slice(0, 60))
    : typeof value === "object"
      ? Object.prototype.toString.call(value)
      : String(value);
}

/** A whole number from `low` to `high`. */
export function integer(name: string, value: unknown, low: number, high: number): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, not ${describe(value)}`);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${name} must be a whole number from ${low} to ${high}, not ${value}`);
  }
  return value;
}

/** A port: 0 to 65535. */
export function port(name: string, value: unknown): number {
  return integer(name, value, 0, 65535);
}

/** A number of bytes, or Infinity. */
export function amount(name: string, value: unknown): number {
  if (value === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
  return integer(name, value, 0, Number.MAX_SAFE_INTEGER);
}

/** Half of a surrogate pair, which UTF-8 can't encode. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A non-empty string without NUL, at which the system would cut it off, and without lone surrogates, which the system
 * would get as another character.
 */
export function text(name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, not ${describe(value)}`);
  if (value === "") throw new RangeError(`${name} must not be empty`);
  if (value.includes("\0")) throw new RangeError(`${name} must not contain a NUL character`);
  if (LONE_SURROGATE.test(value)) throw new RangeError(`${name} must not contain a lone surrogate`);
  return value;
}

/** The path of a Unix domain socket; on Linux also an abstract name, which begins with NUL and contains no other. */
export function socketPath(name: string, value: unknown): string {
  if (typeof value !== "string" || !value.startsWith("\0")) return text(name, value);
  if (process.platform !== "linux")
    throw new RangeError(`${name} must not begin with NUL: only Linux has abstract names`);
  return `\0${text(`${name}, behind the NUL that makes it abstract,`, value.slice(1))}`;
}

export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be a boolean, not ${describe(value)}`);
  return value;
}

/** One of these strings. */
export function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  const message = `${name} must be one of ${choices.join(", ")}, not ${describe(value)}`;
  throw typeof value === "string" ? new RangeError(message) : new TypeError(message);
}

/** An object with options. */
export function options<T extends object>(name: string, value: T | undefined): T {
  if (typeof value !== "object" || value === null)
    throw new TypeError(`${name} must be an object, not ${describe(value)}`);
  return value;
}

/** The bytes of a string (UTF-8), a Uint8Array, or any other view; refuses a view of a detached buffer. */
export function bytes(name: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) {
    if (value.length === 0 && detached(value)) throw new TypeError(`${name} is a view of a detached buffer`);
    return value;
  }
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`${name} must be a string or a Uint8Array, not ${describe(value)}`);
}

function detached(view: Uint8Array): boolean {
  try {
    new Uint8Array(view.buffer); // throws on a detached buffer, on every version of Node
    return false;
  } catch {
    return true;
  }
}

/** An IP literal. */
export function ip(name: string, value: unknown): string {
  const literal = text(name, value);
  if (isIP(literal) === 0) throw new RangeError(`${name} must be an IP address, not ${describe(value)}`);
  return literal;
}

/** A power of two. */
export function powerOfTwo(name: string, value: unknown, low: number, high: number): number {
  const number = integer(name, value, low, high);
  if ((number & (number - 1)) !== 0) throw new RangeError(`${name} must be a power of two, not ${number}`);
  return number;
}

/**
 * The delay before the first keep-alive probe, in ms, rounded up to seconds as the system counts; at most 32,767 s on
 * Linux.
 */
export function keepAliveDelay(name: string, value: unknown): number {
  return Math.ceil(integer(name, value, 0, 32_767_000) / 1000) * 1000;
}
