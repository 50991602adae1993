/**
 * Values that no caller should pass, for fast-check: of every type, objects whose members throw, and detached buffers.
 */

import fc from "fast-check";
import { Deadline } from "ringnet";

/** What hostile objects throw: an error of the caller's own, which must reach the caller unchanged. */
export class OwnError extends Error {
  name = "OwnError";
}

const fight = () => {
  throw new OwnError("a trap of the caller's");
};

function detached() {
  const bytes = new Uint8Array(16);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function shrunk(build) {
  const buffer = new ArrayBuffer(64, { maxByteLength: 128 });
  const view = build(buffer);
  buffer.resize(8);
  return view;
}

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

class Liar extends Uint8Array {
  get length() {
    return 1000;
  }
}

/** Each is made anew: some are changed by being used. */
const STRANGE = [
  () => undefined,
  () => null,
  () => Number.NaN,
  () => -0,
  () => 2 ** 31,
  () => 2 ** 53,
  () => -(2 ** 53),
  () => 0.5,
  () => 10n,
  () => Symbol("hostile"),
  () => Symbol.iterator,
  () => fight,
  () => class {},
  () => () => 5,
  () => new Proxy({}, { get: fight, has: fight, ownKeys: fight, getPrototypeOf: fight }),
  () => new Proxy({}, {}),
  () => new Proxy(new Uint8Array(8), {}),
  () => revoked({}),
  () => revoked([]),
  () => ({ toString: fight, valueOf: fight, [Symbol.toPrimitive]: fight }),
  () => ({
    get [Symbol.toStringTag]() {
      return fight();
    },
  }),
  () => Object.create(null),
  () => ({
    get host() {
      return fight();
    },
    get port() {
      return fight();
    },
  }),
  () => ({ valueOf: () => 7, toString: () => "7" }),
  () => new Number(7),
  () => new String("localhost"),
  () => new Date(),
  () => new Map([[1, 2]]),
  () => new WeakMap(),
  () => new Error("an argument"),
  () => Promise.resolve(1),
  () => /x/,
  () => detached(),
  () => shrunk((buffer) => new Uint8Array(buffer)),
  () => shrunk((buffer) => new Uint8Array(buffer, 16)),
  () => shrunk((buffer) => new Uint8Array(buffer, 16, 8)),
  () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
  () => new Uint8Array(new SharedArrayBuffer(8)),
  () => new DataView(new ArrayBuffer(4), 1),
  () => new Float64Array(3),
  () => new BigInt64Array(2),
  () => new ArrayBuffer(8),
  () => new SharedArrayBuffer(8),
  () => Buffer.alloc(0),
  () => new Liar(4),
  () => "",
  () => "\0",
  () => "a\0b",
  () => "\ud800",
  () => "x".repeat(100_000),
  () => [],
  () => [[[]]],
  () => new Array(5),
  () => process,
  () => globalThis,
];

/** A strange value in a box: fast-check itself fails on some of them. */
class Box {
  constructor(make) {
    this.make = make;
  }

  // What fast-check prints when a call fails.
  toString() {
    return String(this.make);
  }
}

/** Takes strange values out of their boxes, in lists and in options too. */
export function unboxed(value) {
  if (value instanceof Box) return value.make();
  if (Array.isArray(value)) return value.map(unboxed);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unboxed(each)]));
}

/** Anything at all. */
export const anything = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...STRANGE).map((make) => new Box(make)) },
  {
    weight: 2,
    arbitrary: fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
  },
);

/** Whether `allowed` accepts a value, or the contents of a box. */
const only = (allowed) => (value) => allowed(value instanceof Box ? value.make() : value);

/** Anything but a number that makes a call wait. */
export const timeout = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 5 }).map((ms) => new Box(() => new Deadline(ms))),
  anything.filter(only((value) => typeof value !== "number" || (value !== -1 && !(value > 5)))),
);

/** Whether a value names nothing on other machines or in the file system. */
export function namesNothing(value) {
  return typeof value !== "string" || value === "" || value.includes("\0") || value.length > 10_000;
}

/** Anything but a string, and strings that name no host beyond this machine: labels of a name have at most 63 characters. */
export const host = fc.oneof(
  fc.constantFrom(
    "127.0.0.1",
    "::1",
    "localhost",
    "0.0.0.0",
    "::",
    "127.0.0.1 ",
    "[::1]",
    "1.2.3",
    "::ffff:127.0.0.1",
    "127.1",
  ),
  fc.string().map((text) => `${text}${"x".repeat(70)}`),
  fc.string({ unit: "binary" }).map((text) => `${text}${"é".repeat(70)}`),
  anything.filter(only(namesNothing)),
);

/** A Unix socket's path in a folder of the test's own. */
export const path = (folder) =>
  fc.oneof(
    fc.string({ maxLength: 150 }).map((text) => `${folder}/${text.replaceAll("/", "-")}`),
    anything.filter(only(namesNothing)),
  );

/** Options, some of them valid. */
export function optionsOf(fields) {
  return fc.oneof(
    { weight: 5, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    {
      weight: 1,
      arbitrary: fc
        .record(fields, { requiredKeys: [] })
        .map((options) => new Box(() => new Proxy(unboxed(options), {}))),
    },
    {
      weight: 1,
      arbitrary: fc
        .record(fields, { requiredKeys: [] })
        .map((options) => new Box(() => Object.assign(() => {}, unboxed(options)))),
    },
    { weight: 1, arbitrary: anything },
  );
}
