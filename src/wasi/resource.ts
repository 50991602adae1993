/**
 * What the host's resources share: jco calls `[Symbol.dispose]` when the guest drops its handle.
 *
 * Used on the calling thread.
 */

/** As jco finds it on a Node without `Symbol.dispose`. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for("dispose") as typeof Symbol.dispose);

/** Node's types lack it. */
const { RuntimeError } = WebAssembly as unknown as { RuntimeError: ErrorConstructor };

/** The guest broke a rule whose breach the WIT answers with a trap. jco lets it through to the caller of the guest. */
export function trap(message: string): never {
  throw new RuntimeError(`trap: ${message}`);
}
