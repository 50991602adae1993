/**
 * Undocumented properties of Node's `process`. The only file of the calling thread that touches them; each use has a
 * fallback.
 *
 * Used on the calling thread.
 */

/** Calls `task` when a listener of 'exit' calls `process.exit()`, before the process ends. Node only. */
export function beforeReallyExit(task: () => void): void {
  const internals = process as { reallyExit?: (...args: unknown[]) => never };
  const { reallyExit } = internals;
  if (reallyExit === undefined) return;
  internals.reallyExit = function (this: unknown, ...args) {
    task();
    return Reflect.apply(reallyExit, this, args);
  };
}

/** Whether 'exit' is being emitted, or was. */
export function isExiting(): boolean {
  return (process as { _exiting?: boolean })._exiting === true;
}

/** Whether this process has loaded one of Node's own modules; true where that isn't known (Bun, Deno). */
export function mayHaveLoaded(module: string): boolean {
  const list = (process as { moduleLoadList?: string[] }).moduleLoadList;
  return !Array.isArray(list) || list.length === 0 || list.includes(`NativeModule ${module}`);
}
