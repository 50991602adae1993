/**
 * Makes members of a class visible to `for … in`, as Web IDL requires for the classes of the Fetch Standard.
 *
 * Runs on the calling thread.
 */

/** Makes members of a prototype enumerable; the methods and getters of a JavaScript class are not. */
export function makeEnumerable<T extends object>(prototype: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) Object.defineProperty(prototype, name, { enumerable: true });
}
