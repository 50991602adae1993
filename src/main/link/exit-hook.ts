/**
 * Runs a task when the process or worker thread ends, after the last 'exit' listener.
 *
 * Runs on the calling thread. An 'exit' listener would run too early: a listener registered later may still use a
 * socket. So `process.emit("exit")` and `process.reallyExit` (which ends the process when a listener calls
 * `process.exit()`) are wrapped, at the first use of the package. Node always ends through these properties of
 * `process`.
 */

type Emit = (this: unknown, event: unknown, ...args: unknown[]) => boolean;

interface EndingProcess {
  emit: Emit;
  reallyExit?: (...args: unknown[]) => never;
  /** True once 'exit' is being emitted. Not in Node's documentation. */
  _exiting?: boolean;
}

const ending = process as unknown as EndingProcess;

/** Runs `task` at the end, possibly more than once. */
export function afterExitListeners(task: () => void): void {
  const { emit, reallyExit } = ending;
  let emitting = 0;
  ending.emit = function (event, ...args) {
    if (event !== "exit") return Reflect.apply(emit, this, [event, ...args]);
    emitting++;
    try {
      return Reflect.apply(emit, this, [event, ...args]);
    } finally {
      emitting--;
      task();
    }
  };
  if (reallyExit !== undefined) {
    ending.reallyExit = function (this: unknown, ...args) {
      task();
      return Reflect.apply(reallyExit, this, args);
    };
  }
  // For when 'exit' is not emitted through the wrapper: on another runtime, or if the program has replaced
  // `process.emit`.
  process.on("exit", () => {
    if (emitting === 0) task();
  });
  // The first use is within a listener: if the process ends by itself, microtasks still run after the last listener.
  if (ending._exiting === true) queueMicrotask(task);
}
