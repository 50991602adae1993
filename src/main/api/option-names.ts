/**
 * The allowed names of options. Any other name is refused, because an option without effect would mislead.
 *
 * Used on the calling thread.
 */

import * as check from "./arguments.js";

/** Every name that an object of type `T` may have. */
export type Names<T> = Record<keyof T & string, true>;

/** What to write instead, by the unknown name. */
export type Hints = Readonly<Record<string, string>>;

/**
 * The options' own properties, each read once; inherited properties do not count. Throws a `TypeError` if it is not an
 * object, or has a property that is not one of `names`.
 */
export function ownOptions<T extends object>(
  name: string,
  value: T | undefined,
  names: Names<T>,
  hints: Hints = {},
): T {
  const given = check.options(name, value);
  const own = Object.create(null) as T;
  for (const key of Object.keys(given) as (keyof T & string)[]) {
    if (!Object.hasOwn(names, key)) throw unknownOption(name, key, Object.keys(names), hints);
    own[key] = given[key];
  }
  return own;
}

function unknownOption(name: string, key: string, names: string[], hints: Hints): TypeError {
  const path = name === "options" ? key : `${name}.${key}`;
  return new TypeError(`unknown option ${path.slice(0, 80)}; ${adviceFor(key, names, hints)}`);
}

function adviceFor(key: string, names: string[], hints: Hints): string {
  if (Object.hasOwn(hints, key)) return hints[key] as string;
  const near = names.find((each) => isNear(key.toLowerCase(), each.toLowerCase()));
  if (near !== undefined) return `did you mean ${near}?`;
  return `expected one of ${names.join(", ")}`;
}

/**
 * Whether two names differ by at most two letters that were changed, added or left out; by at most one in a short name.
 */
function isNear(one: string, other: string): boolean {
  const most = Math.min(one.length, other.length) < 5 ? 1 : 2;
  return Math.abs(one.length - other.length) <= most && distance(one, other) <= most;
}

/** The edit distance in letters; swapping two neighbours counts as one edit (Damerau-Levenshtein). */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] as number) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[other.length] as number;
}
