/**
 * Copies of TLS options, by which connections are kept: the program may change the originals, also arrays and bytes
 * within them.
 *
 * Runs on the calling thread.
 */

import { checkTlsOptions, type TlsOptions } from "../main/index.js";

/** The latest copies: a client's options are the same for every request. */
const copies = new WeakMap<TlsOptions, TlsOptions>();

/** A checked copy; the same one until the options change. Throws a `TypeError` or `RangeError` that names the option. */
export function tlsCopy(tls: TlsOptions): TlsOptions {
  if (typeof tls !== "object") throw new TypeError("tls must be an object");
  const known = copies.get(tls);
  if (known !== undefined && sameFields(known, tls)) return known;
  checkTlsOptions(tls);
  const copy = Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, copyOf(value)]));
  copies.set(tls, copy);
  return copy;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  return ArrayBuffer.isView(value) ? Buffer.from(bytesOf(value)) : value;
}

/** Whether two objects have the same properties with the same contents: of lists and bytes too. */
export function sameFields(a: object | null | undefined, b: object | null | undefined): boolean {
  if (a === b) return true;
  if (a == null || b == null) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const other = b as Record<string, unknown>;
  return names.every((name) => Object.hasOwn(b, name) && same((a as Record<string, unknown>)[name], other[name]));
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, i) => same(each, b[i]));
  if (ArrayBuffer.isView(a)) return ArrayBuffer.isView(b) && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
  return Object.is(a, b);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
